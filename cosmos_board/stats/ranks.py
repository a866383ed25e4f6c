"""Ranks with their uncertainty: intervals, the probability of rank 1, and groups of ties."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Floats, Ints

Number = TypeVar("Number", np.int64, np.float64)


def rank(scores: Floats, *, higher_is_better: bool) -> Ints:
    """Return the rank of each model, 1 being best; equal scores share the better rank.

    Args:
        scores: shape (models,) or (models, replicates); ranked along the first axis.
        higher_is_better: Direction of the metric.

    Example:
        >>> rank(np.array([0.5, 0.9, 0.5, 0.1]), higher_is_better=True).tolist()
        [2, 1, 2, 4]
    """
    values = scores if higher_is_better else -scores
    beaten_by: Ints = np.empty(scores.shape, np.int64)
    for model in range(len(values)):
        # Bytes add up several times faster than booleans.
        better = (values > values[model]).view(np.uint8)
        beaten_by[model] = better.sum(axis=0, dtype=np.uint16)
    return beaten_by + 1


def nearest_percentiles(values: NDArray[Number]) -> tuple[NDArray[Number], NDArray[Number]]:
    """Return the 2.5 and 97.5 percentile of each row over replicates, by nearest rank.

    Args:
        values: shape (rows, replicates).

    Example:
        >>> low, high = nearest_percentiles(np.arange(1, 101)[None, :])
        >>> int(low[0]), int(high[0])
        (3, 98)
    """
    ordered = np.sort(values, axis=1)
    count = values.shape[1]
    low, high = (int(np.ceil(share * count)) - 1 for share in (0.025, 0.975))
    return ordered[:, low], ordered[:, high]


def first_shares(ranks: Ints) -> Floats:
    """Return the share of replicates in which each model is first; k joint firsts get 1/k each.

    Args:
        ranks: shape (models, replicates).

    Example:
        >>> first_shares(np.array([[1, 1], [1, 2]])).tolist()
        [0.75, 0.25]
    """
    first = ranks == 1
    shares: Floats = (first / first.sum(axis=0)).mean(axis=1)
    return shares


def tie_groups(scores: Floats, half_widths: Floats, *, higher_is_better: bool) -> Ints:
    """Return the tie group of each model: 1, 2, ….

    A group starts at the best model not yet in one and takes each following model whose paired
    interval against that leader contains 0. A group may therefore skip a model whose difference
    from the leader is small but significant.

    Args:
        scores: shape (models,).
        half_widths: Half the paired 95 % interval of every two models, shape (models, models).
        higher_is_better: Direction of the metric.

    Example:
        >>> widths = np.full((3, 3), 0.05)
        >>> tie_groups(np.array([0.9, 0.88, 0.7]), widths, higher_is_better=True).tolist()
        [1, 1, 2]
    """
    order = np.argsort(-scores if higher_is_better else scores, kind="stable")
    groups: Ints = np.zeros(len(scores), np.int64)
    group = 0
    for leader in order:
        if groups[leader]:
            continue
        group += 1
        same = np.abs(scores[leader] - scores) <= half_widths[leader]
        groups[(groups == 0) & same] = group
        groups[leader] = group
    return groups
