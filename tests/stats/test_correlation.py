from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats

from cosmos_board.stats.correlation import (
    centred_ranks,
    correlations,
    cross_products,
    partial_from_correlations,
)


def partial_spearman(outcome: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return the partial correlations of one whole sample."""
    ranks = [centred_ranks(column) for column in (outcome, *factors.T)]
    sums = cross_products(ranks, np.zeros(len(outcome), np.int64), 1)
    found: np.ndarray = partial_from_correlations(correlations(sums))[0]
    return found


def draw(seed: int, count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(count, 4)) @ rng.normal(size=(4, 4))
    outcome = factors[:, 0] - 0.5 * factors[:, 2] + rng.normal(size=count)
    return outcome, factors.round(1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_partial_spearman_equals_pingouin_with_ties(seed: int) -> None:
    outcome, factors = draw(seed)
    table = pd.DataFrame(np.column_stack([outcome, factors]), columns=list("yabcd"))

    found = partial_spearman(outcome, factors)
    for place, name in enumerate("abcd"):
        others = [other for other in "abcd" if other != name]
        expected = pingouin.partial_corr(table, x=name, y="y", covar=others, method="spearman")
        assert found[place] == pytest.approx(expected["r"].iloc[0], abs=1e-9)


def test_one_factor_alone_is_plain_spearman() -> None:
    outcome, factors = draw(4)

    expected = stats.spearmanr(outcome, factors[:, 0]).statistic
    assert partial_spearman(outcome, factors[:, :1])[0] == pytest.approx(expected, abs=1e-9)


def test_a_replicate_equals_repeating_the_clusters_with_ranks_kept() -> None:
    outcome, factors = draw(5, 60)
    cluster = np.arange(60) // 6
    ranks = [centred_ranks(column) for column in (outcome, *factors.T)]
    weights = np.array([[2, 0, 1, 1, 3, 0, 1, 1, 1, 0]])

    found = correlations(weights @ cross_products(ranks, cluster, 10))[0]
    expected = np.corrcoef(np.repeat(ranks, weights[0][cluster], axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_constant_factor_has_no_correlation_and_disturbs_no_other() -> None:
    outcome, factors = draw(6)
    with_constant = np.insert(factors, 1, 7.0, axis=1)

    found = partial_spearman(outcome, with_constant)
    assert np.isnan(found[1])
    np.testing.assert_allclose(np.delete(found, 1), partial_spearman(outcome, factors), atol=1e-9)


def test_factors_that_determine_each_other_have_no_partial_correlation() -> None:
    outcome, factors = draw(7)
    twin = np.column_stack([factors[:, 0], 2 * factors[:, 0]])

    assert np.isnan(partial_spearman(outcome, twin)).all()


def test_constant_outcome_has_no_correlation() -> None:
    _, factors = draw(8)

    assert np.isnan(partial_spearman(np.ones(len(factors)), factors)).all()


def test_each_replicate_decides_for_itself_what_varies() -> None:
    outcome, factors = draw(9, 40)
    factors[:20, 1] = 0.0
    ranks = [centred_ranks(column) for column in (outcome, *factors.T)]
    sums = cross_products(ranks, np.arange(40) // 20, 2)

    found = partial_from_correlations(correlations(np.array([[1, 0], [1, 1]]) @ sums))
    assert np.isnan(found[0]).tolist() == [False, True, False, False]
    assert not np.isnan(found[1]).any()
