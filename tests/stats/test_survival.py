from __future__ import annotations

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from cosmos_board.stats.survival import kaplan_meier, limited_medians


@pytest.mark.parametrize("seed", range(4))
def test_curve_and_median_equal_lifelines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times, observed = rng.integers(1, 11, 40), rng.uniform(size=40) < 0.6
    weights = rng.integers(1, 4, 40)
    fitter = KaplanMeierFitter().fit(times, observed, weights=weights)

    found = kaplan_meier(times, observed, weights)
    expected = fitter.survival_function_at_times(found.times).to_numpy()
    np.testing.assert_allclose(found.survival, expected, atol=1e-12)
    assert found.median == fitter.median_survival_time_


def test_median_is_infinite_when_most_never_get_there() -> None:
    assert kaplan_meier([1, 10, 10], [True, False, False]).median == float("inf")


def test_median_counts_exactly_half_as_reached() -> None:
    assert kaplan_meier([3, 5, 10, 10], [True, True, False, False]).median == 5.0


def test_replicates_equal_the_curve_of_the_repeated_clusters() -> None:
    rng = np.random.default_rng(5)
    clicks = rng.integers(1, 16, 30)
    observed, times = clicks <= 10, np.minimum(clicks, 10)
    events = np.zeros((30, 10))
    events[np.flatnonzero(observed), times[observed] - 1] = 1
    weights = rng.multinomial(30, np.full(30, 1 / 30), 20)

    found = limited_medians(weights @ events / 30)
    assert found.tolist() == [kaplan_meier(times, observed, row).median for row in weights]
