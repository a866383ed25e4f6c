"""From candidates to score rows: both selections, scored against one reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

import numpy as np

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Mask, Rle, encode_mask
from cosmos_board.core.scores import SELECTIONS, ScoreRow, Scores, Selection
from cosmos_board.metrics.overlap import count_candidates
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.score import penalise, score
from cosmos_board.runner.evaluation.cells import Cell


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """One candidate, as it is kept with `--save-masks`."""

    reference_id: str
    cell: Cell
    candidate: int
    predicted_iou: float | None
    rle: Rle
    selection: Selection | None = None
    """Which selection chose it; None where all candidates are kept."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that a selection takes, and its scores."""

    index: int
    scores: Scores
    predicted_iou: float | None


def keep_finite(estimate: float | None) -> float | None:
    """Return an estimate as it is written down: none where it is NaN or infinite."""
    return estimate if estimate is not None and isfinite(estimate) else None


def choose(candidates: Candidates, reference: PreparedReference) -> dict[Selection, Choice]:
    """Return what `oracle` and `predicted` choose; lower indices win ties."""
    counts = count_candidates(candidates.masks, reference)
    indices: dict[Selection, int] = {
        "oracle": max(range(len(counts)), key=lambda k: (counts[k].dice, -k)),
        "predicted": candidates.best,
    }
    scored = {
        index: score(candidates.masks[index], reference, counts[index])
        for index in sorted(set(indices.values()))
    }
    return {
        selection: Choice(index, scored[index], float(candidates.predicted_iou[index]))
        for selection, index in indices.items()
    }


def rows_of_choices(
    reference_id: str, cell: Cell, choices: dict[Selection, Choice]
) -> Iterator[ScoreRow]:
    """Yield one row per selection."""
    for selection, choice in choices.items():
        yield make_row(reference_id, cell, selection, choice.scores, choice.predicted_iou)


def fail_rows(
    reference_id: str,
    cell: Cell,
    reference: PreparedReference,
    reason: str,
    selections: tuple[Selection, ...] = SELECTIONS,
) -> Iterator[ScoreRow]:
    """Yield rows that score a failed prediction as an empty one and say why."""
    scores = penalise(reference, f"failed: {reason}")
    for selection in selections:
        yield make_row(reference_id, cell, selection, scores, None)


def nothing_drawn(reference: PreparedReference) -> Mask:
    """Return an empty mask of the reference's size."""
    return np.zeros(reference.mask.shape, np.bool_)


def make_row(
    reference_id: str,
    cell: Cell,
    selection: Selection,
    scores: Scores,
    predicted_iou: float | None,
) -> ScoreRow:
    """Return the row of one score."""
    return ScoreRow(
        reference_id=reference_id,
        prompt=cell.prompt,
        selection=selection,
        scores=scores,
        predicted_iou=keep_finite(predicted_iou),
        study=cell.study,
        jitter_level=cell.jitter_level,
        jitter_mode=cell.jitter_mode,
        trial=cell.trial,
        click=cell.click,
    )


def keep_candidates(
    reference_id: str, cell: Cell, candidates: Candidates
) -> Iterator[PredictionRow]:
    """Yield every candidate as run lengths."""
    for index, mask in enumerate(candidates.masks):
        estimate = keep_finite(float(candidates.predicted_iou[index]))
        yield PredictionRow(reference_id, cell, index, estimate, encode_mask(mask))
