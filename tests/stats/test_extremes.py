"""What the best of several equal things gains by chance."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pytest

from cosmos_board.stats.extremes import expected_maximum


@pytest.mark.parametrize(
    ("count", "exact"), [(1, 0.0), (2, 1 / sqrt(pi)), (3, 1.5 / sqrt(pi))]
)  # in closed form: Jones 1948
def test_few_normals_have_the_maximum_that_is_known_in_closed_form(
    count: int, exact: float
) -> None:
    assert expected_maximum(count) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("count", [5, 20, 100])
def test_many_normals_have_the_maximum_that_is_drawn(count: int) -> None:
    drawn = np.random.default_rng(count).normal(size=(40_000, count)).max(axis=1)

    assert expected_maximum(count) == pytest.approx(drawn.mean(), abs=0.015)
