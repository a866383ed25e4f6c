"""95 % intervals of what `own_scores` measures, for new clusters of the same datasets.

Standard errors come from the influences of units. Each interval is built where its statistic is
about normal or, where it never is, from exact distributions. That they cover is simulated in the
tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.design import Design
from cosmos_board.stats.intervals import (
    LEVEL,
    MINIMUM_CLUSTERS,
    interval,
    share_interval,
    t_quantile,
)
from cosmos_board.stats.own_scores import (
    BinGaps,
    Review,
    ScoredMasks,
    Statistic,
    measure_risk_at,
)
from cosmos_board.stats.variance import MeanErrors, measure_means

_DRAWS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its interval; bounds are None where too few clusters tell of it."""

    value: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    """Standard error, in the unit of the value."""

    degrees: float = 0.0
    """Degrees of freedom of the error; 0 where there is none."""


def bound_mean(statistic: Statistic, design: Design, bounds: tuple[float, float]) -> Estimate:
    """Return a mean with its t interval, clipped to `bounds`."""
    error, degrees = _find_error(statistic.influence, design)
    low, high = interval(statistic.value, error, degrees=degrees, bounds=bounds)
    return Estimate(
        value=statistic.value, low=float(low), high=float(high), error=error, degrees=degrees
    )


def bound_area(statistic: Statistic, design: Design, most: float = np.inf) -> Estimate:
    """Return a mean risk or an area under one, at least 0, with an interval on a log scale.

    There are no more than `most` degrees of freedom.
    """
    error, degrees = _find_error(statistic.influence, design)
    degrees = max(1.0, min(degrees, most))
    value = statistic.value
    if value <= 0:
        return Estimate(value=0.0)
    half = float(t_quantile(LEVEL, degrees)) * error / value
    low, high = value * np.exp(-half), min(1.0, value * np.exp(half))
    return Estimate(value=value, low=float(low), high=float(high), error=error, degrees=degrees)


def bound_risk(masks: ScoredMasks, coverage: float, design: Design) -> Estimate:
    """Return the mean risk at a coverage.

    Below full coverage the level that divides the masks is an estimate too: no interval under
    twenty units that have a part, and half as many degrees of freedom as the units are worth.
    """
    statistic, part = measure_risk_at(masks, coverage)
    if coverage >= 1:
        return bound_area(statistic, design)
    if np.count_nonzero(part) < 2 * MINIMUM_CLUSTERS:
        return Estimate(value=statistic.value)
    weight = part * masks.weight
    return bound_area(statistic, design, float(weight.sum() ** 2 / (weight**2).sum()) / 2)


def bound_auroc(statistic: Statistic, masks: ScoredMasks, design: Design) -> Estimate:
    """Return an area under the ROC curve with an interval on a logit scale.

    It reaches as far as one more failing cluster that is ranked all wrong, or all right, would
    move the value: a perfect ranking of few failures proves little. None under ten clusters that
    hold a failure, or as many that hold a mask that is none.
    """
    failing = int(np.count_nonzero(masks.unit_failed))
    sound = int(np.count_nonzero(masks.unit_failed < 1 - 1e-12))
    value = statistic.value
    if min(failing, sound) < MINIMUM_CLUSTERS:
        return Estimate(value=value)
    error, degrees = _find_error(statistic.influence, design)
    degrees = min(degrees, min(failing, sound) - 1.0)
    count = _count_failing(masks)
    low, high = value * count / (count + 1), (value * count + 1) / (count + 1)
    if 0 < value < 1:
        half = float(t_quantile(LEVEL, degrees)) * error / (value * (1 - value))
        middle = special.logit(value)
        low = min(low, float(special.expit(middle - half)))
        high = max(high, float(special.expit(middle + half)))
    return Estimate(value=value, low=low, high=high, error=error, degrees=degrees)


