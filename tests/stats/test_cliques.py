from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cosmos_board.stats.cliques import critical_difference, find_cliques


def test_pvalues_are_scipys_after_statsmodels_holm() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(4, 25)) + np.array([[0.0], [0.2], [0.9], [1.0]])
    pairs = list(combinations(range(4), 2))
    raw = [stats.wilcoxon(scores[a], scores[b], method="exact").pvalue for a, b in pairs]
    expected = multipletests(raw, method="holm")[1]

    found = critical_difference(scores)
    for (a, b), value in zip(pairs, expected, strict=True):
        assert found.pvalues[a, b] == found.pvalues[b, a] == pytest.approx(value, rel=1e-12)


def test_two_groups_far_apart_make_two_cliques() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 0.01, (4, 30)) + np.array([[0.5], [0.9], [0.5], [0.9]])

    found = critical_difference(scores).cliques
    assert [set(clique) for clique in found] == [{1, 3}, {0, 2}]


def test_cliques_overlap_where_only_the_ends_differ() -> None:
    pvalues = np.ones((3, 3))
    pvalues[0, 2] = pvalues[2, 0] = 0.01

    assert find_cliques(np.array([1.0, 2.0, 3.0]), pvalues) == ((0, 1), (1, 2))


def test_a_lone_model_is_in_no_clique() -> None:
    assert critical_difference(np.ones((1, 5))).cliques == ()


def test_for_a_distance_the_smaller_is_the_better_rank() -> None:
    found = critical_difference([[1.0, 2.0], [3.0, 4.0]], higher_is_better=False)

    assert found.average_ranks.tolist() == [1.0, 2.0]
