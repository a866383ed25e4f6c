"""What is expected of the highest of many means, and intervals that hold for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.stats.choice import bound_failures, bound_options, choose_by_others, contrast
from cosmos_board.stats.design import make_design
from cosmos_board.stats.intervals import share_interval
from cosmos_board.stats.variance import MeanErrors, measure_means
from tests.one_more import bound_pair

Floats = NDArray[np.float64]

SCORES = st.integers(2, 12).flatmap(
    lambda clusters: st.integers(1, 6).flatmap(
        lambda options: arrays(
            np.float64, (clusters, options), elements=st.integers(0, 64).map(lambda n: n / 64)
        )
    )
)
"""Multiples of 1/64, so that sums are exact."""


def measure(values: Floats) -> MeanErrors:
    """Return the errors of means over one target of one dataset."""
    clusters = np.arange(len(values))
    return measure_means(values, make_design([(clusters, np.zeros(len(values), np.int64))]))


@given(SCORES)
def test_each_cluster_is_scored_with_what_is_best_on_all_others(values: Floats) -> None:
    chosen = choose_by_others(values)

    for cluster, option in enumerate(chosen):
        means = np.delete(values, cluster, axis=0).sum(axis=0)
        assert option == list(means).index(max(means))


@given(SCORES, st.data())
def test_a_cluster_has_no_part_in_its_own_choice(values: Floats, data: st.DataObject) -> None:
    cluster = data.draw(st.integers(0, len(values) - 1))
    changed = values.copy()
    changed[cluster] = data.draw(
        arrays(np.float64, values.shape[1], elements=st.integers(0, 64).map(lambda n: n / 64))
    )

    assert choose_by_others(changed)[cluster] == choose_by_others(values)[cluster]


def test_options_that_all_failed_alike_have_the_exact_bound_of_one() -> None:
    for failed in (0, 3, 20):
        shares = np.full(4, failed / 20)

        assert bound_failures(shares, 20, alpha=0.025) == pytest.approx(
            stats.binomtest(failed, 20).proportion_ci(method="exact").high
        )


def test_the_luckiest_of_many_has_the_bound_of_all_of_them_together() -> None:
    shares = np.array([0.0, 0.1, 0.1, 0.2])
    together = stats.binomtest(0, 20, alternative="less").proportion_ci(1 - 0.05 / 4, "exact").high

    assert bound_failures(shares, 20, alpha=0.05)[0] == pytest.approx(together)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=9),
    st.integers(0, 30),
)
def test_an_option_that_joins_never_narrows_the_bounds_of_others(
    failed: list[int], joining: int
) -> None:
    before = bound_failures(np.array(failed) / 30, 30, alpha=0.05)
    after = bound_failures(np.array([*failed, joining]) / 30, 30, alpha=0.05)

    assert (after[:-1] >= before).all()


@settings(deadline=None)
@given(SCORES)
def test_intervals_lie_around_their_means_within_the_range(values: Floats) -> None:
    errors = measure(values)
    low, high = bound_options(errors, (values < 0.5).mean(axis=0))

    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (low <= errors.means + 1e-12).all()
    assert (high >= errors.means - 1e-12).all()


def test_a_single_option_has_a_t_interval_that_allows_for_unseen_failures() -> None:
    values = np.random.default_rng(3).normal(0.8, 0.04, (20, 1))
    mean, error = values.mean(), float(stats.sem(values[:, 0]))
    unseen = share_interval(0.0, 20)[1]

    low, high = bound_options(measure(values), np.zeros(1))
    assert high[0] == pytest.approx(mean + stats.t.isf(0.025, 19) * error, rel=1e-4)
    assert mean * (1 - unseen) < low[0] < mean - stats.t.isf(0.025, 19) * error


def test_differences_have_the_interval_of_a_paired_t_test_shared_by_all_comparisons() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal([0.8, 0.7, 0.79, 0.8], [0.05, 0.05, 0.05, 0.05], (30, 4))
    values[:, 3] = values[:, 0] + rng.normal(0, 0.001, 30)
    found = contrast(measure(values), 0, np.array([1, 2, 3]), comparisons=6)

    for place in range(3):
        pair = stats.ttest_rel(values[:, place + 1], values[:, 0])
        ends = pair.confidence_interval(1 - 0.05 / 6)
        bounds = bound_pair(values[:, place + 1], values[:, 0])
        low, high = min(ends.low, bounds[0]), max(ends.high, bounds[1])
        assert found.low[place] == pytest.approx(low, rel=1e-3)
        assert found.high[place] == pytest.approx(high, rel=1e-3)
    assert found.worse.tolist() == [True, False, False]
    assert found.equivalent.tolist() == [False, False, True]
    assert found.needed[1] > 30


def test_as_many_clusters_as_are_said_to_be_needed_show_that_nothing_is_lost() -> None:
    """Of two options that differ by noise alone, shown in 80 % of samples of that size."""
    rng = np.random.default_rng(8)

    def ask(clusters: int) -> tuple[bool, int]:
        values = 0.5 + rng.normal(0, 0.03 / 2**0.5, (clusters, 2))
        found = contrast(measure(values), 0, np.array([1]), comparisons=3)
        return bool(found.equivalent[0]), int(found.needed[0])

    needed = int(np.median([ask(12)[1] for _ in range(200)]))
    assert 0.7 <= np.mean([ask(needed)[0] for _ in range(300)]) <= 0.9
