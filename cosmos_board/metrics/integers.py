"""What is counted of one pair of masks, and how scores follow from it.

Every way of counting (compiled, plain, on a device) ends in the same integers; the few floating
operations that follow stand here once, so that equal masks give equal bytes everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt

from cosmos_board.core.scores import OK, PENALISED, Counts, Scores
from cosmos_board.metrics.reference import PreparedReference

TOLERANCE_PX = 2
"""Distance up to which a boundary pixel counts as found (NSD)."""

SUM_SCALE = 2.0**26
"""Distances are summed as whole multiples of 2⁻²⁶ px, since integers add up alike in any order."""


@dataclass(frozen=True, slots=True)
class Directed:
    """Squared distances (px²) from each boundary pixel of one mask to the other's boundary."""

    points: int
    """Number of boundary pixels."""

    max_sq: int

    p95_low_sq: int
    """The order statistic at or below the 95th percentile."""

    p95_high_sq: int
    """The next one."""

    within: int
    """Pixels at most `TOLERANCE_PX` away."""

    summed: int
    """Sum of the distances, each rounded to a multiple of 1 / `SUM_SCALE` px."""

    @property
    def p95_px(self) -> float:
        """95th percentile with linear interpolation, as `numpy.percentile` rounds it."""
        low, high = sqrt(self.p95_low_sq), sqrt(self.p95_high_sq)
        _, share = locate_p95(self.points)
        step = high - low
        return high - step * (1 - share) if share >= 0.5 else low + step * share


@dataclass(frozen=True, slots=True)
class PairIntegers:
    """Everything that is counted of a prediction and its reference."""

    counts: Counts
    prediction: Directed
    """From the prediction's boundary to the reference's."""

    reference: Directed
    """From the reference's boundary to the prediction's."""

    band_shared: int
    """Pixels of both inner bands."""

    band_joined: int
    """Pixels of either inner band."""


def locate_p95(points: int) -> tuple[int, float]:
    """Return the index of the lower order statistic and the share of the way to the next.

    Example:
        >>> locate_p95(21)
        (19, 0.0)
    """
    position = (points - 1) * 0.95
    index = floor(position)
    return index, position - index


def to_scores(integers: PairIntegers) -> Scores:
    """Return the scores that follow from what was counted of two masks with pixels."""
    prediction, reference = integers.prediction, integers.reference
    points = prediction.points + reference.points
    return Scores(
        counts=integers.counts,
        hd_px=sqrt(max(prediction.max_sq, reference.max_sq)),
        hd95_px=max(prediction.p95_px, reference.p95_px),
        assd_px=(prediction.summed + reference.summed) / SUM_SCALE / points,
        nsd=(prediction.within + reference.within) / points,
        boundary_iou=integers.band_shared / integers.band_joined,
        status=OK,
    )


def penalise(reference: PreparedReference, status: str = PENALISED) -> Scores:
    """Return the scores of a prediction without pixels: nothing shared, the whole image away.

    Args:
        reference: What should have been drawn.
        status: `penalised`, or `failed: <reason>` where there is no prediction at all.
    """
    away = reference.diagonal_px
    return Scores(Counts(0, 0, reference.area_px), away, away, away, 0.0, 0.0, status)
