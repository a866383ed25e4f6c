"""Confidence intervals of means over clusters, of shares, and of what a rare failure would change.

Dice has a mass at 0: a model that has not failed yet on 20 clusters may fail on the next. An
interval from the spread of the data alone then covers half of what it promises. Therefore the lower
end reaches at least as far as it would with one more cluster that scores 0, and the upper end at
least as far as with one more cluster that scores 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.design import Design
from cosmos_board.stats.variance import MeanErrors

MINIMUM_CLUSTERS = 10
"""Below this many clusters a target shows its score and no interval."""

LEVEL = 0.95
"""Share of intervals that cover."""


def t_quantile(level: float, degrees: ArrayLike) -> Floats:
    """Return the two-sided t quantile: 2.5 % lie beyond it on either side at level 0.95.

    Args:
        level: In (0, 1).
        degrees: Degrees of freedom, any shape; need not be whole.

    Example:
        >>> t_quantile(0.95, [9, 4.5]).round(4).tolist()
        [2.2622, 2.6589]
    """
    # As `scipy.stats.t.isf`, without its checks, which cost more than the quantile of few degrees.
    below = special.stdtrit(np.asarray(degrees, np.float64), (1.0 - level) / 2)
    return np.asarray(-below, np.float64)


def interval(
    estimate: ArrayLike,
    error: ArrayLike,
    *,
    degrees: ArrayLike,
    level: float = LEVEL,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[Floats, Floats]:
    """Return estimate ± t × standard error, clipped to what the metric can be.

    Args:
        estimate: Any shape.
        error: Standard errors, the same shape.
        degrees: Degrees of freedom, at least 1.
        level: Share of intervals that should cover.
        bounds: Least and greatest value.

    Example:
        >>> low, high = interval(0.9, 0.1, degrees=9, bounds=(0, 1))
        >>> round(float(low), 4), float(high)
        (0.6738, 1.0)
    """
    half = t_quantile(level, degrees) * np.asarray(error, np.float64)
    centre = np.asarray(estimate, np.float64)
    return np.clip(centre - half, *bounds), np.clip(centre + half, *bounds)


@dataclass(frozen=True, slots=True, eq=False)
class OneMore:
    """What one more cluster would do to means over targets, shape (columns,) each.

    The cluster scores 0 (or 1) in the target in which this changes the mean most.
    """

    loss: Floats
    """By how much the mean falls where the cluster scores 0, at least 0."""

    gain: Floats
    """By how much it rises where the cluster scores 1, at least 0."""

    low: Floats
    """One-sided 95 % bound of the mean with the cluster of 0."""

    high: Floats
    """The same of the mean with the cluster of 1."""


def add_one_cluster(errors: MeanErrors, *, everywhere: bool = False) -> OneMore:
    """Return what one more cluster of 0, or of 1, would do to means of ratios in [0, 1].

    With n clusters of mean m and squared standard error V in a target, n + 1 have the mean
    m n / (n + 1) and, by the sum of squares, the squared standard error
    ((n − 1) V + m² / (n + 1)) / (n + 1).

    Args:
        errors: Of the means.
        everywhere: Whether the cluster, where targets share clusters, fails in as many targets as
            scores of a cluster go together over targets, and does at least what the worst (best)
            of the clusters does; else it fails in one target.
    """
    sizes = errors.design.sizes[:, None].astype(np.float64)
    targets = len(sizes)
    means, variances = errors.target_means, errors.target_variances
    losses = _lose_in_targets(errors)
    gains = (1.0 - means) / (sizes + 1.0) / targets
    column = np.arange(means.shape[1])
    worst = losses.argmax(axis=0)
    size = sizes[worst, 0]
    loss = lose_one_cluster(errors)
    gain = np.maximum(gains.max(axis=0), 0.0)
    if everywhere and errors.design.shares_clusters:
        steps, step = errors.influences
        together = _count_together(errors)
        again = step * size / (size + 1.0)
        loss = np.maximum(loss * together, -steps.min(axis=0) * again)
        gain = np.maximum(gain * together, steps.max(axis=0) * again)
    own = variances[worst, column] / targets**2
    low = errors.means - loss - _reach_with(loss, own, size, errors)
    column_best = gains.argmax(axis=0)
    own = variances[column_best, column] / targets**2
    high = errors.means + gain + _reach_with(gain, own, sizes[column_best, 0], errors)
    return OneMore(loss, gain, low, high)


def lose_one_cluster(errors: MeanErrors) -> Floats:
    """Return by how much one more cluster of 0 lowers each mean: `OneMore.loss`, alone."""
    loss: Floats = np.maximum(_lose_in_targets(errors).max(axis=0), 0.0)
    return loss


def _lose_in_targets(errors: MeanErrors) -> Floats:
    """Return by how much it does in each target, shape (targets, columns)."""
    sizes = errors.design.sizes[:, None].astype(np.float64)
    losses: Floats = errors.target_means / (sizes + 1.0) / len(sizes)
    return losses


def _reach_with(shift: Floats, own: Floats, size: Floats, errors: MeanErrors) -> Floats:
    """Return one-sided t × standard error of means to which a cluster was added.

    Args:
        shift: By how much it moves the means, shape (columns,).
        own: Squared error that its target had put into them.
        size: Clusters that its target had.
        errors: Of the means without it.
    """
    larger = ((size - 1) * own + shift**2 * (size + 1)) / (size + 1)
    others = np.maximum(errors.errors**2 - own, 0.0)
    spread = larger**2 / size + others**2 / errors.degrees
    total = larger + others
    degrees = np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1.0), size)
    reach: Floats = t_quantile(0.9, np.maximum(degrees, 1.0)) * np.sqrt(total)
    return reach


def _count_together(errors: MeanErrors) -> Floats:
    """Return how many targets of a cluster vary as one, from 1 to all, shape (columns,).

    The variance of the mean over targets, divided by what it would be if they were independent
    (the design effect of Kish 1965).
    """
    targets = len(errors.design.sizes)
    independent = errors.target_variances.sum(axis=0) / targets**2
    varies = independent > 0
    effect = errors.errors**2 / np.where(varies, independent, 1.0)
    return np.clip(np.where(varies, effect, 1.0), 1.0, targets)


def ratio_interval(errors: MeanErrors) -> tuple[Floats, Floats]:
    """Return the 95 % interval of means of ratios in [0, 1], shape (columns,) each.

    The t interval; its lower end at most the one-sided 95 % bound of the mean with one more
    cluster of 0, its upper end at least that of the mean with one more cluster of 1.
    """
    more = add_one_cluster(errors, everywhere=True)
    low, high = interval(errors.means, errors.errors, degrees=errors.degrees)
    low, high = np.minimum(low, more.low), np.maximum(high, more.high)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def share_interval(
    share: ArrayLike, clusters: ArrayLike, *, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Return the exact interval of a share of clusters (Clopper and Pearson 1934).

    Clusters may fail in part; a share of parts varies no more than one of wholes, so that the
    interval is then wider than need be.

    Args:
        share: In [0, 1], any shape.
        clusters: How many clusters, or their effective number, the same shape.
        level: Share of intervals that should cover at least.

    Example:
        >>> [round(float(end), 3) for end in share_interval(0.0, 20)]
        [0.0, 0.168]
    """
    part = np.asarray(share, np.float64)
    size = np.asarray(clusters, np.float64)
    failed = part * size
    tail = (1.0 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(failed > 1e-9, stats.beta.ppf(tail, failed, size - failed + 1), 0.0)
        high = np.where(size - failed > 1e-9, stats.beta.isf(tail, failed + 1, size - failed), 1.0)
    return np.minimum(low, part), np.maximum(high, part)


def effective_clusters(design: Design) -> float:
    """Return how many equal clusters weigh like those behind a mean over targets.

    1 / Σ w², w being a cluster's weight over all targets (Kish 1965).
    """
    weight = np.bincount(design.cluster, design.weight)
    return float(1.0 / (weight**2).sum())


def jackknife_errors(without: Floats) -> Floats:
    """Return the standard error of an estimate from those that leave one group out each.

    The delete-one-group jackknife: √((n − 1)/n · Σ (estimate − mean)²).

    Args:
        without: The estimate without each group, shape (groups, columns), at least two groups.

    Returns:
        shape (columns,); of a mean over equal groups exactly sd / √n.
    """
    groups = len(without)
    squares = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    errors: Floats = np.sqrt(squares * (groups - 1) / groups)
    return errors
