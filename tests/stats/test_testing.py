from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from cosmos_board.stats.testing import (
    equivalence_verdict,
    holm,
    minimum_detectable_difference,
)


def test_holm_equals_statsmodels_and_counts_only_known_tests() -> None:
    raw = np.random.default_rng(1).uniform(0, 0.2, 12)
    with_gap = np.insert(raw, 4, np.nan)

    expected = multipletests(raw, method="holm")[1]
    found = holm(with_gap)
    np.testing.assert_array_equal(np.delete(found, 4), expected)
    assert np.isnan(found[4])
    assert np.isnan(holm([np.nan])).all()


@pytest.mark.parametrize(
    ("interval_95", "interval_90", "expected"),
    [
        pytest.param((0.011, 0.03), (0.013, 0.028), "better", id="beyond the margin"),
        pytest.param((-0.03, -0.011), (-0.028, -0.013), "worse", id="below the margin"),
        pytest.param((-0.012, 0.008), (-0.01, 0.006), "equivalent", id="90 % within"),
        pytest.param((0.002, 0.012), (0.003, 0.0099), "equivalent", id="real but too small"),
        pytest.param((0.005, 0.03), (0.007, 0.028), "undecided", id="across the margin"),
        pytest.param((0.01, 0.03), (0.012, 0.028), "undecided", id="touching is not beyond"),
        pytest.param((np.nan, np.nan), (np.nan, np.nan), "undecided", id="no interval"),
    ],
)
def test_verdict_reads_both_intervals(
    interval_95: tuple[float, float], interval_90: tuple[float, float], expected: str
) -> None:
    assert equivalence_verdict(interval_95, interval_90) == expected


@pytest.mark.parametrize("clusters", [2, 5, 10, 50, 400])
def test_detectable_difference_equals_statsmodels(clusters: int) -> None:
    spread = 0.2

    found = minimum_detectable_difference(spread / np.sqrt(clusters), clusters - 1)
    expected = spread * TTestPower().solve_power(nobs=clusters, alpha=0.05, power=0.8)
    assert found == pytest.approx(expected, rel=1e-4)


def test_one_cluster_detects_nothing() -> None:
    assert np.isnan(minimum_detectable_difference(0.1, 0))
    assert np.isnan(minimum_detectable_difference(float("nan"), 9))
