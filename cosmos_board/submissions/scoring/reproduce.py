"""Running a submitted model again on the core track: does it answer what was submitted?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import ScoreRow
from cosmos_board.data.pack import Pack
from cosmos_board.models.registry import BUILTIN, load_segmenter, locate_weights
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.schema import SCORES
from cosmos_board.submissions.checks.check import Context
from cosmos_board.submissions.checks.sample import index_pack
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.scoring.isolation import refuse_network
from cosmos_board.submissions.scoring.score import score_submission

MEAN_LIMIT = 5e-4
"""Largest difference of a pack's mean Dice under one prompt and selection."""

ROW_LIMIT = 0.01
"""Largest 99th percentile of the differences of single rows."""

SAFE_WEIGHTS = (".safetensors", ".onnx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of running a model again."""

    slug: str
    rows: int
    equal_rows: int
    """Rows whose counts are the same to the pixel."""

    mean_difference: float
    """Largest absolute difference of a pack's mean Dice, over prompts and selections."""

    row_difference: float
    """99th percentile of the absolute differences of Dice, row by row."""

    @property
    def agrees(self) -> bool:
        """Whether the entry may be shown as re-run."""
        return self.mean_difference <= MEAN_LIMIT and self.row_difference <= ROW_LIMIT


def reproduce_submission(
    folder: Path, packs: Sequence[Pack], spec: SegmenterSpec, context: Context | None = None
) -> Reproduction:
    """Run the model on every image of the core track and compare with what was submitted.

    A file of code is not imported where there is a network; `isolation.run_isolated` makes a
    process without one.

    Args:
        folder: The submission.
        packs: The packs that it names.
        spec: How to make the segmenter: a registered name, or `file.py:Class` inside a container.
        context: What else the submission is checked against.

    Raises:
        InputError: If the submission is refused, the weights are not those it names, or the model
            is code and there is a network.
    """
    refuse_network(spec.name)
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        scored = score_submission(folder, packs, Path(work) / "run", context=context)
        manifest = scored.checked.manifest
        assert manifest is not None
        _check_weights(manifest, spec, folder)
        claimed = {
            (row["reference_id"], row["prompt"], row["selection"]): (
                row["tp"],
                row["fp"],
                row["fn"],
            )
            for path in sorted((scored.run / "scores").glob("*.parquet"))
            for row in iter_rows(path, SCORES)
        }
    names = {use.name for use in manifest.packs}
    chosen = [pack for pack in packs if pack.info.name in names]
    return _compare(
        manifest, claimed, {pack.info.name: _run(pack, spec, manifest) for pack in chosen}
    )


_Key = tuple[str, str, str]
_Counts = tuple[int, int, int]


def _check_weights(manifest: Manifest, spec: SegmenterSpec, folder: Path) -> None:
    path = locate_weights(spec.name, spec.checkpoint)
    wanted = manifest.model.checkpoint
    if path is None or wanted is None:
        if (path is None) != (wanted is None):
            raise InputError(folder, "model.checkpoint", "and the model to run do not match")
        return
    if path.suffix not in SAFE_WEIGHTS and spec.name not in BUILTIN:
        raise InputError(path, "", "is no safe file of weights", want=" or ".join(SAFE_WEIGHTS))
    if not path.is_file():
        raise InputError(path, "", "does not exist")
    if (digest := hash_file(path)) != wanted.sha256:
        raise InputError(
            path, "sha256", "is another file", got=digest[:12], want=wanted.sha256[:12]
        )


def _run(pack: Pack, spec: SegmenterSpec, manifest: Manifest) -> list[ScoreRow]:
    index = index_pack(pack)
    settings = RunSettings(prompts=tuple(manifest.model.prompts))
    segmenter = load_segmenter(spec.name, checkpoint=spec.checkpoint, device=spec.device)
    wanted = {row.image_id for row in index.rows.values()}
    return [
        row
        for item in pack.iter_items(wanted=wanted)
        for row in evaluate_image(segmenter, item, settings).rows
        if row.reference_id in index.rows
    ]


def _compare(
    manifest: Manifest, claimed: dict[_Key, _Counts], found: dict[str, list[ScoreRow]]
) -> Reproduction:
    answered = {
        (row.reference_id, row.prompt, row.selection) for rows in found.values() for row in rows
    }
    if missing := claimed.keys() - answered:
        reference_id, prompt, _ = min(missing)
        raise InputError(
            manifest.slug, prompt, "was submitted and is not answered when run again",
            got=f"nothing for {reference_id} and {len(missing) - 1} more",
        )  # fmt: skip
    differences: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    equal = 0
    for name, rows in found.items():
        for row in rows:
            counts = row.scores.counts
            tp, fp, fn = claimed[row.reference_id, row.prompt, row.selection]
            equal += (tp, fp, fn) == (counts.tp, counts.fp, counts.fn)
            submitted = 2 * tp / (2 * tp + fp + fn)
            differences[name, row.prompt, row.selection].append(counts.dice - submitted)
    single = np.abs(np.concatenate([np.array(values) for values in differences.values()]))
    return Reproduction(
        slug=manifest.slug,
        rows=len(single),
        equal_rows=equal,
        mean_difference=max(abs(float(np.mean(values))) for values in differences.values()),
        row_difference=float(np.percentile(single, 99)),
    )
