"""The cluster bootstrap: how often each cluster is drawn, and what sums that gives.

Everything here is exact in float64: counts are small integers, scores are rounded to integers
first, and their sums stay under 2⁵³. Hence no order of rows and no number of threads can change a
bit of a replicate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.cards import PROTOCOL

Draws: TypeAlias = NDArray[np.uint8]

REPLICATES = 1000
"""Replicates that stand behind every published interval."""

RATIO_STEP = 2.0**-32
"""Scores in [0, 1] are rounded to multiples of this: 2²⁰ clusters stay exact."""

PIXEL_STEP = 2.0**-18
"""Distances in pixels are rounded to multiples of this: diagonals up to 2¹⁴ stay exact."""

_CHUNK = 4096


def draw_counts(clusters: Sequence[str], *, dataset: str, replicates: int = REPLICATES) -> Draws:
    """Return how often each cluster of a dataset is drawn in each replicate.

    A replicate draws as many clusters as there are, with replacement. The draws are words of
    Philox keyed by BLAKE2b-128 of the dataset and its cluster ids, so that they are the same for
    every model, target and order of the clusters.

    Args:
        clusters: Distinct cluster ids of one dataset, in any order.
        dataset: Name of the dataset.
        replicates: Number of replicates.

    Returns:
        uint8, shape (clusters, replicates); every column sums to the number of clusters.

    Example:
        >>> draw_counts(["a", "b", "c"], dataset="d", replicates=4).sum(axis=0).tolist()
        [3, 3, 3, 3]
    """
    order = sorted(range(len(clusters)), key=clusters.__getitem__)
    size = len(order)
    name = "\x1f".join((PROTOCOL, "bootstrap", dataset, *(clusters[index] for index in order)))
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "little")
    philox = np.random.Philox(key=key)
    counts: Draws = np.empty((size, replicates), np.uint8)
    block = max(1, (1 << 22) // max(size, 1))
    for start in range(0, replicates, block):
        width = min(block, replicates - start)
        drawn = _draw_indices(philox, size, size * width).reshape(width, size)
        flat = (drawn * width + np.arange(width)[:, None]).ravel()
        drawn_counts = np.bincount(flat, minlength=size * width).reshape(size, width)
        counts[order, start : start + width] = drawn_counts
    return counts


def _draw_indices(philox: np.random.Philox, size: int, count: int) -> Ints:
    """Return `count` indices under `size` from the upper 32 bits of as many words.

    Multiply and shift (Lemire 2019) without rejection: the bias is under size / 2³².
    """
    upper = philox.random_raw(count) >> np.uint64(32)
    return ((upper * np.uint64(size)) >> np.uint64(32)).astype(np.int64)


def sum_replicates(values: Floats, counts: Draws) -> Floats:
    """Return the weighted sum of every column in every replicate, shape (columns, replicates).

    Args:
        values: Integers held as float64, shape (clusters, columns).
        counts: From `draw_counts`, shape (clusters, replicates).
    """
    total: Floats = np.zeros((values.shape[1], counts.shape[1]))
    for start in range(0, len(values), _CHUNK):
        part = slice(start, start + _CHUNK)
        total += values[part].T @ counts[part].astype(np.float64)
    return total


def to_steps(values: Floats, step: float) -> Floats:
    """Return `values` as whole numbers of `step`; NaN stays NaN."""
    return np.rint(values / step)
