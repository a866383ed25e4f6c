"""The command behind `finetune`: packs in, a file of weights and a before/after table out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from cosmos_board import __version__
from cosmos_board.core.errors import InputError
from cosmos_board.models.known import KNOWN
from cosmos_board.models.registry import list_cards, load_segmenter
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.weights.tuned_weights import write_weights
from cosmos_board.store.files import describe_os_error
from cosmos_board.store.folders import refuse_overlap
from cosmos_board.training.finetune.clusters import Split, split_clusters
from cosmos_board.training.finetune.data import TuningImage, TuningPack, read_tuning_images
from cosmos_board.training.finetune.gain import Gain, compare_rows, score_images
from cosmos_board.training.finetune.plan import Report, TuningPlan, TuningResult
from cosmos_board.training.finetune.provenance import Origin, describe_tuning, find_origin
from cosmos_board.training.finetune.resume import KeptTuning
from cosmos_board.training.finetune.tuning import check_precision, tune

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
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
    name: str = "",
    plan: TuningPlan | None = None,
    checkpoint: Path | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> Tuned:
    """Fine-tune `model` on packs and write it to `out`, usable as `--model FILE` at once.

    The same call goes on where one was interrupted, after its last whole epoch; on the CPU to the
    same file.

    Args:
        packs: Folders of packs; clusters are split 60/20/20 into training, validation and test.
        model: Name of a segmenter of SAM's own architecture, or a file of weights.
        out: A `.safetensors` file; its folder is made where missing.
        name: Of the new model; told by base, method, packs and what differs from the defaults
            where empty.
        plan: How; the defaults of `TuningPlan` where None.
        checkpoint: Weights of the base model where it has none at hand.
        device: `cpu` or `cuda`.
        report: Told of each epoch.

    Raises:
        InputError: If the model has another architecture, or there are fewer than three clusters
            that it has not seen.
        StorageError: If the disk fails.
    """
    _check(out, name)
    own = [one for one in (Path(model), checkpoint) if one is not None and one.exists()]
    refuse_overlap(out, [*packs, *own])
    plan = plan or TuningPlan()
    images, learnt = read_tuning_images(packs)
    segmenter = load_tunable(model, checkpoint=checkpoint, device=device)
    check_precision(segmenter)
    origin = find_origin(model, segmenter.card, learnt, out, checkpoint)
    clusters = (image.cluster for image in images)
    split = split_clusters(clusters, seed=plan.seed, seen=segmenter.card.seen_clusters)
    _make_folder(out.parent)
    answered = segmenter.card.prompts
    plan = replace(plan, prompts=_only(plan.prompts, answered))
    test, asked = _of(images, split.test), _only(PROMPTS, answered)
    before = score_images(segmenter, test, asked)
    keep = _keep(out, segmenter, plan, origin, learnt)
    train, validation = _of(images, split.train), _of(images, split.validation)
    result = tune(segmenter, train, validation, plan, report, keep)
    gains = compare_rows(before, score_images(segmenter, test, asked))
    name = name or tuned_name(origin.name, plan, [pack.name for pack in learnt])
    facts = describe_tuning(origin, plan, learnt, split, result, segmenter.precision)
    halve = facts["architecture"] == "cosmos-tiny"  # the others are loaded as they are stored
    write_weights(out, segmenter.module.state_dict(), {"name": name, **facts}, halve=halve)
    keep.drop()
    return Tuned(out, name, result, split, tuple(gains))


def _check(out: Path, name: str) -> None:
    if out.suffix != ".safetensors":
        raise InputError("--out", "", "has another ending", got=out.name, want=".safetensors")
    if out.is_dir():
        raise InputError("--out", "", "is a folder", got=out)
    if name and not _NAME.fullmatch(name):
        raise InputError("--name", "", "is none", got=name, want="a-z, 0-9, hyphens and dots")
    if name in {card.name for card in list_cards()} | KNOWN.keys():
        raise InputError("--name", "", "is another model's", got=name)


def _make_folder(folder: Path) -> None:
    """Find out whether the file can be written before hours are spent on it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise describe_os_error(folder, "write", error) from error


def _keep(
    out: Path,
    segmenter: SamSegmenter,
    plan: TuningPlan,
    origin: Origin,
    packs: Sequence[TuningPack],
) -> KeptTuning:
    """Return where the tuning is kept while it is under way: beside its file, hidden."""
    family = segmenter.card.family
    settings = {
        **{key: str(fact) for key, fact in asdict(plan).items()},
        "learning_rate": str(plan.rate_for(family)),
        "base": f"{origin.loader} {origin.name} {origin.weights_sha256}",
        "arithmetic": f"{segmenter.device} {segmenter.precision}",
        "version": __version__,
        "packs": " ".join(f"{pack.name}@{pack.content_sha256}" for pack in packs),
    }
    return KeptTuning(out.with_name(f".{out.name}.unfinished"), settings)


def load_tunable(
    model: str, *, checkpoint: Path | None = None, device: str = "cpu"
) -> SamSegmenter:
    """Return a segmenter whose weights can be tuned.

    Raises:
        InputError: If the model has another architecture than SAM's.
    """
    if checkpoint is not None and model.endswith(".safetensors"):
        raise InputError("--checkpoint", "", f"is of no use beside {model}", got=checkpoint)
    segmenter = load_segmenter(model, checkpoint=checkpoint, device=device)
    if not isinstance(segmenter, SamSegmenter):
        raise InputError("--model", model, "cannot be fine-tuned", want=TUNABLE)
    return segmenter


def tuned_name(base: str, plan: TuningPlan, packs: Sequence[str]) -> str:
    """Return the name of the tuned model: two tunings that differ have two names.

    Example:
        >>> tuned_name("cosmos-tiny", TuningPlan(method="lora"), ["nuclei"])
        'cosmos-tiny-lora-nuclei'
        >>> tuned_name("sam-vit-b", TuningPlan(epochs=5, seed=1), ["nuclei", "heart"])
        'sam-vit-b-decoder-nuclei-heart-epochs-5-seed-1'
    """
    usual = TuningPlan()
    facts = ("rank", "epochs", "seed") if plan.method == "lora" else ("epochs", "seed")
    asked = [
        f"{fact}-{getattr(plan, fact)}"
        for fact in facts
        if getattr(plan, fact) != getattr(usual, fact)
    ]
    return re.sub(r"[^a-z0-9]+", "-", "-".join([base, plan.method, *packs, *asked]).lower()).strip(
        "-"
    )


def _only(prompts: Sequence[str], answered: Sequence[str]) -> tuple[str, ...]:
    """Return the prompts that a model answers: what it is never asked need not be learnt."""
    return tuple(name for name in prompts if name in answered)


def _of(images: Sequence[TuningImage], clusters: frozenset[str]) -> list[TuningImage]:
    return [image for image in images if image.cluster in clusters]
