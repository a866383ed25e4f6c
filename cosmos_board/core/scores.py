"""Scores of one prediction, and the row of the scores table that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Selection: TypeAlias = Literal["oracle", "predicted"]
SELECTIONS: tuple[Selection, ...] = ("oracle", "predicted")
"""`oracle` takes the candidate of the best Dice, `predicted` that of the highest predicted IoU."""

Study: TypeAlias = Literal["main", "jitter", "clicks", "volumes"]
STUDIES: tuple[Study, ...] = ("main", "jitter", "clicks", "volumes")

_Count = TypeVar("_Count", int, NDArray[np.int64])

OK = "ok"
PENALISED = "penalised"
"""Status of an empty prediction: distances are the image diagonal."""

MOST_FAILED = 0.01
"""Share of answers that may fail; see `fails_too_often`."""


def fails_too_often(failed: _Count, answers: _Count) -> Any:  # noqa: ANN401 (bool, or array)
    """Return whether so many answers failed that a model is not ranked, and a run has failed.

    An empty mask is an answer and no failure. Both counts may be arrays of one shape.

    Example:
        >>> fails_too_often(1, 100), fails_too_often(2, 100), fails_too_often(0, 0)
        (False, True, False)
    """
    return failed > MOST_FAILED * answers


@dataclass(frozen=True, slots=True)
class Counts:
    """Pixels shared and not shared by a prediction and its reference."""

    tp: int
    fp: int
    fn: int

    @property
    def dice(self) -> float:
        """2 tp / (2 tp + fp + fn), in [0, 1]; a reference is never empty.

        Example:
            >>> Counts(tp=2, fp=1, fn=1).dice
            0.6666666666666666
        """
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """Tp / (tp + fp + fn), in [0, 1]."""
        return self.tp / (self.tp + self.fp + self.fn)


@dataclass(frozen=True, slots=True)
class Scores:
    """Every score of one prediction against its reference."""

    counts: Counts
    hd_px: float
    """Hausdorff distance, pixels."""

    hd95_px: float
    """Larger of the two directed 95th percentiles, pixels."""

    assd_px: float
    """Mean distance over both boundaries pooled, pixels."""

    nsd: float
    """Share of both boundaries within 2 px of the other, in [0, 1]."""

    nsd_rel: float
    """The same within 5 % of the reference's equivalent diameter, at least 1 px, in [0, 1]."""

    boundary_iou: float
    """IoU of the inner bands of both masks, in [0, 1]."""

    status: str = OK
    """`ok`, `penalised` (nothing was drawn) or `failed: <reason>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One line of the scores table."""

    reference_id: str
    prompt: str
    selection: Selection
    scores: Scores
    predicted_iou: float | None
    """The model's estimate for the selected candidate; None where it gives none."""

    study: Study = "main"
    jitter_level: int | None = None
    """Lower bound of the displacement in pixels: 0, 10 or 20; None outside the jitter study."""

    jitter_mode: Literal["first", "all"] | None = None
    trial: int = 0
    click: int | None = None
    """Number of clicks given, 1 … 10; None outside the clicks study."""
