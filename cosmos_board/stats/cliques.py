"""Critical-difference cliques: neighbours in the order that no test can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.testing import holm, wilcoxon_pvalues


@dataclass(frozen=True, slots=True, eq=False)
class CriticalDifference:
    """Average ranks, and which neighbours belong together."""

    average_ranks: Floats
    """Mean rank of each model over the units, 1 is best, shape (models,)."""

    pvalues: Floats
    """Wilcoxon's p values after Holm, symmetric with 1 on the diagonal, shape (models, models)."""

    cliques: tuple[tuple[int, ...], ...]
    """Largest runs of two or more models, best first, in which no pair differs."""


def critical_difference(
    scores: ArrayLike, *, higher_is_better: bool = True, alpha: float = 0.05
) -> CriticalDifference:
    """Return the cliques of models that paired tests cannot tell apart.

    Pairwise Wilcoxon tests with Holm replace the post-hoc test on mean ranks, whose verdict on
    two models depends on which others are listed (Benavoli, Corani, Mangili 2016).

    Args:
        scores: shape (models, units), units being clusters or targets; no NaN.
        higher_is_better: Direction of the metric.
        alpha: Error rate over the whole table.

    Example:
        >>> rows = [[0.9, 0.8, 0.7, 0.9], [0.9, 0.7, 0.8, 0.8]]
        >>> critical_difference(rows).cliques
        ((0, 1),)
    """
    values = np.asarray(scores, np.float64)
    ranks = stats.rankdata(-values if higher_is_better else values, axis=0)
    average: Floats = ranks.mean(axis=1)
    matrix = pairwise_pvalues(values)
    return CriticalDifference(average, matrix, find_cliques(average, matrix, alpha=alpha))


def pairwise_pvalues(scores: Floats) -> Floats:
    """Return Wilcoxon's p values of all pairs after Holm, shape (models, models)."""
    count = len(scores)
    pairs = list(combinations(range(count), 2))
    matrix: Floats = np.eye(count)
    if not pairs:
        return matrix
    first, second = (list(side) for side in zip(*pairs, strict=True))
    raw = wilcoxon_pvalues(scores[first] - scores[second])
    for (a, b), value in zip(pairs, holm(raw), strict=True):
        matrix[a, b] = matrix[b, a] = value
    return matrix


def find_cliques(
    average_ranks: Floats, pvalues: Floats, *, alpha: float = 0.05
) -> tuple[tuple[int, ...], ...]:
    """Return the largest runs in rank order in which every pair has p ≥ alpha."""
    order = np.lexsort((np.arange(len(average_ranks)), average_ranks))
    found: list[tuple[int, ...]] = []
    last = 0
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and bool((pvalues[order[stop], order[start:stop]] >= alpha).all()):
            stop += 1
        if stop - start > 1 and stop > last:
            found.append(tuple(int(model) for model in order[start:stop]))
            last = stop
    return tuple(found)
