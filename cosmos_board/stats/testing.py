"""What a test could have shown, and how many clusters it takes."""

from __future__ import annotations

from math import ceil, isfinite

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from cosmos_board.core.arrays import Floats

MARGIN = 0.01
"""Difference in Dice, IoU or NSD that nobody would act on."""

POWER = 0.8
"""Share of repetitions in which a difference that is called detectable is found."""


def holm(pvalues: ArrayLike) -> Floats:
    """Return p values adjusted by Holm's step-down rule within their table; NaN stays NaN.

    Args:
        pvalues: Any shape; an undefined test (NaN) does not count as one.

    Example:
        >>> holm([0.01, 0.04, float("nan"), 0.03]).round(6).tolist()
        [0.03, 0.06, nan, 0.06]
    """
    raw = np.asarray(pvalues, np.float64)
    adjusted = raw.copy()
    known = ~np.isnan(raw)
    order = np.argsort(raw[known], kind="stable")
    steps = raw[known][order] * np.arange(len(order), 0, -1)
    climbed = np.empty(len(order))
    climbed[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    adjusted[known] = climbed
    return adjusted


def detectable_effect(
    error: float, degrees: float, *, alpha: float = 0.05, power: float = POWER
) -> float:
    """Return the least true effect that a two-sided t test finds in 80 % of such samples.

    Args:
        error: Standard error of the effect, in its unit.
        degrees: Degrees of freedom, at least 1.
        alpha: Two-sided error rate.
        power: Share of samples in which the effect is found.

    Returns:
        (t at 1 − α/2 + t at the power) × error, in the effect's unit.

    Example:
        >>> round(detectable_effect(0.01, 1e9), 4)
        0.028
    """
    quantiles = special.stdtrit(degrees, power) - special.stdtrit(degrees, alpha / 2)
    return float(quantiles * error)


def exceed_failure(loss: ArrayLike, error: ArrayLike) -> Floats:
    """Return the least true effect that 80 % of samples estimate at `loss` or more.

    A verdict must outlast one more failed cluster, which takes `loss` off the estimate.

    Args:
        loss: At least 0, in the unit of the effect; any shape.
        error: Standard error of the effect, the same shape.

    Example:
        >>> float(exceed_failure(0.05, 0.0))
        0.05
    """
    plain = np.asarray(loss, np.float64)
    effect: Floats = plain + special.ndtri(POWER) * np.asarray(error, np.float64)
    return effect


def clusters_to_exceed_failure(loss: float, spread: float, effect: float) -> int:
    """Return how many clusters it takes that an effect outlasts one more failure.

    Args:
        loss: What one more failure would take off if there were one cluster; it falls as 1 / n.
        spread: Standard deviation of the effect between clusters, in its unit.
        effect: The true effect, > 0.

    Returns:
        The least n ≥ 1 at which `exceed_failure(loss / n, spread / √n)` is at most the effect.

    Example:
        >>> clusters_to_exceed_failure(1.0, 0.0, 0.1)
        10
    """
    reach = float(special.ndtri(POWER)) * spread
    root = float((reach + (reach**2 + 4.0 * effect * loss) ** 0.5) / (2.0 * effect))
    return max(1, ceil(root**2 - 1e-9))


def needed_clusters(
    spread: float, effect: float, *, alpha: float = 0.05, power: float = POWER
) -> int:
    """Return how many clusters it takes to find an effect in 80 % of samples.

    Args:
        spread: Standard deviation of the effect between clusters, in its unit.
        effect: The true effect, > 0.
        alpha: Two-sided error rate.
        power: Share of samples in which the effect is found.

    Returns:
        The least n ≥ 2 at which `detectable_effect(spread / √n, n − 1)` is at most the effect.

    Example:
        >>> needed_clusters(0.1, 0.05)
        34
    """

    def excess(size: float) -> float:
        error = float(spread / np.sqrt(size))
        return detectable_effect(error, size - 1.0, alpha=alpha, power=power) - effect

    if excess(2.0) <= 0:
        return 2
    most = 4.0
    while excess(most) > 0 and isfinite(most):
        most *= 2.0
    return ceil(float(optimize.brentq(excess, 2.0, most)) - 1e-9)
