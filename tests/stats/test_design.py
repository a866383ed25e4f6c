"""Which clusters stand behind a mean, and in which strata."""

from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.stats.design import make_design


def test_a_stratum_is_a_target_in_a_dataset() -> None:
    design = make_design(
        [
            (np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1])),
            (np.array([2, 3, 4]), np.array([1, 1, 1])),
        ]
    )

    assert design.target.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert design.stratum.tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert design.key[design.cluster].tolist() == [0, 1, 2, 3, 2, 3, 4]
    assert design.weight == pytest.approx([1 / 8] * 4 + [1 / 6] * 3)
    assert design.has_variance


def test_datasets_of_one_cluster_are_one_stratum() -> None:
    design = make_design([(np.arange(6), np.array([3, 0, 1, 3, 2, 3]))])

    assert sorted(np.bincount(design.stratum).tolist()) == [3, 3]
    together = {int(design.place[i]) for i in np.flatnonzero(design.stratum == design.stratum[0])}
    assert together in ({0, 3, 5}, {1, 2, 4})


def test_a_single_dataset_of_one_cluster_joins_the_smallest_other() -> None:
    design = make_design([(np.arange(7), np.array([0, 0, 0, 1, 1, 2, 0]))])

    assert sorted(design.stratum_sizes.tolist()) == [3, 4]
    assert design.has_variance


def test_one_cluster_alone_has_no_variance() -> None:
    assert not make_design([(np.array([5]), np.array([0]))]).has_variance


def test_patterns_are_the_sets_of_strata_that_clusters_share() -> None:
    shared, alone = np.arange(4), np.arange(2, 12)
    design = make_design([(shared, np.zeros(4, int)), (alone, np.zeros(10, int))])

    squares, counts = design.patterns
    found = {tuple((row > 0).tolist()): int(n) for row, n in zip(squares, counts, strict=True)}
    assert found == {(True, False): 2, (True, True): 2, (False, True): 8}
    assert squares.max() == pytest.approx((1 / (2 * 4)) ** 2)
