"""The bound of a mean with one more cluster, from a sample that has it: the independent truth."""

from __future__ import annotations

import numpy as np
from scipy import stats

from cosmos_board.core.arrays import Floats


def bound_with(values: Floats, added: float, side: int) -> float:
    """Return the one-sided 95 % bound of a mean with one more value: lower (−1) or upper (1)."""
    longer = np.append(values, added)
    reach = stats.t.isf(0.05, len(values)) * stats.sem(longer)
    return float(longer.mean() + side * reach)


def bound_pair(first: Floats, second: Floats) -> tuple[float, float]:
    """Return both bounds of first − second: one scores 0 in the added cluster, the other its mean.

    Args:
        first: Cluster means of one target, shape (clusters,).
        second: The same of the other model.
    """
    apart = first - second
    low, high = bound_with(apart, -second.mean(), -1), bound_with(apart, first.mean(), 1)
    return low, high
