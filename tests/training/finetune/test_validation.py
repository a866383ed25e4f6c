from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cosmos_board.training.finetune.validation import (
    DiceRow,
    compare_rows,
    format_gains,
    is_worse,
    mean_over_clusters,
)


def rows(values: list[float], clusters: int) -> list[DiceRow]:
    return [
        DiceRow(f"c{i % clusters}", "ct.liver" if i % 2 else "ct.aorta", "box", i, value)
        for i, value in enumerate(values)
    ]


def test_the_gain_is_a_mean_over_clusters_not_over_references() -> None:
    before = [DiceRow("a", "ct.liver", "box", i, 0.5) for i in range(9)]
    before.append(DiceRow("b", "ct.liver", "box", 9, 0.5))
    after = [*before[:9], DiceRow("b", "ct.liver", "box", 9, 0.7)]

    gain = compare_rows(before, after)[-1]

    assert gain.target == "all"
    assert gain.difference == pytest.approx(0.1)
    assert (gain.clusters, gain.references) == (2, 10)


def test_few_clusters_have_no_interval() -> None:
    gain = compare_rows(rows([0.5] * 18, 9), rows([0.6] * 18, 9))[-1]

    assert gain.low is None
    assert "–" in format_gains([gain])


def test_a_clear_gain_has_an_interval_above_zero() -> None:
    before = rows([0.4 + 0.01 * (i % 7) for i in range(24)], 12)
    after = rows([0.8 + 0.01 * (i % 5) for i in range(24)], 12)

    gain = compare_rows(before, after)[-1]

    assert gain.low is not None
    assert gain.high is not None
    assert 0 < gain.low < gain.difference < gain.high


def test_no_change_may_be_one_failure_more_or_less() -> None:
    same = rows([0.52] * 24, 12)

    gain = compare_rows(same, same)[-1]

    loss = 0.52 / 13
    reach = loss * (1 + stats.t.ppf(0.95, 12))
    assert (gain.low, gain.high) == pytest.approx((-reach, reach))


def test_the_interval_is_that_of_a_paired_t_test_where_clusters_vary_much() -> None:
    changes = [0.85 * (i % 2) + 0.001 * i for i in range(20)]
    before = [DiceRow(f"c{i}", "ct.liver", "box", i, 0.02) for i in range(20)]
    after = [DiceRow(f"c{i}", "ct.liver", "box", i, 0.02 + x) for i, x in enumerate(changes)]

    gain = compare_rows(before, after)[-1]

    low, high = stats.ttest_1samp(changes, 0).confidence_interval(0.95)
    assert (gain.low, gain.high) == pytest.approx((low, high), abs=1e-6)


def test_targets_and_prompts_each_have_a_row() -> None:
    gains = compare_rows(rows([0.5] * 24, 12), rows([0.6] * 24, 12))

    assert [(gain.target, gain.prompt) for gain in gains] == [
        ("ct.aorta", "box"),
        ("ct.liver", "box"),
        ("all", "box"),
    ]


def rows_of(*dices: float, clusters: str = "") -> list[DiceRow]:
    names = clusters or "a" * len(dices)
    return [DiceRow(names[i], "ct.liver", "box", i, value) for i, value in enumerate(dices)]


def test_a_cluster_of_many_rows_weighs_as_much_as_one_of_few() -> None:
    assert mean_over_clusters(rows_of(1, 1, 1, 0, clusters="aaab")) == pytest.approx(0.5)


def test_one_row_alone_must_not_fall() -> None:
    assert is_worse(rows_of(0.8), rows_of(0.79))
    assert not is_worse(rows_of(0.8), rows_of(0.8))


def test_a_fall_within_its_standard_error_is_chance() -> None:
    assert not is_worse(rows_of(0.8, 0.6, 0.7), rows_of(0.7, 0.65, 0.72))


def test_the_error_is_that_of_clusters_where_there_are_several() -> None:
    """One image that fell, against many of another patient that rose a little, is chance."""
    before = rows_of(0.9, *[0.8] * 9, clusters="a" + "b" * 9)

    assert not is_worse(before, rows_of(0.4, *[0.81] * 9, clusters="a" + "b" * 9))
    assert is_worse(before, rows_of(0.8, *[0.71] * 9, clusters="a" + "b" * 9))


def test_a_fall_that_all_rows_share_is_harm() -> None:
    assert is_worse(rows_of(0.8, 0.6, 0.7), rows_of(0.7, 0.51, 0.61))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 0.5))
def test_what_rises_everywhere_is_never_harm(dices: list[float], gain: float) -> None:
    assert not is_worse(rows_of(*dices), rows_of(*(dice + gain for dice in dices)))
