"""The metadata of a file of fine-tuned weights: base model, data, settings, and what loads it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board import __version__
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.models.own_models import get_published_hash
from cosmos_board.models.registry import is_loader, locate_weights, resolve_name
from cosmos_board.models.weights.checkpoints import BY_HAND
from cosmos_board.models.weights.weights_file import hash_weights, read_loader_name
from cosmos_board.training.finetune.data import Split, TuningPack
from cosmos_board.training.finetune.plan import TuningPlan, TuningResult


@dataclass(frozen=True, slots=True)
class TuningBase:
    """The model to fine-tune, as the user names it."""

    model: str
    """Name of a segmenter, or a file of weights."""

    checkpoint: Path | None = None
    """Weights of the segmenter, where it has none at hand."""

    device: str = "cpu"
    """`cpu` or `cuda`, with a precision such as `+bf16`."""

    @property
    def is_file(self) -> bool:
        """Whether `model` is a file of weights."""
        return self.model.endswith(".safetensors")


@dataclass(frozen=True, slots=True)
class Origin:
    """The base model as the tuned file names it."""

    loader: str
    """Name of the segmenter that loads the tuned file, or `hf:` and an address."""

    card: ModelCard
    name: str
    """Of the base model; other weights than those published under it have a suffix."""

    weights_sha256: str
    """Of the file of weights."""


def find_loader(model: str, out: Path) -> str:
    """Return the loader of a file that is tuned from `model` and written to `out`.

    The folder of a `hf:` model is kept relative to the file, so that both can move together.

    Raises:
        InputError: If there is no loader of that name.
    """
    source = Path()
    loader = resolve_name(model)
    if model.endswith(".safetensors"):
        source, loader = Path(model).parent, read_loader_name(Path(model))
    prefix, _, address = loader.partition(":")
    if prefix == "hf" and (source / address).is_dir():
        folder = os.path.relpath((source / address).resolve(), out.parent.resolve())
        return f"hf:./{folder}".replace(os.sep, "/")
    if not is_loader(loader):
        raise InputError(
            "--model", model, "has no loader by name: what is tuned could not be read again"
        )
    return loader


def find_origin(
    base: TuningBase, card: ModelCard, packs: Sequence[TuningPack], out: Path
) -> Origin:
    """Return the base model of a tuning.

    Raises:
        InputError: If the tuned file could not be loaded, or the base was itself tuned on another
            state of one of the packs, so that the clusters it has seen are not known.
    """
    loader = find_loader(base.model, out)
    known = dict(pack.split("@", 1) for pack in card.seen_packs)
    for pack in packs:
        if known.get(pack.name, pack.content_sha256) != pack.content_sha256:
            raise InputError("--model", base.model, f"was tuned on another state of {pack.name}")
    path = locate_weights(base.model, base.checkpoint)
    sha256 = "" if path is None else hash_weights(path)
    given = base.checkpoint is not None or (base.is_file and card.base_model is None)
    return Origin(loader, card, name_base(card, sha256) if given else card.name, sha256)


def name_base(card: ModelCard, weights_sha256: str) -> str:
    """Return the name of a model with given weights: with a suffix where others are published."""
    own = card.name not in BY_HAND and weights_sha256 != get_published_hash(card.name)
    return f"{card.name}@{weights_sha256[:12]}" if own else card.name


def describe_tuning(
    origin: Origin,
    plan: TuningPlan,
    packs: Sequence[TuningPack],
    split: Split,
    result: TuningResult,
    precision: str,
) -> dict[str, str]:
    """Return the metadata of the file, beside its name."""
    card, family = origin.card, origin.card.family
    seen = {*card.seen_clusters, *split.train, *split.validation}
    states = {*card.seen_packs, *map(str, packs)}
    facts = {
        "architecture": origin.loader,
        "base": origin.name,
        "base_sha256": origin.weights_sha256,
        "made_by": f"cosmos-board {__version__}",
        "method": plan.method,
        "epochs": plan.epochs,
        "kept": "the mean of the later epochs" if result.kept else "the base: validation fell",
        "learning_rate": plan.rate_for(family),
        "views": result.augmentations,
        "weight_decay": plan.weight_decay,
        "prompts": " ".join(plan.prompts),
        "seed": plan.seed,
        "precision": precision,
        "training_data": " ".join(pack.name for pack in packs),
        "seen_packs": " ".join(sorted(states)),
        "seen_clusters": " ".join(sorted(seen)),
        "train_clusters": len(split.train),
        "validation_clusters": len(split.validation),
        "test_clusters": len(split.test),
        "validation_dice": " ".join(f"{dice:.4f}" for dice in result.validation),
    }
    if plan.method == "lora":
        facts["rank"] = plan.rank
    return {key: str(fact) for key, fact in facts.items()}
