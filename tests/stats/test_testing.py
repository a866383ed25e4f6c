"""What a test could have shown, and how many clusters it takes."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from cosmos_board.stats.testing import (
    clusters_to_exceed_failure,
    detectable_effect,
    exceed_failure,
    holm,
    needed_clusters,
)


def test_holm_equals_statsmodels_and_counts_only_known_tests() -> None:
    raw = np.random.default_rng(1).uniform(0, 0.2, 12)
    with_gap = np.insert(raw, 4, np.nan)

    expected = multipletests(raw, method="holm")[1]
    found = holm(with_gap)
    np.testing.assert_array_equal(np.delete(found, 4), expected)
    assert np.isnan(found[4])
    assert np.isnan(holm([np.nan])).all()


@pytest.mark.parametrize("clusters", [10, 50, 400])
def test_the_detectable_effect_is_near_that_of_the_noncentral_t(clusters: int) -> None:
    spread = 0.2

    found = detectable_effect(spread / np.sqrt(clusters), clusters - 1)
    expected = spread * TTestPower().solve_power(nobs=clusters, alpha=0.05, power=0.8)
    assert found == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("effect", [0.01, 0.03, 0.1, 1.0])
def test_the_needed_clusters_are_the_fewest_that_can_show_the_effect(effect: float) -> None:
    needed = needed_clusters(0.1, effect)

    assert detectable_effect(0.1 / np.sqrt(needed), needed - 1) <= effect
    assert needed == 2 or detectable_effect(0.1 / np.sqrt(needed - 1), needed - 2) > effect


def test_an_effect_outlasts_a_failure_in_80_percent_of_samples() -> None:
    effect = float(exceed_failure(0.05, 0.02))
    estimates = np.random.default_rng(0).normal(effect, 0.02, 100_000)

    assert (estimates >= 0.05).mean() == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize(("loss", "effect"), [(1.0, 0.01), (0.9, 0.05), (0.0, 0.02), (1.0, 2.0)])
def test_the_clusters_to_outlast_a_failure_are_the_fewest(loss: float, effect: float) -> None:
    def fits(clusters: int) -> bool:
        return float(exceed_failure(loss / clusters, 0.1 / np.sqrt(clusters))) <= effect

    needed = clusters_to_exceed_failure(loss, 0.1, effect)
    assert fits(needed)
    assert needed == 1 or not fits(needed - 1)
