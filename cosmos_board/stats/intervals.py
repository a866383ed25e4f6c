"""Standard errors and confidence intervals from bootstrap and jackknife replicates."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cosmos_board.core.arrays import Floats

MINIMUM_CLUSTERS = 10
"""Below this many clusters a target shows its score and no interval."""

_BITS = 20


@lru_cache(maxsize=4096)
def t_quantile(level: float, degrees: int) -> float:
    """Return the two-sided t quantile: 2.5 % lie beyond it on either side at level 0.95.

    Example:
        >>> round(t_quantile(0.95, 9), 4)
        2.2622
    """
    return float(stats.t.ppf(0.5 + level / 2, degrees))


def bootstrap_factor(clusters: int) -> float:
    """Return √(n / (n − 1)): a replicate of n draws spreads too little by that factor."""
    return float(np.sqrt(clusters / (clusters - 1)))


def standard_errors(deviations: Floats) -> Floats:
    """Return the standard deviation over replicates, shape (models,).

    Args:
        deviations: Replicate minus score, shape (models, replicates).
    """
    errors: Floats = deviations.std(axis=1, ddof=1)
    return errors


def pair_standard_errors(deviations: Floats) -> Floats:
    """Return the standard error of every paired difference, shape (models, models).

    Deviations are rounded to 2⁻²⁰ of the largest, so that their products add up exactly: equal
    models differ by exactly 0 and the number of threads changes no bit.

    Args:
        deviations: Replicate minus score, shape (models, replicates); replicates ≤ 4096.
    """
    if not deviations.size:
        return np.zeros((len(deviations), len(deviations)))
    largest = float(np.abs(deviations).max())
    step = 2.0 ** (np.frexp(largest)[1] - _BITS) if largest else 1.0
    steps = np.rint(deviations / step)
    products = steps @ steps.T
    own = np.diagonal(products)
    squares = own[:, None] + own[None, :] - 2.0 * products
    sums = steps.sum(axis=1)
    means = (sums[:, None] - sums[None, :]) ** 2 / deviations.shape[1]
    variance = np.maximum(squares - means, 0.0) / (deviations.shape[1] - 1)
    errors: Floats = np.sqrt(variance) * step
    return errors


def interval(
    score: ArrayLike,
    error: ArrayLike,
    *,
    degrees: int,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[Floats, Floats]:
    """Return score ± t × standard error, clipped to what the metric can be.

    Args:
        score: Any shape.
        error: Standard errors, the same shape.
        degrees: Degrees of freedom: clusters − datasets, at least 1.
        level: Share of intervals that should cover.
        bounds: Least and greatest value.

    Example:
        >>> low, high = interval(0.9, 0.1, degrees=9, bounds=(0, 1))
        >>> round(float(low), 4), float(high)
        (0.6738, 1.0)
    """
    half = t_quantile(level, degrees) * np.asarray(error, np.float64)
    centre = np.asarray(score, np.float64)
    return np.clip(centre - half, *bounds), np.clip(centre + half, *bounds)


def jackknife_errors(without: Floats) -> Floats:
    """Return the standard error of an estimate from those that leave one group out each.

    The delete-one-group jackknife: √((n − 1)/n · Σ (estimate − mean)²).

    Args:
        without: The estimate without each group, shape (groups, models), at least two groups.

    Returns:
        shape (models,); of a mean over equal groups exactly sd / √n.
    """
    groups = len(without)
    squares = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    errors: Floats = np.sqrt(squares * (groups - 1) / groups)
    return errors
