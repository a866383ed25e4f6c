"""The command behind `finetune`: packs in, a file of weights and a before/after table out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.sam import SamSegmenter
from cosmos_board.models.tuned_weights import write_weights
from cosmos_board.models.weights_file import read_loader_name
from cosmos_board.training.clusters import Split, split_clusters
from cosmos_board.training.gain import Gain, compare_rows, score_images
from cosmos_board.training.tuning import tune
from cosmos_board.training.tuning_data import TuningImage, read_tuning_images
from cosmos_board.training.tuning_plan import Report, TuningPlan, TuningResult

PROMPTS = ("point", "points-5", "points-5-5", "box", "box-point")
TUNABLE = (
    "SAM's own architecture: sam-vit-b, -l or -h, cosmos-tiny, sam-med2d, medsam, or hf: of a SAM"
)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What fine-tuning made."""

    path: Path
    name: str
    """Of the new model."""

    result: TuningResult
    split: Split
    gains: tuple[Gain, ...]
    """On the test clusters."""


def finetune(
    packs: Iterable[Path],
    *,
    model: str,
    out: Path,
    plan: TuningPlan | None = None,
    checkpoint: Path | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> Tuned:
    """Fine-tune `model` on packs and write it to `out`, usable as `--model FILE` at once.

    Args:
        packs: Folders of packs; clusters are split 60/20/20 into training, validation and test.
        model: Name of a segmenter of SAM's own architecture, or a file of weights.
        out: A `.safetensors` file.
        plan: How; the study's settings where None.
        checkpoint: Weights of the base model where it has none at hand.
        device: `cpu` or `cuda`.
        report: Told of each epoch.

    Raises:
        InputError: If the model has another architecture, or there are fewer than three clusters.
    """
    if out.suffix != ".safetensors":
        raise InputError("--out", "", "has another ending", got=out.name, want=".safetensors")
    plan = plan or TuningPlan()
    images, names = read_tuning_images(packs)
    split = split_clusters((image.cluster for image in images), seed=plan.seed)
    segmenter = load_tunable(model, checkpoint=checkpoint, device=device)
    answered = segmenter.card.prompts
    plan = replace(plan, prompts=_only(plan.prompts, answered))
    test, asked = _of(images, split.test), _only(PROMPTS, answered)
    before = score_images(segmenter, test, asked)
    result = tune(segmenter, _of(images, split.train), _of(images, split.validation), plan, report)
    gains = compare_rows(before, score_images(segmenter, test, asked))
    name = tuned_name(segmenter.card.name, plan, names)
    facts = _provenance(model, segmenter, plan, names, split, result)
    halve = facts["architecture"] == "cosmos-tiny"  # the others are loaded as they are stored
    write_weights(out, segmenter.module.state_dict(), {"name": name, **facts}, halve=halve)
    return Tuned(out, name, result, split, tuple(gains))


def load_tunable(
    model: str, *, checkpoint: Path | None = None, device: str = "cpu"
) -> SamSegmenter:
    """Return a segmenter whose weights can be tuned.

    Raises:
        InputError: If the model has another architecture than SAM's.
    """
    segmenter = load_segmenter(model, checkpoint=checkpoint, device=device)
    if not isinstance(segmenter, SamSegmenter):
        raise InputError("--model", model, "cannot be fine-tuned", want=TUNABLE)
    return segmenter


def tuned_name(base: str, plan: TuningPlan, packs: Sequence[str]) -> str:
    """Return the name of the tuned model.

    Example:
        >>> tuned_name("cosmos-tiny", TuningPlan(method="lora"), ["nuclei"])
        'cosmos-tiny-lora-nuclei'
    """
    return re.sub(r"[^a-z0-9]+", "-", "-".join([base, plan.method, *packs]).lower()).strip("-")


def _only(prompts: Sequence[str], answered: Sequence[str]) -> tuple[str, ...]:
    """Return the prompts that a model answers: what it is never asked need not be learnt."""
    return tuple(name for name in prompts if name in answered)


def _of(images: Sequence[TuningImage], clusters: frozenset[str]) -> list[TuningImage]:
    return [image for image in images if image.cluster in clusters]


def _provenance(
    model: str,
    segmenter: SamSegmenter,
    plan: TuningPlan,
    packs: Sequence[str],
    split: Split,
    result: TuningResult,
) -> dict[str, str]:
    facts = {
        "architecture": read_loader_name(Path(model)) if model.endswith(".safetensors") else model,
        "base": segmenter.card.name,
        "method": plan.method,
        "epochs": plan.epochs,
        "kept": "the mean of the later epochs" if result.kept else "the base: validation fell",
        "learning_rate": plan.rate_for(segmenter.card.family),
        "views": result.views,
        "weight_decay": plan.weight_decay,
        "prompts": " ".join(plan.prompts),
        "seed": plan.seed,
        "training_data": " ".join(packs),
        "seen_clusters": " ".join(sorted(split.train | split.validation)),
        "train_clusters": len(split.train),
        "validation_clusters": len(split.validation),
        "test_clusters": len(split.test),
    }
    if plan.method == "lora":
        facts["rank"] = plan.rank
    return {key: str(fact) for key, fact in facts.items()}
