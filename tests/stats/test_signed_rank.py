"""All pairs at once give scipy's p values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.stats.signed_rank import pairwise_signed_rank
from cosmos_board.stats.testing import wilcoxon_pvalues

Floats = NDArray[np.float64]


def expected(steps: Floats) -> Floats:
    """Return the p values one row at a time, on the same coarse grid."""
    first, second = np.triu_indices(steps.shape[1], 1)
    coarse = np.rint(steps / 4)
    return wilcoxon_pvalues((coarse[:, first] - coarse[:, second]).T)


@pytest.mark.parametrize("clusters", [1, 2, 9, 50, 51, 300])
def test_distinct_differences_give_scipys_values(clusters: int) -> None:
    steps = np.floor(np.random.default_rng(clusters).random((clusters, 5)) * 2**32)

    np.testing.assert_allclose(pairwise_signed_rank(steps), expected(steps), rtol=1e-12)


@given(steps=arrays(np.float64, (12, 4), elements={"min_value": 0, "max_value": 3}))
def test_ties_and_zeros_give_scipys_values(steps: Floats) -> None:
    whole = np.rint(steps) * 4096

    np.testing.assert_allclose(pairwise_signed_rank(whole), expected(whole), rtol=1e-12)


def test_one_pair_equals_scipy_directly() -> None:
    rng = np.random.default_rng(3)
    steps = np.floor(rng.random((80, 2)) * 2**20) * 4

    found = pairwise_signed_rank(steps)[0]

    whole = stats.wilcoxon(steps[:, 0], steps[:, 1], zero_method="pratt", method="approx")
    assert found == pytest.approx(whole.pvalue, rel=1e-12)


def test_equal_models_have_p_one() -> None:
    assert pairwise_signed_rank(np.ones((30, 3))).tolist() == [1.0, 1.0, 1.0]
