"""Rank correlations within groups, plain and partial, and their errors over clusters.

Ranks are taken within a group (a target), so that what differs between groups relates nothing.
All that is needed later are sums over cells, a cell being what one cluster has in one group:
they give the correlation without any cluster at once, and so its jackknife error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.intervals import jackknife_errors

_STEP = 2.0**-32
"""Ranks and their products are rounded to this: 2²² observations add up exactly in any order."""

_LEAST_SHARE = 1e-9
"""A column of which less varies, the others held fixed, is determined by them."""

_CHUNK = 4096
"""Samples that are worked on at once, so that they stay in the processor's cache."""

_LARGEST = 1.0 - 1e-12
"""arctanh of a correlation of 1 is not finite."""


def rank_within(values: ArrayLike, group: Ints) -> Floats:
    """Return average ranks within groups, centred on 0 and scaled to (−0.5, 0.5).

    Scaled by the size of the group: an observation weighs the same in every group.

    Args:
        values: shape (observations,), no NaN.
        group: Number of each observation's group, shape (observations,).

    Example:
        >>> rank_within([5, 9, 5, 7, 80, 70], np.array([0, 0, 0, 0, 1, 1])).tolist()
        [-0.25, 0.375, -0.25, 0.125, 0.25, -0.25]
    """
    given = np.asarray(values, np.float64)
    count = len(given)
    order = np.argsort(given)
    # Stable sorts of short integers are radix sorts: several times as fast as `numpy.lexsort`.
    short = np.asarray(group, np.min_scalar_type(int(group.max(initial=0))))
    order = order[np.argsort(short[order], kind="stable")]
    sorted_values, sorted_groups = given[order], group[order]
    starts = np.ones(count, bool)
    starts[1:] = sorted_groups[1:] != sorted_groups[:-1]
    differs = starts.copy()
    differs[1:] |= sorted_values[1:] != sorted_values[:-1]
    first = np.flatnonzero(differs)
    ties = np.diff(first, append=count)
    begin = np.flatnonzero(starts)
    sizes = np.diff(begin, append=count)
    middle = np.repeat(first + (ties - 1) / 2, ties)
    centre, size = (np.repeat(one, sizes) for one in (begin + (sizes - 1) / 2, sizes))
    ranks: Floats = np.empty(count)
    ranks[order] = (middle - centre) / size
    return ranks


def sum_cells(values: Floats, cell: Ints, cells: int) -> Floats:
    """Return the sum of ranks, or of products of ranks, in each cell, shape (cells,).

    The sums are the same bit for bit in any order of the observations.

    Args:
        values: Of size at most 0.5, shape (observations,).
        cell: Number of each observation's cell in [0, cells), shape (observations,).
        cells: Number of cells.
    """
    steps = values / _STEP
    np.rint(steps, out=steps)
    return np.bincount(cell, steps, cells).astype(np.float64) * _STEP


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What correlations need of the observations that each cluster has in each group."""

    sizes: Ints
    """Observations, at least 1, shape (cells,)."""

    sums: Floats
    """Of each column's ranks, shape (columns, cells)."""

    products: Floats
    """Of the ranks of every two columns, shape (columns, columns, cells)."""

    group: Ints
    """Number of the cell's group, shape (cells,)."""

    @property
    def whole(self) -> Floats:
        """Sums of squares and products of the ranks of all, shape (columns, columns, 1)."""
        whole: Floats = self.products.sum(axis=-1, keepdims=True)
        return whole

    def leave_out(self, left: Ints) -> Floats:
        """Return sums of squares and products without some of the cells.

        The ranks of the others are kept; their mean in each group is taken anew.

        Args:
            left: Number 0, 1, … of the sample that leaves each cell out, shape (cells,).

        Returns:
            shape (columns, columns, samples).
        """
        part, sample = self._merge(left)
        # A group's ranks add up to 0: those that stay add up to minus what leaves.
        stays = np.bincount(self.group, self.sizes)[part.group] - part.sizes
        share = np.where(stays > 0, 1.0 / np.maximum(stays, 1), 0.0)
        whole = self.whole
        count = int(left.max()) + 1
        without: Floats = np.empty((len(whole), len(whole), count))
        for i, first in enumerate(part.sums):
            for j, second in enumerate(part.sums[i:], i):
                leaves = part.products[i, j] + first * second * share
                without[i, j] = whole[i, j] - np.bincount(sample, leaves, count)
                without[j, i] = without[i, j]
        return without

    def _merge(self, left: Ints) -> tuple[Cells, Ints]:
        """Return one cell for each sample and group, and the sample of each."""
        groups = int(self.group.max()) + 1
        key, place = np.unique(left * groups + self.group, return_inverse=True)
        if len(key) == len(left):
            return self, left
        rows = np.concatenate([self.sums, self.products.reshape(-1, len(left))])
        merged: Floats = np.empty((len(rows), len(key)))
        for number, row in enumerate(rows):
            merged[number] = np.bincount(place, row, len(key))
        width = len(self.sums)
        sizes = np.bincount(place, self.sizes, len(key)).astype(np.int64)
        products = merged[width:].reshape(width, width, len(key))
        return Cells(sizes, merged[:width], products, key % groups), key // groups


def partial_correlations(matrices: Floats) -> Floats:
    """Return the correlation of the first column with each other, given all the rest.

    The rest is taken out of both by Gaussian elimination. NaN where a column does not vary, or
    is determined by the rest.

    Args:
        matrices: Sums of squares and products, shape (columns, columns, samples).

    Returns:
        shape (columns − 1, samples), in [−1, 1].
    """
    width = len(matrices)
    found: Floats = np.empty((width - 1, matrices.shape[-1]))
    for start in range(0, matrices.shape[-1], _CHUNK):
        part = slice(start, start + _CHUNK)
        for column in range(1, width):
            rest = [other for other in range(1, width) if other != column]
            order = [0, column, *rest]
            found[column - 1, part] = _correlate_first(matrices[..., part][np.ix_(order, order)])
    return found


def _correlate_first(block: Floats) -> Floats:
    """Return the correlation of the first two columns, given all others."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(np.maximum(np.einsum("iis->is", block), 0.0))
        block = block / scale[:, None] / scale[None, :]
        for last in range(len(block) - 1, 1, -1):
            pivot = np.where(block[last, last] > _LEAST_SHARE, block[last, last], np.nan)
            taken = block[:last, None, last] * block[None, last, :last]
            block = block[:last, :last] - taken / pivot
        known = (block[0, 0] > _LEAST_SHARE) & (block[1, 1] > _LEAST_SHARE)
        shares = np.where(known, block[0, 0] * block[1, 1], np.nan)
        correlations: Floats = np.clip(block[0, 1] / np.sqrt(shares), -1.0, 1.0)
    return correlations


def to_normal(correlations: ArrayLike) -> Floats:
    """Return Fisher's arctanh of correlations; of −1 and 1 a large number that is finite."""
    transformed: Floats = np.arctanh(np.clip(correlations, -_LARGEST, _LARGEST))
    return transformed


def correlation_errors(without: Floats) -> Floats:
    """Return the standard error of arctanh ρ; near ρ = 0 it is that of ρ.

    By the delete-one-cluster jackknife (CV3J of MacKinnon, Nielsen and Webb 2023). On Fisher's
    scale, since the error of ρ itself shrinks where ρ is large by chance: with 10 clusters that
    doubles how often nothing is called something.

    Args:
        without: The correlations without each cluster, shape (correlations, clusters).

    Returns:
        shape (correlations,); NaN where some cluster's absence leaves no correlation.
    """
    return jackknife_errors(to_normal(without).T)
