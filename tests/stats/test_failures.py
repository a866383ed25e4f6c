"""What one more failure does, against a sample that has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.failures import lose_cluster, ratio_interval, reach_with_failure
from cosmos_board.stats.family import Family, compare_all
from cosmos_board.stats.variance import measure_means
from tests.one_more import bound_pair, bound_with


def design(*sizes: int, shared: bool = False) -> Design:
    """Return targets of so many clusters in one dataset."""
    starts = np.zeros(len(sizes), int) if shared else np.cumsum([0, *sizes[:-1]])
    return make_design(
        [
            (np.arange(start, start + size), np.zeros(size, int))
            for start, size in zip(starts, sizes, strict=True)
        ]
    )


def draw(*shape: int, seed: int = 0) -> Floats:
    found: Floats = np.random.default_rng(seed).beta(8, 2, shape)
    return found


def pair(scores: Floats, layout: Design) -> Family:
    """Return two models as a family: scores of shape (units, 2)."""
    return compare_all(measure_means(scores, layout), np.zeros((len(layout.key), 1), np.int16))


def test_one_more_failure_changes_a_target_as_a_sample_that_has_it() -> None:
    scores = draw(15, 4)
    errors = measure_means(scores, design(15))
    longer = np.vstack([scores, np.zeros(4)])
    fall = scores.mean(axis=0) - longer.mean(axis=0)

    assert lose_cluster(errors.target_means, errors.design)[0] == pytest.approx(fall)
    reach = fall + stats.t.isf(0.05, 15) * stats.sem(longer)
    assert reach_with_failure(errors.target_means, errors.spread) == pytest.approx(reach, rel=1e-4)


def test_an_interval_of_a_score_reaches_as_far_as_a_failure_and_as_a_perfect_answer() -> None:
    scores = draw(15, 4)
    low, high = ratio_interval(measure_means(scores, design(15)))
    worse, better = np.vstack([scores, np.zeros(4)]), np.vstack([scores, np.ones(4)])

    bound = worse.mean(axis=0) - stats.t.isf(0.05, 15) * stats.sem(worse)
    assert low == pytest.approx(bound, rel=1e-4)
    plain = stats.t.interval(0.95, 14, scores.mean(axis=0), stats.sem(scores))[1]
    bound = better.mean(axis=0) + stats.t.isf(0.05, 15) * stats.sem(better)
    assert high == pytest.approx(np.minimum(np.maximum(bound, plain), 1.0), rel=1e-4)


def test_a_difference_reaches_as_far_as_one_more_failure_of_either_model() -> None:
    """Second implementation: append the cluster in which one scores 0 and the other its mean."""
    scores = draw(20, 2) * [1.0, 0.6]
    found = pair(scores, design(20))

    assert (found.low[0], found.high[0]) == pytest.approx(bound_pair(*scores.T), abs=1e-5)
    assert found.low[0] < found.verdict_low[0] < found.difference[0]


def test_a_difference_that_varies_much_has_the_plain_interval() -> None:
    scores = np.random.default_rng(1).uniform(0, 0.2, (40, 2))
    found = pair(scores, design(40))

    ends = stats.ttest_rel(*scores.T).confidence_interval(0.95)
    assert (found.low[0], found.high[0]) == pytest.approx((ends.low, ends.high), abs=1e-5)


def test_one_more_failure_is_put_where_it_costs_most() -> None:
    scores = draw(42, 3)
    errors = measure_means(scores, design(12, 30))
    small, large = scores[:12], scores[12:]

    loss, target = lose_cluster(errors.target_means, errors.design)
    costs = [part.mean(axis=0) / (len(part) + 1) / 2 for part in (small, large)]
    assert loss == pytest.approx(np.maximum(*costs))
    assert target.tolist() == [0, 0, 0]
    with_zero = np.vstack([small, np.zeros(3)])
    error = np.hypot(stats.sem(with_zero), stats.sem(large)) / 2
    low = errors.means - reach_with_failure(errors.target_means, errors.spread)
    mean = (with_zero.mean(axis=0) + large.mean(axis=0)) / 2
    assert (low < mean - stats.t.isf(0.05, 40) * error).all()
    assert (low > mean - stats.t.isf(0.05, 10) * error).all()


def test_clusters_that_fail_in_all_targets_cost_as_many_failures() -> None:
    """Five targets of the same scores are one: the mean over them is what it is of one."""
    scores = draw(20, 2) * [1.0, 0.6]
    five, layout = np.tile(scores, (5, 1)), design(*[20] * 5, shared=True)

    one, all_ = pair(scores, design(20)), pair(five, layout)
    assert (all_.low[0], all_.high[0]) == pytest.approx((one.low[0], one.high[0]), rel=0.05)
    ends = [np.stack(ratio_interval(measure_means(*each))) for each in (
        (scores, design(20)), (five, layout)
    )]  # fmt: skip
    assert ends[1] == pytest.approx(ends[0], rel=0.05)


def test_clusters_that_differ_between_targets_cost_one_failure() -> None:
    scores = draw(1000, 50)
    apart, shared = (
        measure_means(scores, design(500, 500, shared=shared)) for shared in (False, True)
    )

    reaches = [reach_with_failure(each.target_means, each.spread) for each in (apart, shared)]
    assert reaches[1].mean() == pytest.approx(reaches[0].mean(), rel=0.05)


def test_the_worst_of_shared_clusters_may_come_again() -> None:
    """Of 20 clusters one scored 0 in all of five targets, the others the same everywhere."""
    scores = np.full((5, 20), 0.9)
    scores[:, 7] = 0.0
    scores += np.random.default_rng(0).normal(0, 0.001, scores.shape)
    low, _ = ratio_interval(measure_means(scores.reshape(-1, 1), design(*[20] * 5, shared=True)))

    assert low[0] == pytest.approx(bound_with(scores.mean(axis=0), 0.0, -1), abs=0.01)


@given(seed=st.integers(0, 10_000), size=st.integers(3, 40))
def test_the_interval_of_a_ratio_contains_the_plain_one_and_stays_in_range(
    seed: int, size: int
) -> None:
    scores = draw(size, 2, seed=seed)
    low, high = ratio_interval(measure_means(scores, design(size)))
    plain = stats.t.interval(0.95, size - 1, scores.mean(axis=0), stats.sem(scores))

    assert (low <= np.clip(plain[0], 0, 1) + 1e-5).all()
    assert (high >= np.clip(plain[1], 0, 1) - 1e-5).all()
    assert (low >= 0).all()
    assert (high <= 1).all()


def test_scores_without_spread_still_allow_for_a_failure() -> None:
    low, high = ratio_interval(measure_means(np.full((20, 1), 0.9), design(20)))

    assert low[0] < 0.9 - 0.9 / 21
    assert high[0] > 0.9 + 0.1 / 21
