"""Intervals against textbooks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.intervals import (
    interval,
    jackknife_errors,
    share_interval,
    t_quantile,
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


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    scores = draw(30, 2)
    without = (scores.sum(axis=0) - scores) / 29

    assert jackknife_errors(without) == pytest.approx(stats.sem(scores))
