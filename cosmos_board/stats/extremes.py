"""How far the best of several equal things stands above what it is worth, by chance alone."""

from __future__ import annotations

from math import inf

from scipy import integrate, stats


def expected_maximum(count: int) -> float:
    """Return the expected largest of `count` independent standard normal numbers; count ≥ 1.

    That is E = ∫ x · n · φ(x) · Φ(x)ⁿ⁻¹ dx (David and Nagaraja, Order Statistics, 2003).

    Example:
        >>> round(expected_maximum(2), 4), round(expected_maximum(10), 4)
        (0.5642, 1.5388)
    """

    def weigh(x: float) -> float:
        return float(x * count * stats.norm.pdf(x) * stats.norm.cdf(x) ** (count - 1))

    return float(integrate.quad(weigh, -inf, inf)[0])
