"""All pairs at once give scipy's p values."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.stats.signed_rank import pairwise_signed_rank

Floats = NDArray[np.float64]


def expected(steps: Floats) -> Floats:
    """Return scipy's p values pair by pair, on the same coarse grid."""
    coarse = np.rint(steps / 4)
    pairs = zip(*np.triu_indices(steps.shape[1], 1), strict=True)
    return np.array([_wilcoxon(coarse[:, a] - coarse[:, b]) for a, b in pairs])


def _wilcoxon(pairs: Floats) -> float:
    sizes = np.sort(np.abs(pairs))
    if not sizes[-1]:
        return 1.0
    distinct = sizes[0] > 0 and (np.diff(sizes) > 0).all()
    method: Literal["exact", "approx"] = "exact" if distinct and len(pairs) <= 50 else "approx"
    return float(stats.wilcoxon(pairs, zero_method="pratt", method=method).pvalue)


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
