"""Confidence intervals of means over clusters and of shares of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.design import Design

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
    # What `stats.t.isf` calls, which checks its arguments for thirty times as long.
    tail = (1.0 - level) / 2
    quantiles: Floats = np.asarray(-special.stdtrit(np.asarray(degrees, np.float64), tail))
    return quantiles


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
