"""All pairs of a table: intervals, verdicts, ranges of ranks and letters."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cosmos_board.core.arrays import Bools, Floats
from cosmos_board.stats.design import make_design
from cosmos_board.stats.family import (
    Family,
    compare_all,
    compare_together,
    find_tail,
    rank,
    tie_letters,
)
from cosmos_board.stats.multipliers import draw_multipliers
from cosmos_board.stats.testing import MARGIN
from cosmos_board.stats.variance import measure_means


def family(scores: Floats) -> Family:
    """Return the family of models that were scored on the clusters of one target."""
    size = len(scores)
    design = make_design([(np.arange(size), np.zeros(size, int))])
    weights = draw_multipliers([str(index) for index in range(size)], dataset="d")
    return compare_all(measure_means(scores, design), weights)


def scores(clusters: int, means: list[float], *, noise: float, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.05, (clusters, 1))
    found: Floats = np.clip(shared + rng.normal(means, noise, (clusters, len(means))), 0, 1)
    return found


def test_two_models_have_the_plain_t_interval() -> None:
    rows = scores(40, [0.5, 0.45], noise=0.1)
    apart = rows[:, 0] - rows[:, 1]

    low, high = stats.t.interval(0.95, 39, apart.mean(), stats.sem(apart))
    found = family(rows)
    assert found.difference[0] == pytest.approx(apart.mean())
    assert found.half[0] == pytest.approx((high - low) / 2, rel=1e-5)


@pytest.mark.parametrize("models", [3, 10])
def test_the_shared_quantile_is_tukeys_where_models_vary_alike(models: int) -> None:
    rows = scores(400, [0.5] * models, noise=0.1)
    found = family(rows)
    errors = [stats.sem(rows[:, a] - rows[:, b]) for a, b in combinations(range(models), 2)]

    quantile = stats.studentized_range.ppf(0.95, models, 399) / np.sqrt(2)
    assert found.half / errors == pytest.approx([quantile] * len(errors), rel=0.04)


@pytest.mark.parametrize(("models", "shifts"), [(5, (1, 2, 3, 4)), (25, (0,))])
def test_the_shared_quantile_is_that_of_the_largest_scaled_difference(
    models: int, shifts: tuple[int, ...]
) -> None:
    """Replicates of up to 20 models are added in twos, each to those one to four places before."""
    replicates = np.random.default_rng(2).normal(size=(models, 400))
    largest = []
    for shift in shifts:
        pairs = [replicates[a] - replicates[b] for a, b in combinations(range(models), 2)]
        scaled = [apart / np.sqrt((apart**2).mean()) for apart in pairs]
        twos = [(z + np.roll(z, shift)) / np.sqrt(2) if shift else z for z in scaled]
        largest += np.abs(twos).max(axis=0).tolist()

    quantile = np.quantile(largest, 0.95, method="inverted_cdf")
    assert find_tail(replicates) == pytest.approx(2 * stats.norm.sf(quantile), rel=1e-9)


def test_tables_of_one_design_together_are_to_the_bit_what_each_is_alone() -> None:
    tables = [scores(60, [0.5, 0.52, 0.6], noise=0.1, seed=seed) for seed in (1, 2)]
    design = make_design([(np.arange(60), np.zeros(60, int))])
    weights = draw_multipliers([str(index) for index in range(90)], dataset="d")
    key = np.arange(60) + 30
    errors = [measure_means(table, design) for table in tables]

    together = compare_together(errors, weights, key)
    for found, each in zip(together, errors, strict=True):
        alone = compare_all(each, weights[key])
        assert (found.tail, found.half.tolist()) == (alone.tail, alone.half.tolist())
        assert found.lead_share.tolist() == alone.lead_share.tolist()


def test_few_clusters_take_bonferronis_quantile() -> None:
    rows = scores(12, [0.5] * 5, noise=0.1)
    found = family(rows)
    error = stats.sem(rows[:, 0] - rows[:, 1])

    assert found.half[0] / error == pytest.approx(stats.t.isf(0.025 / 10, 11), rel=1e-5)


def test_every_verdict_is_read_from_the_interval_and_the_estimate_after_a_failure() -> None:
    found = family(scores(300, [0.9, 0.8, 0.799, 0.77, 0.9], noise=0.02))
    by_pair = {
        (int(a), int(b)): found.verdict(number)
        for number, (a, b) in enumerate(zip(found.first, found.second, strict=True))
    }

    assert by_pair[0, 1] == "better"
    assert by_pair[1, 4] == "worse"
    assert by_pair[1, 2] == "equivalent"
    for number, verdict in enumerate(by_pair.values()):
        assert (verdict == "better") == (found.verdict_low[number] > MARGIN)
        assert (verdict == "worse") == (found.verdict_high[number] < -MARGIN)
    assert found.find_pair(1, 4) == list(by_pair).index((1, 4))


def test_only_one_more_failure_can_hold_a_verdict_back() -> None:
    found = family(scores(20, [0.85, 0.82], noise=0.002))

    # 20 clusters of 0.85: one more of 0 takes 0.85 / 21 = 0.04 off, more than the lead of 0.03.
    assert found.verdict(0) == "not separated"
    assert found.held_back.tolist() == [True]
    assert found.verdict_low[0] == pytest.approx(0.03 - 0.85 / 21, abs=0.003)


def test_a_true_difference_of_the_detectable_size_is_shown_in_four_of_five() -> None:
    rng = np.random.default_rng(3)
    size, spread, runs = 60, 0.15, 400
    typical = family(rng.normal(0.4, spread, (size, 2)))
    effect = float(typical.detectable[0])
    shown = [
        family(rng.normal([0.4 + effect, 0.4], spread, (size, 2))).verdict(0) == "better"
        for _ in range(runs)
    ]
    assert 0.72 < np.mean(shown) < 0.9


def test_ranges_of_ranks_count_who_is_surely_ahead_and_behind() -> None:
    found = family(scores(100, [0.9, 0.89, 0.6, 0.3], noise=0.05))

    low, high = found.rank_ranges()
    assert low.tolist() == [1, 1, 3, 4]
    assert high.tolist() == [2, 2, 3, 4]


def test_a_model_that_joins_changes_no_estimate_and_only_widens_intervals() -> None:
    rows = scores(60, [0.6, 0.62, 0.5, 0.64, 0.3], noise=0.08)
    less, more = family(rows[:, :4]), family(rows)
    kept = [more.find_pair(a, b) for a, b in combinations(range(4), 2)]

    assert more.difference[kept].tolist() == less.difference.tolist()
    assert (more.half[kept] >= less.half).all()


def test_shares_of_leads_add_up_to_one() -> None:
    found = family(scores(30, [0.6, 0.6, 0.5], noise=0.1))

    assert found.lead_share.sum() == pytest.approx(1)
    assert found.lead_share[2] < found.lead_share[0]
    alone = family(np.full((12, 1), 0.5))
    assert alone.lead_share.tolist() == [1.0]
    assert alone.rank_ranges()[0].tolist() == alone.rank_ranges()[1].tolist() == [1]


def test_equal_scores_share_the_better_rank() -> None:
    assert rank(np.array([0.2, 0.9, 0.9, 0.1])).tolist() == [3, 1, 1, 4]


@given(st.integers(1, 9), st.integers(0, 2**36 - 1))
def test_two_models_share_a_letter_exactly_when_they_are_not_separated(
    models: int, pattern: int
) -> None:
    apart: Bools = np.zeros((models, models), bool)
    for bit, (a, b) in enumerate(combinations(range(models), 2)):
        apart[a, b] = apart[b, a] = bool(pattern >> bit & 1)
    letters = tie_letters(apart, np.arange(models))

    assert all(letters)
    for a, b in combinations(range(models), 2):
        assert bool(set(letters[a]) & set(letters[b])) == (not apart[a, b])
    assert "a" in letters[0]


def test_more_than_26_sets_get_numbered_letters() -> None:
    apart = ~np.eye(30, dtype=bool)

    letters = tie_letters(apart, np.arange(30))
    assert letters[25:28] == ("z", "a2", "b2")