def bound_gaps(gaps: BinGaps, design: Design) -> Estimate:
    """Return the calibration error with an interval that holds for calibrated models too.

    The error is a sum of |v| over bins. By the triangle inequality it is off by no more than the
    sum of |error of v|, whose 95 % quantile under the normal distribution of v is the half
    interval; near 0, where the estimate is never normal and always too high, as well as far off.
    """
    errors = measure_means(gaps.gap_influence, design)
    values, vectors = np.linalg.eigh(errors.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    moved = np.abs(_draw_normals(len(values)) @ root.T).sum(axis=1)
    degrees = float(errors.degrees.min())
    wider = float(t_quantile(LEVEL, degrees) / t_quantile(LEVEL, np.inf))
    half = float(np.quantile(moved, LEVEL)) * wider
    value = gaps.error
    return Estimate(
        value=value,
        low=max(0.0, value - half),
        high=value + half,
        error=half / float(t_quantile(LEVEL, degrees)),
        degrees=degrees,
    )


def bound_bins(gaps: BinGaps, design: Design) -> tuple[Estimate, ...]:
    """Return the mean true IoU of each bin; no interval under ten units with a mask in it."""
    errors = measure_means(gaps.iou_influence, design)
    bins = []
    for place, value in enumerate(gaps.iou):
        degrees = min(float(errors.degrees[place]), float(gaps.units[place]) - 1)
        if gaps.units[place] < MINIMUM_CLUSTERS:
            bins.append(Estimate(value=float(value)))
            continue
        error = float(errors.errors[place])
        low, high = interval(value, error, degrees=degrees, bounds=(0.0, 1.0))
        bins.append(
            Estimate(
                value=float(value), low=float(low), high=float(high), error=error, degrees=degrees
            )
        )
    return tuple(bins)


def bound_review(review: Review, masks: ScoredMasks, design: Design, goal: float) -> Estimate:
    """Return the share to review with the interval of a quantile (Woodruff 1952).

    Levels at which the share of failures that is met may be `goal`, by the exact interval of a
    share of as many failures as the clusters are worth; and the share of masks up to them, with
    its own error. Few failures cannot show that most are met: then it reaches to all masks.
    """
    failing = int(np.count_nonzero(masks.unit_failed))
    if failing < MINIMUM_CLUSTERS:
        return Estimate(value=review.share)
    error, _ = _find_error(review.catch_influence, design)
    worth = _count_failing(masks)
    if error > 0:  # after Korn and Graubard 1998
        wider = float(t_quantile(LEVEL, failing - 1.0) / t_quantile(LEVEL, np.inf))
        worth = goal * (1 - goal) / (error * wider) ** 2
    low, high = share_interval(np.clip(review.caught, 0.0, 1.0), np.full(len(review.caught), worth))
    first = int(np.searchsorted(high, goal)) - 1
    last = min(int(np.searchsorted(low, goal, side="right")), len(low) - 1)
    ends = []
    for place, sign in ((first, -1.0), (last, 1.0)):
        if place < 0:
            ends.append(0.0)
            continue
        below = masks.by_unit(masks.mass * (masks.level <= place))
        own, degrees = _find_error(below, design)
        ends.append(float(review.reviewed[place] + sign * t_quantile(LEVEL, degrees) * own))
    return Estimate(
        value=review.share,
        low=min(review.share, max(0.0, ends[0])),
        high=max(review.share, min(1.0, ends[1])),
    )


def _count_failing(masks: ScoredMasks) -> float:
    """Return how many equal failing clusters weigh like those that there are (Kish 1965)."""
    weight = masks.unit_failed * masks.weight
    return float(weight.sum() ** 2 / (weight**2).sum())


def _find_error(influence: Floats, design: Design) -> tuple[float, float]:
    """Return the standard error and its degrees of freedom, at least 1."""
    errors: MeanErrors = measure_means(influence[:, None], design)
    return float(errors.errors[0]), float(errors.degrees[0])


@cache
def _draw_normals(columns: int) -> Floats:
    """Return the same standard normal draws every time, shape (draws, columns)."""
    return np.random.Generator(np.random.Philox(key=columns)).standard_normal((_DRAWS, columns))
