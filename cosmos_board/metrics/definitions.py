"""What each metric is: one function of the whole numbers that are counted of a pair of masks.

The compiled pass, the plain one and the one on a device all end in a `PairCounts`; the few
floating operations that follow are here alone, so that equal masks have equal scores everywhere.
`table.METRICS` lists the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, pi, sqrt

import numpy as np

from cosmos_board.core.arrays import Ints
from cosmos_board.core.scores import Counts

TOLERANCE_PX = 2
"""Distance up to which a boundary pixel counts as matched (NSD)."""

RELATIVE_TOLERANCE = 0.05
"""The same as a share of the reference's equivalent diameter, where it is relative."""

LEAST_TOLERANCE_PX = 1
"""Least distance that a relative tolerance comes to."""

SUM_SCALE = 2.0**26
"""Distances are summed as integer multiples of 2⁻²⁶ px: such sums do not depend on the order."""


@dataclass(frozen=True, slots=True)
class DirectedDistances:
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

    within_relative: int
    """Pixels at most `find_relative_tolerance` of the reference away."""

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
class PairCounts:
    """Everything that is counted of a prediction and its reference, both with pixels."""

    counts: Counts
    prediction: DirectedDistances
    """From the prediction's boundary to the reference's."""

    reference: DirectedDistances
    """From the reference's boundary to the prediction's."""

    band_shared: int
    """Pixels of both inner bands."""

    band_joined: int
    """Pixels of either inner band."""

    @property
    def boundary_points(self) -> int:
        """Number of boundary pixels of both masks."""
        return self.prediction.points + self.reference.points


def find_relative_tolerance(area_px: int) -> int:
    """Return the largest squared distance, px², that is matched for a reference of `area_px`.

    The tolerance is `RELATIVE_TOLERANCE` of the diameter of the disc of equal area, at least
    `LEAST_TOLERANCE_PX`. Squared distances between pixels are whole numbers, so that rounding its
    square down leaves out none of them.

    Example:
        >>> find_relative_tolerance(31416)  # a disc of radius 100: 5 % of 200 px
        100
    """
    tolerance_sq = (2 * RELATIVE_TOLERANCE) ** 2 * area_px / pi
    return max(LEAST_TOLERANCE_PX**2, floor(tolerance_sq))


def describe_distances(squared: Ints, relative_sq: int) -> DirectedDistances:
    """Return what the scores need of squared distances.

    Args:
        squared: px², shape (points,).
        relative_sq: What `find_relative_tolerance` says of the reference, px².
    """
    points = len(squared)
    index, _ = locate_p95(points)
    ordered = np.sort(squared)
    return DirectedDistances(
        points=points,
        max_sq=int(ordered[-1]),
        p95_low_sq=int(ordered[index]),
        p95_high_sq=int(ordered[min(index + 1, points - 1)]),
        within=int(ordered.searchsorted(TOLERANCE_PX**2, "right")),
        within_relative=int(ordered.searchsorted(relative_sq, "right")),
        summed=int(np.rint(np.sqrt(ordered) * SUM_SCALE).astype(np.int64).sum()),
    )


def locate_p95(points: int) -> tuple[int, float]:
    """Return the index of the lower order statistic and the share of the way to the next.

    Example:
        >>> locate_p95(21)
        (19, 0.0)
    """
    position = (points - 1) * 0.95
    index = floor(position)
    return index, position - index


def hausdorff(pair: PairCounts) -> float:
    """Return the Hausdorff distance between the boundaries, pixels."""
    return sqrt(max(pair.prediction.max_sq, pair.reference.max_sq))


def hausdorff_95(pair: PairCounts) -> float:
    """Return the larger of the two directed 95th percentiles, pixels."""
    return max(pair.prediction.p95_px, pair.reference.p95_px)


def average_surface_distance(pair: PairCounts) -> float:
    """Return the mean distance over the pixels of both boundaries pooled, pixels."""
    return (pair.prediction.summed + pair.reference.summed) / SUM_SCALE / pair.boundary_points


def normalised_surface_dice(pair: PairCounts) -> float:
    """Return the share of both boundaries within `TOLERANCE_PX` of the other, in [0, 1]."""
    return (pair.prediction.within + pair.reference.within) / pair.boundary_points


def relative_surface_dice(pair: PairCounts) -> float:
    """Return the share of both boundaries within the reference's own tolerance, in [0, 1]."""
    within = pair.prediction.within_relative + pair.reference.within_relative
    return within / pair.boundary_points


def boundary_iou(pair: PairCounts) -> float:
    """Return the IoU of the two inner bands, in [0, 1]."""
    return pair.band_shared / pair.band_joined
