"""Rank correlations, plain and partial, with clusters that can be reweighted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cosmos_board.core.arrays import Floats, Ints


def centred_ranks(values: ArrayLike) -> Floats:
    """Return average ranks, centred on 0 and scaled to (−0.5, 0.5).

    Args:
        values: shape (observations,), no NaN.

    Example:
        >>> centred_ranks([5, 9, 5, 7]).tolist()
        [-0.25, 0.375, -0.25, 0.125]
    """
    ranks = stats.rankdata(np.asarray(values, np.float64)).astype(np.float64)
    # Centring and scaling keep sums of products small enough to add without losing digits.
    ranks -= (len(ranks) + 1) / 2
    ranks /= max(len(ranks), 1)
    return ranks


def cross_products(ranks: Sequence[Floats], cluster: Ints, clusters: int) -> Floats:
    """Return what a correlation needs of each cluster, so that clusters can be reweighted.

    Args:
        ranks: Columns from `centred_ranks`, each of shape (observations,).
        cluster: Index of each observation's cluster in [0, clusters), shape (observations,).
        clusters: Number of clusters.

    Returns:
        shape (clusters, 1 + columns + columns²): the number of observations, the sums of the
        ranks, and the sums of their products in row order. Weighted sums over clusters go to
        `correlations`.
    """
    width = len(ranks)
    sums: Floats = np.empty((clusters, 1 + width + width * width))
    sums[:, 0] = np.bincount(cluster, minlength=clusters)
    for i, first in enumerate(ranks):
        sums[:, 1 + i] = np.bincount(cluster, _round(first), clusters)
        for j, second in enumerate(ranks[i:], i):
            product = np.bincount(cluster, _round(first * second), clusters)
            sums[:, 1 + width + i * width + j] = product
            sums[:, 1 + width + j * width + i] = product
    return sums


def _round(values: Floats) -> Floats:
    """Return multiples of 2⁻³⁶, of which 2¹⁷ and more add up exactly, in whatever order."""
    steps = values * 2.0**36
    np.rint(steps, out=steps)
    steps *= 2.0**-36
    return steps


def correlations(totals: ArrayLike) -> Floats:
    """Return the correlation matrices of ranks under each weighting of the clusters.

    Ranks were taken once, in the whole sample; a weighting only says how often a cluster
    counts. NaN in the rows and columns of what does not vary.

    Args:
        totals: Weighted sums of `cross_products` over clusters, shape
            (replicates, 1 + columns + columns²).

    Returns:
        shape (replicates, columns, columns), diagonal 1 where a column varies.
    """
    total = np.asarray(totals, np.float64)
    width = (isqrt(4 * total.shape[1] - 3) - 1) // 2
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total[:, 1 : 1 + width] / total[:, :1]
        second = total[:, 1 + width :].reshape(-1, width, width) / total[:, :1, None]
        covariance = second - mean[:, :, None] * mean[:, None, :]
        spread = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0))
        spread = np.where(spread > 1e-6, spread, np.nan)
        matrices: Floats = covariance / (spread[:, :, None] * spread[:, None, :])
    return matrices


def partial_from_correlations(matrices: Floats, *, outcome: int = 0) -> Floats:
    """Return the correlation of `outcome` with each other column, given all the others.

    With P the inverse of the correlation matrix, r = −P_ij / √(P_ii P_jj). A column that does
    not vary has no correlation (NaN) and is not held fixed for the others either; columns
    that determine one another exactly have none.

    Args:
        matrices: shape (replicates, columns, columns), from `correlations`.
        outcome: Index of the outcome's column.

    Returns:
        shape (replicates, columns − 1), the order of the other columns kept.
    """
    count, width, _ = matrices.shape
    partial = np.full((count, width), np.nan)
    varies = ~np.isnan(np.diagonal(matrices, axis1=1, axis2=2))
    for pattern in np.unique(varies, axis=0):
        varying = np.flatnonzero(pattern)
        if outcome not in varying or len(varying) < 2:
            continue
        rows = np.flatnonzero((varies == pattern).all(axis=1))
        block = matrices[np.ix_(rows, varying, varying)]
        sound = np.linalg.cond(block) < 1e10
        inverse = np.linalg.inv(np.where(sound[:, None, None], block, np.eye(len(varying))))
        place = int(np.flatnonzero(varying == outcome)[0])
        diagonal = np.diagonal(inverse, axis1=1, axis2=2)
        values = -inverse[:, place, :] / np.sqrt(diagonal[:, place, None] * diagonal)
        partial[np.ix_(rows, varying)] = np.where(sound[:, None], values, np.nan)
    return np.clip(np.delete(partial, outcome, axis=1), -1, 1)
