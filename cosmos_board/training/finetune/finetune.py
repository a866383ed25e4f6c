"""Fine-tunes a model on packs: writes a file of weights, returns scores before and after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from cosmos_board import __version__
from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.models.cards import KNOWN
from cosmos_board.models.registry import list_cards, load_segmenter
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.weights.tuned_weights import write_weights
from cosmos_board.store.folders import refuse_overlap
from cosmos_board.training.checkpoint import CheckpointFile
from cosmos_board.training.finetune.data import (
    Split,
    TuningPack,
    read_tuning_images,
    select_images,
    split_clusters,
)
from cosmos_board.training.finetune.plan import Report, TuningPlan, TuningResult
from cosmos_board.training.finetune.provenance import (
    Origin,
    TuningBase,
    describe_tuning,
    find_origin,
)
from cosmos_board.training.finetune.tune import check_precision, tune
from cosmos_board.training.finetune.validation import Gain, compare_rows, score_images

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
PROMPTS = ("point", "points-5", "points-5-5", "box", "box-point")
TUNABLE = (
    "SAM's own architecture: sam-vit-b, -l or -h, cosmos-tiny, sam-med2d, medsam, or hf: of a SAM"
)


@dataclass(frozen=True, slots=True)
class Tuned:
    """A new file of weights and how it came about."""

    path: Path
    name: str
    """Of the new model."""

    result: TuningResult
    split: Split
    gains: tuple[Gain, ...]
    """On the test clusters."""


def finetune(
    packs: Iterable[Path],
    base: TuningBase,
    out: Path,
    *,
    name: str = "",
    plan: TuningPlan | None = None,
    report: Report | None = None,
) -> Tuned:
    """Fine-tune a model on packs and write it to `out`, usable as `--model FILE` at once.

    An interrupted call continues after its last whole epoch when it is repeated; on the CPU it
    ends with the same file.

    Args:
        packs: Folders; clusters are split 60/20/20 into training, validation and test.
        base: A segmenter of SAM's own architecture.
        out: A `.safetensors` file; its folder is made where missing.
        name: Where empty, made of base, method, packs and the settings that are not the defaults.
        plan: The defaults of `TuningPlan` where None.
        report: Called after each epoch.

    Raises:
        InputError: If the model has another architecture, or there are fewer than three clusters
            that it has not seen.
        StorageError: If the disk fails.
    """
    _check_output(out, name)
    own_files = [path for path in (Path(base.model), base.checkpoint) if path and path.exists()]
    refuse_overlap(out, [*packs, *own_files])
    images, read_packs = read_tuning_images(packs)
    segmenter = load_tunable(base)
    check_precision(segmenter)
    answered = segmenter.card.prompts
    plan = plan or TuningPlan()
    plan = replace(plan, prompts=tuple(name for name in plan.prompts if name in answered))
    origin = find_origin(base, segmenter.card, read_packs, out)
    clusters = (image.cluster for image in images)
    split = split_clusters(clusters, seed=plan.seed, seen=segmenter.card.seen_clusters)
    _make_folder(out.parent)
    test, prompts = select_images(images, split.test), [p for p in PROMPTS if p in answered]
    before = score_images(segmenter, test, prompts)
    checkpoint = _checkpoint_of(out, segmenter, plan, origin, read_packs)
    train, validation = (select_images(images, part) for part in (split.train, split.validation))
    result = tune(segmenter, train, validation, plan, report, checkpoint)
    gains = compare_rows(before, score_images(segmenter, test, prompts))
    name = name or tuned_name(origin.name, plan, [pack.name for pack in read_packs])
    facts = describe_tuning(origin, plan, read_packs, split, result, segmenter.precision)
    halve = facts["architecture"] == "cosmos-tiny"  # the others are loaded as they are stored
    write_weights(out, segmenter.module.state_dict(), {"name": name, **facts}, halve=halve)
    checkpoint.path.unlink(missing_ok=True)
    return Tuned(out, name, result, split, tuple(gains))


def load_tunable(base: TuningBase) -> SamSegmenter:
    """Return a segmenter whose weights can be tuned.

    Raises:
        InputError: If the model has another architecture than SAM's.
    """
    if base.checkpoint is not None and base.is_file:
        got = base.checkpoint
        raise InputError("--checkpoint", "", f"is of no use beside {base.model}", got=got)
    segmenter = load_segmenter(base.model, checkpoint=base.checkpoint, device=base.device)
    if not isinstance(segmenter, SamSegmenter):
        raise InputError("--model", base.model, "cannot be fine-tuned", want=TUNABLE)
    return segmenter


def tuned_name(base: str, plan: TuningPlan, packs: Sequence[str]) -> str:
    """Return the name of the tuned model: two tunings that differ have two names.

    Example:
        >>> tuned_name("cosmos-tiny", TuningPlan(method="lora"), ["nuclei"])
        'cosmos-tiny-lora-nuclei'
        >>> tuned_name("sam-vit-b", TuningPlan(epochs=5, seed=1), ["nuclei", "heart"])
        'sam-vit-b-decoder-nuclei-heart-epochs-5-seed-1'
    """
    default = TuningPlan()
    settings = ("rank", "epochs", "seed") if plan.method == "lora" else ("epochs", "seed")
    changed = [
        f"{setting}-{getattr(plan, setting)}"
        for setting in settings
        if getattr(plan, setting) != getattr(default, setting)
    ]
    words = "-".join([base, plan.method, *packs, *changed]).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def _check_output(out: Path, name: str) -> None:
    if out.suffix != ".safetensors":
        raise InputError("--out", "", "has another ending", got=out.name, want=".safetensors")
    if out.is_dir():
        raise InputError("--out", "", "is a folder", got=out)
    if name and not _NAME.fullmatch(name):
        raise InputError("--name", "", "is none", got=name, want="a-z, 0-9, hyphens and dots")
    if name in {card.name for card in list_cards()} | KNOWN.keys():
        raise InputError("--name", "", "is another model's", got=name)


def _make_folder(folder: Path) -> None:
    """Make sure that `folder` can be written to before hours are spent on training."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise describe_os_error(folder, "write", error) from error


def _checkpoint_of(
    out: Path,
    segmenter: SamSegmenter,
    plan: TuningPlan,
    origin: Origin,
    packs: Sequence[TuningPack],
) -> CheckpointFile:
    """Return the checkpoint of the unfinished tuning: a hidden file beside its output."""
    settings = {
        **{key: str(value) for key, value in asdict(plan).items()},
        "learning_rate": str(plan.rate_for(segmenter.card.family)),
        "base": f"{origin.loader} {origin.name} {origin.weights_sha256}",
        "arithmetic": f"{segmenter.device} {segmenter.precision}",
        "version": __version__,
        "packs": " ".join(map(str, packs)),
    }
    return CheckpointFile(out.with_name(f".{out.name}.unfinished"), settings)
