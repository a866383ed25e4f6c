from __future__ import annotations

import pytest

from cosmos_board.training.finetune.gain import DiceRow, compare_rows, format_gains


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
    before = rows([0.5 + 0.01 * (i % 7) for i in range(24)], 12)
    after = rows([0.6 + 0.01 * (i % 5) for i in range(24)], 12)

    gain = compare_rows(before, after)[-1]

    assert gain.low is not None
    assert gain.high is not None
    assert 0 < gain.low < gain.difference < gain.high


def test_no_change_has_the_interval_zero() -> None:
    same = rows([0.5 + 0.01 * (i % 7) for i in range(24)], 12)

    gain = compare_rows(same, same)[-1]

    assert (gain.low, gain.high) == (0, 0)


def test_targets_and_prompts_each_have_a_row() -> None:
    gains = compare_rows(rows([0.5] * 24, 12), rows([0.6] * 24, 12))

    assert [(gain.target, gain.prompt) for gain in gains] == [
        ("ct.aorta", "box"),
        ("ct.liver", "box"),
        ("all", "box"),
    ]
