"""What a file of fine-tuned weights says of itself: from what, on what, how, and how to load it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board import __version__
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.models.registry import is_loader, locate_weights, resolve_name
from cosmos_board.models.weights.checkpoints import BY_HAND, CHECKPOINTS
from cosmos_board.models.weights.weights_file import hash_weights, read_loader_name
from cosmos_board.training.finetune.clusters import Split
from cosmos_board.training.finetune.data import TuningPack
from cosmos_board.training.finetune.plan import TuningPlan, TuningResult


@dataclass(frozen=True, slots=True)
class Origin:
    """The model that a tuning starts from."""

    loader: str
    """What loads the tuned file: the name of a segmenter, or `hf:` and an address."""

    card: ModelCard
    name: str
    """Of the base; weights of one's own are told apart from those published under it."""

    weights_sha256: str
    """Of the file of weights."""


def find_loader(model: str, out: Path) -> str:
    """Return what shall load a file that is tuned from `model` and written to `out`.

    The folder of a `hf:` model is kept relative to the file, so that both can move together.

    Raises:
        InputError: If nothing could load it by name.
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
    model: str, card: ModelCard, packs: Sequence[TuningPack], out: Path, checkpoint: Path | None
) -> Origin:
    """Return where a tuning starts.

    Raises:
        InputError: If the tuned file could not be loaded, or the base was itself tuned on another
            state of one of the packs: its clusters cannot be told from those of this one.
    """
    loader = find_loader(model, out)
    known = dict(one.split("@", 1) for one in card.seen_packs)
    for pack in packs:
        if known.get(pack.name, pack.content_sha256) != pack.content_sha256:
            raise InputError("--model", model, f"was tuned on another state of {pack.name}")
    path = locate_weights(model, checkpoint)
    sha256 = "" if path is None else hash_weights(path)
    given = checkpoint is not None or (model.endswith(".safetensors") and card.base_model is None)
    return Origin(loader, card, name_base(card, sha256) if given else card.name, sha256)


def name_base(card: ModelCard, weights_sha256: str) -> str:
    """Return the name of a model with weights that somebody chose.

    It is the card's where they are the published ones, or nobody published what these hash to.
    """
    packaged = locate_weights(card.name)
    if card.name in CHECKPOINTS:
        published = CHECKPOINTS[card.name].sha256
    else:
        published = hash_weights(packaged) if packaged and packaged.exists() else None
    own = card.name not in BY_HAND and weights_sha256 != published
    return f"{card.name}@{weights_sha256[:12]}" if own else card.name


def describe_tuning(
    origin: Origin,
    plan: TuningPlan,
    packs: Sequence[TuningPack],
    split: Split,
    result: TuningResult,
    precision: str,
) -> dict[str, str]:
    """Return the facts that are written into the file, beside its name."""
    card, family = origin.card, origin.card.family
    seen = {*card.seen_clusters, *split.train, *split.validation}
    states = {*card.seen_packs, *(f"{pack.name}@{pack.content_sha256}" for pack in packs)}
    facts = {
        "architecture": origin.loader,
        "base": origin.name,
        "base_sha256": origin.weights_sha256,
        "made_by": f"cosmos-board {__version__}",
        "method": plan.method,
        "epochs": plan.epochs,
        "kept": "the mean of the later epochs" if result.kept else "the base: validation fell",
        "learning_rate": plan.rate_for(family),
        "views": result.views,
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
