"""Random weights of clusters."""

from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.stats.multipliers import STEP, draw_multipliers, weigh_clusters


def test_weights_are_standard_normal_and_the_same_in_any_order() -> None:
    names = [f"c{index}" for index in range(300)]
    weights = draw_multipliers(names, dataset="d", replicates=400)

    assert weights.mean() * STEP == pytest.approx(0, abs=0.01)
    assert weights.std() * STEP == pytest.approx(1, abs=0.01)
    order = np.random.default_rng(0).permutation(300)
    shuffled = draw_multipliers([names[index] for index in order], dataset="d", replicates=400)
    np.testing.assert_array_equal(shuffled, weights[order])
    assert (draw_multipliers(names, dataset="e", replicates=400) != weights).mean() > 0.9


def test_known_weights_stay() -> None:
    golden = [[-323, 136, -21], [-132, 142, -301]]
    assert draw_multipliers(["a", "b"], dataset="d", replicates=3).tolist() == golden


def test_weighed_sums_are_those_of_float_arithmetic() -> None:
    rng = np.random.default_rng(1)
    influences = rng.integers(-1000, 1000, (9000, 3)).astype(float)
    weights = draw_multipliers([str(i) for i in range(9500)], dataset="d", replicates=20)
    key = rng.choice(9500, 9000, replace=False)

    expected = influences.T @ (weights[key] * STEP)
    np.testing.assert_allclose(weigh_clusters(influences, weights, key), expected, rtol=1e-12)
