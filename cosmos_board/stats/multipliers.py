"""Random weights of clusters: the same for every model, so that differences keep their pairs.

A replicate gives each cluster a standard normal weight, as whole numbers of 2⁻⁸: sums of them over
influences are exact in float64, and no order of rows and no number of threads changes a bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.cards import PROTOCOL

Multipliers: TypeAlias = NDArray[np.int16]

REPLICATES = 1000
"""Replicates behind every simultaneous interval."""

STEP = 2.0**-8

_CHUNK = 4096


def draw_multipliers(
    clusters: Sequence[str], *, dataset: str, replicates: int = REPLICATES
) -> Multipliers:
    """Return normal weights of the clusters of a dataset, in steps of 2⁻⁸.

    Words of Philox keyed by BLAKE2b-128 of the dataset and its cluster ids, through the inverse of
    the normal distribution: the same for every model, target and order of the clusters.

    Args:
        clusters: Distinct cluster ids of one dataset, in any order.
        dataset: Name of the dataset.
        replicates: Number of replicates.

    Returns:
        shape (clusters, replicates).
    """
    order = sorted(range(len(clusters)), key=clusters.__getitem__)
    name = "\x1f".join((PROTOCOL, "multipliers", dataset, *(clusters[index] for index in order)))
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "little")
    philox = np.random.Philox(key=key)
    weights: Multipliers = np.empty((len(clusters), replicates), np.int16)
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        words = philox.random_raw(len(rows) * replicates) >> np.uint64(11)
        uniform = (words.astype(np.float64) + 0.5) * 2.0**-53
        normal = np.rint(special.ndtri(uniform) / STEP).astype(np.int16)
        weights[rows] = normal.reshape(len(rows), replicates)
    return weights


def weigh_clusters(influences: Floats, multipliers: Multipliers, key: Ints) -> Floats:
    """Return Σ influence × weight over clusters, in the influences' unit.

    Weights are read once for all columns: more columns at once are cheaper.

    Args:
        influences: Whole numbers, shape (clusters, columns).
        multipliers: Of these clusters and others, shape (all clusters, replicates).
        key: Place of each cluster among `multipliers`, shape (clusters,).

    Returns:
        shape (columns, replicates).
    """
    total: Floats = np.zeros((influences.shape[1], multipliers.shape[1]))
    for start in range(0, len(influences), _CHUNK):
        part = slice(start, start + _CHUNK)
        total += influences[part].T @ multipliers[key[part]].astype(np.float64)
    return total * STEP
