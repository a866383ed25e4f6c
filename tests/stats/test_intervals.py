"""Intervals against textbooks, and what one more cluster does against a sample that has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.intervals import (
    add_one_cluster,
    interval,
    jackknife_errors,
    ratio_interval,
    share_interval,
    t_quantile,
)
from cosmos_board.stats.variance import measure_means


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


def test_t_quantiles_are_those_of_the_tables() -> None:
    assert t_quantile(0.95, 1) == pytest.approx(12.706, abs=1e-3)
    assert t_quantile(0.90, 30) == pytest.approx(1.697, abs=1e-3)


def test_an_interval_is_scipys_and_ends_where_the_metric_ends() -> None:
    plain = stats.t.interval(0.95, 12, 0.9, 0.1)

    assert np.stack(interval(0.9, 0.1, degrees=12)) == pytest.approx(plain)
    assert np.stack(interval(0.9, 0.1, degrees=12, bounds=(0, 1))) == pytest.approx((plain[0], 1.0))


@pytest.mark.parametrize("failed", [0, 1, 7, 20])
def test_shares_have_the_interval_of_clopper_and_pearson(failed: int) -> None:
    found = share_interval(failed / 20, 20)

    assert np.stack(found) == pytest.approx(proportion_confint(failed, 20, method="beta"))


def test_one_more_failure_changes_a_target_as_a_sample_that_has_it() -> None:
    scores = draw(15, 4)
    found = add_one_cluster(measure_means(scores, design(15)))
    longer = np.vstack([scores, np.zeros(4)])

    assert found.loss == pytest.approx(scores.mean(axis=0) - longer.mean(axis=0))
    reach = stats.t.isf(0.05, 15) * stats.sem(longer)
    assert found.low == pytest.approx(longer.mean(axis=0) - reach, rel=1e-4)
    best = np.vstack([scores, np.ones(4)])
    assert found.gain == pytest.approx(best.mean(axis=0) - scores.mean(axis=0))
    reach = stats.t.isf(0.05, 15) * stats.sem(best)
    assert found.high == pytest.approx(best.mean(axis=0) + reach, rel=1e-4)


def test_one_more_failure_is_put_where_it_costs_most() -> None:
    scores = draw(42, 3)
    found = add_one_cluster(measure_means(scores, design(12, 30)))
    small, large = scores[:12], scores[12:]

    costs = [part.mean(axis=0) / (len(part) + 1) / 2 for part in (small, large)]
    assert found.loss == pytest.approx(np.maximum(*costs))
    with_zero = np.vstack([small, np.zeros(3)])
    error = np.hypot(stats.sem(with_zero), stats.sem(large)) / 2
    mean = (with_zero.mean(axis=0) + large.mean(axis=0)) / 2
    assert (found.low < mean - stats.t.isf(0.05, 40) * error).all()
    assert (found.low > mean - stats.t.isf(0.05, 10) * error).all()


def test_clusters_that_fail_in_all_targets_cost_as_many_failures() -> None:
    """Five targets of the same scores are one: the mean over them is what it is of one."""
    scores = draw(20, 3)
    one = add_one_cluster(measure_means(scores, design(20)), everywhere=True)
    five = measure_means(np.tile(scores, (5, 1)), design(*[20] * 5, shared=True))
    found = add_one_cluster(five, everywhere=True)

    assert found.loss == pytest.approx(one.loss, rel=1e-5)
    assert found.gain == pytest.approx(one.gain, rel=1e-5)


def test_clusters_that_differ_between_targets_cost_one_failure() -> None:
    scores = draw(1000, 50)
    apart = add_one_cluster(measure_means(scores, design(500, 500)))
    shared = add_one_cluster(measure_means(scores, design(500, 500, shared=True)), everywhere=True)

    assert shared.loss.mean() == pytest.approx(apart.loss.mean(), rel=0.05)


def test_the_worst_of_shared_clusters_may_come_again() -> None:
    """Of 20 clusters one scored 0 in all of five targets, the others the same everywhere."""
    scores = np.full((5, 20), 0.9)
    scores[:, 7] = 0.0
    scores += np.random.default_rng(0).normal(0, 0.001, scores.shape)
    errors = measure_means(scores.reshape(-1, 1), design(*[20] * 5, shared=True))

    again = (scores.mean() - scores[:, 7].mean()) / 21
    assert add_one_cluster(errors, everywhere=True).loss[0] == pytest.approx(again, rel=0.06)


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


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    scores = draw(30, 2)
    without = (scores.sum(axis=0) - scores) / 29

    assert jackknife_errors(without) == pytest.approx(stats.sem(scores))
