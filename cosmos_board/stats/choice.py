"""What to expect of an option that was chosen because it scored highest on the same clusters.

The highest of many means owes a part of its height to chance. So the score to expect comes from
clusters that had no part in the choice, and intervals hold for all options together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import special, stats

from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.failures import lose_cluster, reach_with_failure
from cosmos_board.stats.intervals import LEVEL, t_quantile
from cosmos_board.stats.testing import MARGIN, POWER, needed_clusters
from cosmos_board.stats.variance import MeanErrors

ALPHA = 1.0 - LEVEL

LEAST_GAP = MARGIN / 10
"""Distance from the margin that nobody would collect clusters for, to tell its side."""


def choose_by_others(values: Floats) -> Ints:
    """Return for each cluster the option of the highest mean over all other clusters.

    The option's score on the cluster is then free of the choice: the mean of these scores is
    unbiased for what a choice from one cluster less is worth. Of equal options the first counts.

    Args:
        values: In [0, 1], shape (clusters, options), at least two clusters.

    Returns:
        shape (clusters,).

    Example:
        >>> choose_by_others(np.array([[1.0, 0.65], [0.2, 0.65], [0.4, 0.65]])).tolist()
        [1, 0, 1]
    """
    totals = values.sum(axis=0)
    # One cluster moves a total by 1 at most: the others cannot come first.
    candidates = np.flatnonzero(totals >= totals.max() - 1.0)
    without = totals[candidates] - values[:, candidates]
    chosen: Ints = candidates[without.argmax(axis=1)].astype(np.int64)
    return chosen


def bound_failures(failures: Floats, clusters: float, *, alpha: float) -> Floats:
    """Return exact upper bounds of several failure rates that hold for all of them together.

    An option that failed no more often than others may have been lucky where they were not.
    Therefore its Clopper–Pearson bound is taken at alpha ÷ (1 + options that failed more often):
    the step-up rule of Hochberg (1988), by which options that all failed alike need no correction.

    Args:
        failures: Share of failures of each option over clusters, shape (options,).
        clusters: How many.
        alpha: Share of samples in which a bound may be too low, one-sided.

    Returns:
        shape (options,), at least `failures`.

    Example:
        >>> bound_failures(np.array([0.0, 0.0]), 20, alpha=0.025).round(3).tolist()
        [0.168, 0.168]
        >>> bound_failures(np.array([0.0, 0.1]), 20, alpha=0.025).round(3).tolist()
        [0.197, 0.317]
    """
    worse = (failures[None, :] > failures[:, None]).sum(axis=1)
    failed = failures * clusters
    # Where all failed the bound is 1 whatever the tail.
    bounds = stats.beta.isf(alpha / (1 + worse), failed + 1.0, np.maximum(clusters - failed, 1e-9))
    return np.maximum(bounds, failures)


def bound_options(errors: MeanErrors, failures: Floats) -> tuple[Floats, Floats]:
    """Return intervals of the means of several options that hold for all of them together, at 95 %.

    Lower ends: the lower of mean − t × error at 2.5 % ÷ options (Bonferroni), and of the mean less
    what failures not yet seen would cost at a score of 0: mean × (1 − (bound − rate of failure)),
    with `bound_failures` at 5 %. Upper ends: none of the means lies above the highest of the single
    97.5 % bounds, which thus holds for all; and at least the mean with one more cluster of 1.

    Args:
        errors: Of the options' means on one target, ratios in [0, 1].
        failures: Share of failures of each option over clusters, shape (options,).

    Returns:
        Lower and upper ends, shape (options,) each.
    """
    means, error, degrees = errors.means, errors.errors, errors.degrees
    half = t_quantile(1.0 - ALPHA / len(means), degrees) * error
    unseen = bound_failures(failures, float(errors.design.sizes[0]), alpha=ALPHA) - failures
    low = np.minimum(means - half, means * (1.0 - unseen))
    highest = float((means + t_quantile(LEVEL, degrees) * error).max())
    gain, _ = lose_cluster(1.0 - errors.target_means, errors.design)
    high = np.maximum(np.minimum(means + half, highest), means + gain)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """Means minus one of them, the base, paired by cluster, shape (n,) each."""

    difference: Floats
    low: Floats
    high: Floats
    """Simultaneous 95 % interval, at least as far as the one-sided bound with one more failure."""

    equivalent: Bools
    """Whether the interval of the data alone lies within ±0.01."""

    worse: Bools
    """Whether it lies below −0.01, and so does the estimate after one more failure of the base."""

    detectable: Floats
    """Least true difference that would have been shown in 80 % of such samples."""

    needed: Ints
    """Roughly how many clusters would tell the two apart, or show that nothing is lost."""


def contrast(errors: MeanErrors, base: int, others: Ints, *, comparisons: int) -> Contrasts:
    """Return how some means differ from one base, of a family of as many comparisons (Bonferroni).

    Args:
        errors: Of the means on one target, ratios in [0, 1].
        base: Number of the mean that is subtracted.
        others: Numbers of the means from which it is, shape (n,).
        comparisons: How many comparisons hold together at 95 %, at least 1.
    """
    alpha = ALPHA / comparisons
    bases = np.full_like(others, base)
    differences = errors.subtract(others, bases)
    value, error, degrees = differences.means, differences.errors, differences.degrees
    quantile = t_quantile(1.0 - alpha, degrees)
    half = quantile * error
    down, up = (
        np.maximum(half, reach_with_failure(errors.target_means[:, failing], differences.spread))
        for failing in (others, bases)
    )
    losses, _ = lose_cluster(errors.target_means, errors.design)
    base_loss = float(losses[base])
    short = float(special.ndtri(POWER)) * error
    # Johnson and Welch (1940): the half width varies too, which matters where it is many errors.
    reach = half + short * np.sqrt(1.0 + quantile**2 / (2.0 * degrees))
    clusters = float(errors.design.sizes[0])
    needed = [
        _count_needed(*numbers, base_mean=clusters * base_loss, clusters=clusters, alpha=alpha)
        for numbers in zip(np.abs(value).tolist(), half.tolist(), error.tolist(), strict=True)
    ]
    return Contrasts(
        difference=value,
        low=np.maximum(value - down, -1.0),
        high=np.minimum(value + up, 1.0),
        equivalent=np.abs(value) + half <= MARGIN,
        worse=value + np.maximum(half, base_loss) < -MARGIN,
        detectable=MARGIN + np.maximum(reach, np.maximum(losses[others], base_loss) + short),
        needed=np.array(needed, np.int64),
    )


def _count_needed(
    distance: float, half: float, error: float, *, base_mean: float, clusters: float, alpha: float
) -> int:
    """Return how many clusters would show that a difference is within, or beyond, the margin.

    Where only one more failure keeps it from being beyond, so many that this failure weighs less;
    where it lies too near the margin, so many as tell it from the margin.
    """
    beyond = distance - half - MARGIN
    if beyond > 0:
        return ceil(base_mean / beyond)
    spread = error * clusters**0.5
    # Both ends have to lie within the margin, so that each may miss in half of the cases.
    needed = needed_clusters(spread, MARGIN, alpha=alpha, power=(1.0 + POWER) / 2)
    if needed > clusters:
        return needed
    return needed_clusters(spread, max(abs(distance - MARGIN), LEAST_GAP), alpha=alpha)
