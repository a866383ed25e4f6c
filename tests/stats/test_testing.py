from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from cosmos_board.stats.testing import (
    equivalence_verdict,
    holm,
    minimum_detectable_difference,
    wilcoxon_pvalues,
)


@pytest.mark.parametrize(
    ("count", "method"), [(6, "exact"), (30, "exact"), (50, "exact"), (51, "approx")]
)
def test_wilcoxon_equals_scipy_without_ties(count: int, method: Literal["exact", "approx"]) -> None:
    pairs = np.random.default_rng(count).normal(0.1, 1, count)

    expected = stats.wilcoxon(pairs, zero_method="pratt", method=method).pvalue
    assert wilcoxon_pvalues(pairs[None])[0] == pytest.approx(expected, rel=1e-12)


def test_wilcoxon_with_zeros_and_ties_is_the_normal_one_of_pratt() -> None:
    pairs = np.array([0.0, 0.0, 1, 1, -1, 2, 2, 3, 4, -2])

    expected = stats.wilcoxon(pairs, zero_method="pratt", method="approx").pvalue
    assert wilcoxon_pvalues(pairs)[0] == pytest.approx(expected, rel=1e-12)


def test_a_row_has_the_same_pvalue_in_any_table() -> None:
    rng = np.random.default_rng(3)
    clean, tied = rng.normal(size=20), rng.integers(-2, 4, 20).astype(float)

    together = wilcoxon_pvalues(np.stack([clean, tied]))
    assert together.tolist() == [wilcoxon_pvalues(clean)[0], wilcoxon_pvalues(tied)[0]]


def test_many_rows_at_once_equal_one_row_at_a_time() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(40, 60)).round(1)
    rows[rng.uniform(size=rows.shape) < 0.3] = np.nan
    rows[7] = 0.0

    together = wilcoxon_pvalues(rows)
    assert together.tolist() == [wilcoxon_pvalues(row)[0] for row in rows]


def test_missing_pairs_are_left_out_and_no_pair_has_no_pvalue() -> None:
    rows = np.array([[1.0, 2, 3, np.nan], [np.nan] * 4])

    found = wilcoxon_pvalues(rows)
    assert found[0] == wilcoxon_pvalues([1.0, 2, 3])[0]
    assert np.isnan(found[1])


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
