"""Rank correlations within groups, against scipy, pingouin and least squares fitted again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.correlation import (
    Cells,
    correlation_errors,
    partial_correlations,
    rank_within,
    sum_cells,
    to_normal,
)


def gather_cells(ranks: list[Floats], group: Ints, cluster: Ints) -> tuple[Cells, Ints]:
    """Return the cells of some columns of ranks, and the number of each cell's cluster."""
    pairs, cell = np.unique(np.column_stack([group, cluster]), axis=0, return_inverse=True)
    place, count = cell.ravel(), len(pairs)
    cells = Cells(
        np.bincount(place),
        np.stack([sum_cells(column, place, count) for column in ranks]),
        np.array([[sum_cells(a * b, place, count) for b in ranks] for a in ranks]),
        pairs[:, 0],
    )
    return cells, np.unique(pairs[:, 1], return_inverse=True)[1].ravel()


def fit_partial(ranks: list[Floats], group: Ints) -> Floats:
    """Return the partial correlations of the first column, from residuals of least squares.

    The second implementation: each group has a constant of its own.
    """
    constants = (group[:, None] == np.unique(group)).astype(float)
    found = []
    for place in range(1, len(ranks)):
        rest = [column for other, column in enumerate(ranks) if other not in (0, place)]
        given = np.column_stack([constants, *rest])
        pair = np.column_stack([ranks[0], ranks[place]])
        residuals = pair - given @ np.linalg.lstsq(given, pair, rcond=None)[0]
        found.append((residuals[:, 0] @ residuals[:, 1]) / np.sqrt(np.prod((residuals**2).sum(0))))
    return np.array(found)


def draw(seed: int, count: int = 120) -> tuple[Floats, Floats, Ints, Ints]:
    """Return an outcome, four factors, and three groups whose levels of both differ."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, count, p=[0.6, 0.3, 0.1])
    cluster = rng.integers(0, 12, count)
    factors = rng.normal(size=(count, 4)) @ rng.normal(size=(4, 4)) + 9.0 * group[:, None]
    outcome = factors[:, 0] - 0.5 * factors[:, 2] + rng.normal(size=count) + 20.0 * group
    return outcome, factors.round(1), group, cluster


def rank_all(outcome: Floats, factors: Floats, group: Ints) -> list[Floats]:
    return [rank_within(column, group) for column in (outcome, *factors.T)]


@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 2, 300])), max_size=40),
)
def test_ranks_are_those_of_each_group_alone(rows: list[tuple[int, int]]) -> None:
    values, group = np.array(rows, np.int64).reshape(-1, 2).T

    found = rank_within(values, group)
    for name in np.unique(group):
        inside = group == name
        size = inside.sum()
        expected = (stats.rankdata(values[inside]) - (size + 1) / 2) / size
        np.testing.assert_allclose(found[inside], expected, atol=1e-12)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_one_group_partial_spearman_equals_pingouin_with_ties(seed: int) -> None:
    outcome, factors, _, cluster = draw(seed)
    group = np.zeros(len(outcome), np.int64)
    table = pd.DataFrame(np.column_stack([outcome, factors]), columns=list("yabcd"))

    cells, _ = gather_cells(rank_all(outcome, factors, group), group, cluster)
    found = partial_correlations(cells.whole)[:, 0]
    for place, name in enumerate("abcd"):
        others = [other for other in "abcd" if other != name]
        expected = pingouin.partial_corr(table, x=name, y="y", covar=others, method="spearman")
        assert found[place] == pytest.approx(expected["r"].iloc[0], abs=1e-8)


def test_one_factor_in_one_group_is_plain_spearman() -> None:
    outcome, factors, _, cluster = draw(4)
    group = np.zeros(len(outcome), np.int64)

    cells, _ = gather_cells(rank_all(outcome, factors[:, :1], group), group, cluster)
    expected = stats.spearmanr(outcome, factors[:, 0]).statistic
    assert partial_correlations(cells.whole)[0, 0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("seed", [5, 6])
def test_without_each_cluster_equals_least_squares_fitted_again(seed: int) -> None:
    outcome, factors, group, cluster = draw(seed)
    ranks = rank_all(outcome, factors, group)

    cells, left = gather_cells(ranks, group, cluster)
    whole, without = (partial_correlations(part) for part in (cells.whole, cells.leave_out(left)))
    np.testing.assert_allclose(whole[:, 0], fit_partial(ranks, group), atol=1e-8)
    for name in np.unique(cluster):
        stays = cluster != name
        expected = fit_partial([column[stays] for column in ranks], group[stays])
        np.testing.assert_allclose(without[:, name], expected, atol=1e-8)


def test_whole_groups_and_parts_of_several_groups_can_be_left_out() -> None:
    """For intervals over targets and over datasets."""
    outcome, factors, group, cluster = draw(7)
    ranks = rank_all(outcome, factors, group)
    cells, cluster_of_cell = gather_cells(ranks, group, cluster)

    for of_cell, of_row in ((cells.group, group), (cluster_of_cell % 3, cluster % 3)):
        without = partial_correlations(cells.leave_out(of_cell))
        for name in range(3):
            stays = of_row != name
            expected = fit_partial([column[stays] for column in ranks], group[stays])
            np.testing.assert_allclose(without[:, name], expected, atol=1e-8)


def test_levels_of_groups_relate_nothing() -> None:
    """Outcome and factor rise together from group to group, and not inside any."""
    outcome = np.array([1.0, 2, 1, 2, 11, 12, 11, 12])
    factor = np.array([1.0, 1, 2, 2, 11, 11, 12, 12])
    group = np.repeat([0, 1], 4)

    cells, _ = gather_cells([rank_within(outcome, group), rank_within(factor, group)], group, group)
    assert stats.spearmanr(outcome, factor).statistic > 0.7
    assert partial_correlations(cells.whole)[0, 0] == 0.0


def squares(columns: list[NDArray[np.float64]]) -> Floats:
    found: Floats = np.cov(np.stack(columns))[:, :, None]
    return found


def test_what_is_determined_by_the_rest_has_no_partial_correlation() -> None:
    outcome, factors, _, _ = draw(8)
    constant, twin = np.full(len(outcome), 7.0), 2 * factors[:, 0] + 1

    assert np.isnan(partial_correlations(squares([outcome, constant]))).all()
    assert np.isnan(partial_correlations(squares([constant, outcome]))).all()
    assert np.isnan(partial_correlations(squares([outcome, factors[:, 0], twin]))[:2]).all()


def test_an_outcome_that_is_a_factor_has_correlation_1_with_it_and_none_with_others() -> None:
    outcome, factors, _, _ = draw(9)

    found = partial_correlations(squares([outcome, outcome, factors[:, 1]]))[:, 0]
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1])


def test_the_error_of_a_correlation_of_normals_is_that_of_fisher() -> None:
    """Each observation a cluster: 1/√(n − 3) on the scale of arctanh, whatever ρ."""
    rng = np.random.default_rng(10)
    for rho in (0.0, 0.6):
        pair = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], 400)
        stays = ~np.eye(400, dtype=bool)
        without = np.array([stats.pearsonr(*pair[keep].T).statistic for keep in stays])
        assert correlation_errors(without[None])[0] == pytest.approx(397**-0.5, rel=0.2)


def test_correlations_of_1_stay_finite() -> None:
    assert np.isfinite(to_normal([-1.0, 1.0])).all()
    assert correlation_errors(np.ones((1, 12)))[0] == 0.0
