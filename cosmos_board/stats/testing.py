"""Paired tests: difference, equivalence, and the smallest difference that can be detected."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from cosmos_board.core.arrays import Floats

Verdict: TypeAlias = Literal["better", "worse", "equivalent", "undecided"]

EQUIVALENCE_MARGIN = 0.01
"""Difference in Dice, IoU or NSD that nobody would act on."""


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


def equivalence_verdict(
    interval_95: tuple[float, float],
    interval_90: tuple[float, float],
    *,
    margin: float = EQUIVALENCE_MARGIN,
) -> Verdict:
    """Return what a paired difference (first − second; higher is better) amounts to.

    `better` or `worse` when the 95 % interval lies wholly beyond ±margin, `equivalent` when
    the 90 % interval lies within (two one-sided tests at 5 %, Schuirmann 1987), else
    `undecided`. An interval with NaN decides nothing.

    Example:
        >>> equivalence_verdict((0.02, 0.05), (0.025, 0.045))
        'better'
        >>> equivalence_verdict((-0.004, 0.006), (-0.003, 0.005))
        'equivalent'
    """
    if interval_95[0] > margin:
        return "better"
    if interval_95[1] < -margin:
        return "worse"
    if -margin <= interval_90[0] and interval_90[1] <= margin:
        return "equivalent"
    return "undecided"


def minimum_detectable_difference(
    standard_error: float, degrees: int, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest true paired difference that a two-sided t test would mostly find.

    Args:
        standard_error: Of the paired difference, in the metric's unit.
        degrees: Degrees of freedom: clusters − datasets.
        alpha: Two-sided error rate.
        power: Share of repetitions in which the difference is found.

    Returns:
        The difference in the metric's unit; NaN without a degree of freedom.
    """
    if degrees < 1 or not np.isfinite(standard_error):
        return float("nan")
    return standard_error * _noncentrality(degrees, alpha, power)


@lru_cache(maxsize=4096)
def _noncentrality(degrees: int, alpha: float, power: float) -> float:
    critical = float(stats.t.isf(alpha / 2, degrees))

    def missing_power(shift: float) -> float:
        # The far tail underflows to NaN in scipy where it no longer counts.
        far = np.nan_to_num(stats.nct.cdf(-critical, degrees, shift))
        return float(stats.nct.sf(critical, degrees, shift) + far) - power

    return float(optimize.brentq(missing_power, 0.0, 2 * critical + 4))
