"""What each level allows, and that none lets through what it should not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.scores import Counts, ScoreRow, Scores
from cosmos_board.runner.engine.canary import is_wanted
from cosmos_board.runner.evaluation.tolerance import LEVELS, compare_rows


def make_rows(number: int, size: int = 10_000) -> list[ScoreRow]:
    """Return rows of as many references, of `size` pixels each."""
    scores = Scores(Counts(size - 10, 10, 10), 1.0, 1.0, 0.1, 1.0, 0.9)
    return [
        ScoreRow(
            reference_id=f"{k}", prompt="box", selection="oracle", scores=scores, predicted_iou=None
        )
        for k in range(number)
    ]


def shift(rows: list[ScoreRow], px: int, number: int) -> list[ScoreRow]:
    """Return rows of which the first `number` lost `px` pixels."""
    changed = []
    for place, row in enumerate(rows):
        counts = row.scores.counts
        if place < number:
            counts = Counts(counts.tp - px, counts.fp, counts.fn + px)
        changed.append(replace(row, scores=replace(row.scores, counts=counts)))
    return changed


@pytest.mark.parametrize(
    ("px", "number", "kept"),
    [
        pytest.param(0, 0, {"L0", "L1", "L2", "L3"}, id="equal"),
        pytest.param(1, 1, {"L2", "L3"}, id="one pixel of one row in a thousand"),
        pytest.param(40, 1, {"L3"}, id="more than a thousandth of one row"),
        pytest.param(1, 2, {"L3"}, id="two rows in a thousand"),
        pytest.param(4, 1000, {"L3"}, id="a little of every row"),
        pytest.param(20, 1000, set(), id="a thousandth of every row"),
        pytest.param(3000, 12, set(), id="the hundredth part far off"),
    ],
)
def test_levels_allow_what_they_say(px: int, number: int, kept: set[str]) -> None:
    rows = make_rows(1000)
    difference = compare_rows(rows, reversed(shift(rows, px, number)))

    assert {name for name, level in LEVELS.items() if difference.keeps(level)} == kept


def test_one_pixel_of_a_tiny_mask_is_no_failure_of_level_two() -> None:
    rows = [*make_rows(999), replace(make_rows(1, size=50)[0], reference_id="tiny")]
    changed = shift(rows[::-1], 1, 1)

    assert compare_rows(rows, changed).keeps(replace(LEVELS["L2"], mean=1e-4))


def test_evaluations_of_other_references_are_not_compared() -> None:
    with pytest.raises(InputError, match="is in one evaluation only"):
        compare_rows(make_rows(3), make_rows(2))


def test_a_canary_is_looked_at_on_accelerators() -> None:
    assert [is_wanted(device) for device in ("cpu", "cpu+bf16", "cuda:1", "mps")] == [
        False, False, True, True,
    ]  # fmt: skip
