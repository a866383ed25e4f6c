"""Ranks, their bounds and tie groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.stats.ranks import first_shares, nearest_percentiles, rank, tie_groups

Floats = NDArray[np.float64]


@given(scores=arrays(np.float64, (6, 4), elements={"min_value": 0, "max_value": 1}))
def test_ranks_are_scipys(scores: Floats) -> None:
    scores = scores.round(1)  # so that ties are common

    up = rank(scores, higher_is_better=True)
    down = rank(scores, higher_is_better=False)

    assert np.array_equal(up, stats.rankdata(-scores, method="min", axis=0))
    assert np.array_equal(down, stats.rankdata(scores, method="min", axis=0))


def test_bounds_are_nearest_ranks() -> None:
    ranks = np.array([[1] * 24 + [2] * 952 + [3] * 24, [1] * 25 + [2] * 950 + [3] * 25])

    low, high = nearest_percentiles(ranks)

    assert (low.tolist(), high.tolist()) == ([2, 1], [2, 2])


def test_shared_leads_count_in_parts() -> None:
    assert first_shares(np.array([[1, 1, 2], [1, 2, 1], [3, 3, 3]])) == pytest.approx([0.5, 0.5, 0])


def test_a_tie_group_may_skip_a_model_that_is_surely_worse() -> None:
    scores = np.array([0.90, 0.88, 0.85])
    widths = np.array([[0.0, 0.01, 0.10], [0.01, 0.0, 0.01], [0.10, 0.01, 0.0]])

    assert tie_groups(scores, widths, higher_is_better=True).tolist() == [1, 2, 1]


def test_a_model_just_beyond_the_leaders_interval_starts_the_next_group() -> None:
    scores = np.array([1.0, 1.5, 2.0])
    widths = np.full((3, 3), 0.6)

    assert tie_groups(scores, widths, higher_is_better=False).tolist() == [1, 1, 2]
    assert tie_groups(scores, widths, higher_is_better=True).tolist() == [2, 1, 1]
