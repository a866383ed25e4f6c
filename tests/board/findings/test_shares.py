"""Shares of targets that are done well and badly (F1)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cosmos_board.board.findings.shares import (
    SURE,
    bound_share,
    choose_by_others,
    count_effective,
    find_best,
    measure_shares,
)
from cosmos_board.board.studies.effects import average_targets
from cosmos_board.core.arrays import Floats
from tests.claim_samples import Layout


@given(st.integers(0, 10_000))
def test_the_prompt_of_a_cluster_is_best_on_the_others(seed: int) -> None:
    values: Floats = np.random.default_rng(seed).random((4, 6))

    scores, others = choose_by_others(values)
    for place in range(6):
        left = np.delete(values, place, axis=1).mean(axis=1)
        assert scores[place] == values[left.argmax(), place]
        assert others[place] == pytest.approx(left.max())


def test_choosing_among_equal_prompts_gains_nothing() -> None:
    """The best of six equal prompts on the same clusters would be 0.05 better than they are."""
    sample = Layout(clusters=[10] * 500).make()
    values = 0.6 + 0.1 * np.random.default_rng(1).normal(size=(6, 5000))

    best = find_best(average_targets(sample, values))
    assert best.mean.mean() == pytest.approx(0.6, abs=0.005)
    assert values.reshape(6, 500, 10).mean(axis=2).max(axis=0).mean() > 0.635


def test_a_share_of_known_targets_is_binomial() -> None:
    """But for the half per cent of targets that is called sure by chance."""
    hits = np.arange(40) < 9
    chance = (1 - SURE) / 2

    exact = stats.binomtest(9, 40).proportion_ci(0.95, method="exact")
    low, high = bound_share(hits, hits, 40, 0.95)
    assert low == pytest.approx((exact.low - chance) / (1 - chance))
    assert high == pytest.approx(exact.high / (1 - chance))


def test_targets_that_are_not_known_widen_the_interval_on_both_sides() -> None:
    surely, possibly = np.arange(40) < 5, np.arange(40) < 15

    low, high = bound_share(surely, possibly, 40, 0.95)
    assert low == pytest.approx(bound_share(surely, surely, 40, 0.95)[0])
    assert high == pytest.approx(bound_share(possibly, possibly, 40, 0.95)[1])


def test_unseen_failures_lower_what_is_sure() -> None:
    """Six targets of 12 clusters without a failure: up to 5 % of clusters may still fail."""
    sample = Layout(clusters=[12] * 6).make()
    values = np.full((1, 72), 0.94)

    best = find_best(average_targets(sample, values))
    most = stats.beta.ppf(0.975, 1, 72)
    assert best.low == pytest.approx([0.94] * 6, abs=1e-6)
    assert best.low_with_failures == pytest.approx([0.94 * (1 - most)] * 6, abs=1e-5)


def test_targets_of_their_own_datasets_count_whole() -> None:
    hits = np.arange(20) < 5

    assert count_effective(hits, [np.array([number]) for number in range(20)]) == pytest.approx(20)
    assert count_effective(hits, [np.array([0, 1])] * 20) == 20
    assert count_effective(hits, [np.array([0])] * 20) == 20


def test_targets_of_few_datasets_that_are_alike_inside_count_for_less() -> None:
    """Four datasets of five targets each, all good in one: four draws at most."""
    hits = np.arange(20) < 5
    datasets = [np.array([number // 5]) for number in range(20)]

    assert count_effective(hits, datasets) < 4


def test_shares_name_how_many_targets_there_are_and_what_could_be_shown() -> None:
    sample = Layout(clusters=[12] * 12).make()
    values = np.full((2, 144), 0.7)

    high, low = measure_shares(sample, values, ("m",)).parts
    assert (high.effect.value, low.effect.value) == (0.0, 0.0)
    assert high.effect.high == pytest.approx((1 - 0.025 ** (1 / 12)) / (1 - 0.005))
    least = stats.beta.ppf(0.8, 3, 10)  # three of twelve are enough
    assert high.reach == pytest.approx(least - 0.05)
    assert stats.binom.sf(2, 12, least) == pytest.approx(0.8)
