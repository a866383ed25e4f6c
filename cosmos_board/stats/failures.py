"""What one more cluster that fails would do to means over targets and to their differences.

Dice has a mass at 0: a model that has not failed yet on 20 clusters may fail on the next. An
interval from the spread of the data alone then covers half of what it promises. Therefore every
interval that is printed reaches, on the side to which a failure moves the estimate, at least as far
as it would with one more cluster that scores 0. Verdicts ask for less: see `stats.family`.
"""

from __future__ import annotations

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.design import Design
from cosmos_board.stats.intervals import interval, t_quantile
from cosmos_board.stats.variance import MeanErrors, Spread


def lose_cluster(target_means: Floats, design: Design) -> tuple[Floats, Ints]:
    """Return by how much one more cluster of 0 lowers each mean, and in which target it stands.

    It stands where it costs most: of n clusters of mean m it takes m / (n + 1) off.

    Args:
        target_means: Of ratios in [0, 1], shape (targets, columns).
        design: What they rest on.

    Returns:
        At least 0, and the target's number, shape (columns,) each.
    """
    losses = target_means / (design.sizes[:, None] + 1.0) / len(design.sizes)
    return np.maximum(losses.max(axis=0), 0.0), losses.argmax(axis=0).astype(np.int64)


def reach_with_failure(
    failing: Floats, spread: Spread, *, everywhere: bool = True, furthest: Floats | None = None
) -> Floats:
    """Return how far the one-sided 95 % bound of some means is from them with one more failure.

    With n clusters of squared standard error V in a target, of which a failure takes `loss`, n + 1
    have, by the sum of squares, ((n − 1) V + (n + 1) loss²) / (n + 1).

    Args:
        failing: Means of what scores 0 in the added cluster, shape (targets, columns): of the
            scores themselves, or of the one model of each difference whose failure moves it.
        spread: Of the scores, or of the differences.
        everywhere: Whether the cluster, where targets share clusters, fails in as many targets as
            scores of a cluster go together over targets; else it fails in one.
        furthest: How far the cluster that does so most moves each mean to that side, shape
            (columns,): where targets share clusters, the added one does no less.

    Returns:
        At least 0, shape (columns,).
    """
    design = spread.design
    loss, target = lose_cluster(failing, design)
    size = design.sizes[target].astype(np.float64)
    own = spread.target_variances[target, np.arange(len(loss))] / len(design.sizes) ** 2
    if everywhere and design.shares_clusters:
        loss = loss * _count_together(spread)
        if furthest is not None:
            loss = np.maximum(loss, furthest * size / (size + 1.0))
    larger = ((size - 1) * own + loss**2 * (size + 1)) / (size + 1)
    others = np.maximum(spread.errors**2 - own, 0.0)
    squares = larger**2 / size + others**2 / spread.degrees
    total = larger + others
    degrees = np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1.0), size)
    reach: Floats = loss + t_quantile(0.9, np.maximum(degrees, 1.0)) * np.sqrt(total)
    return reach


def _count_together(spread: Spread) -> Floats:
    """Return how many targets of a cluster vary as one, from 1 to all, shape (columns,).

    The variance of the mean over targets, divided by what it would be if they were independent
    (the design effect of Kish 1965).
    """
    targets = len(spread.design.sizes)
    independent = spread.target_variances.sum(axis=0) / targets**2
    varies = independent > 0
    effect = spread.errors**2 / np.where(varies, independent, 1.0)
    return np.clip(np.where(varies, effect, 1.0), 1.0, targets)


def ratio_interval(errors: MeanErrors) -> tuple[Floats, Floats]:
    """Return the 95 % interval of means of ratios in [0, 1], shape (columns,) each.

    The t interval; its lower end at most the one-sided 95 % bound of the mean with one more
    cluster of 0, its upper end at least that of the mean with one more cluster of 1.
    """
    means, (steps, step) = errors.means, errors.influences
    down = reach_with_failure(
        errors.target_means, errors.spread, furthest=-steps.min(axis=0) * step
    )
    up = reach_with_failure(
        1.0 - errors.target_means, errors.spread, furthest=steps.max(axis=0) * step
    )
    low, high = interval(means, errors.errors, degrees=errors.degrees)
    low, high = np.minimum(low, means - down), np.maximum(high, means + up)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
