"""Scores that no model reaches are held for a person: what a forger changes does not hide them."""

from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.submissions.checks.implausible import find_implausible

AREA_PX = 400


def say(wrong_px: np.ndarray, estimates: np.ndarray | None = None, *, packs: int = 1) -> list[str]:
    """Return what is said of rows that miss so many pixels of a reference of 400."""
    counts = np.stack([AREA_PX - wrong_px, 0 * wrong_px, wrong_px], axis=1)
    estimates = np.full(len(counts), np.nan) if estimates is None else estimates
    parts = zip(np.array_split(counts, packs), np.array_split(estimates, packs), strict=True)
    groups = {f"pack-{number}, box": part for number, part in enumerate(parts)}
    return [str(one) for one in find_implausible(groups, "p")]


def test_a_models_rows_are_believed() -> None:
    wrong = np.random.default_rng(0).integers(5, 300, 40)
    guess = (AREA_PX - wrong) / AREA_PX + np.random.default_rng(1).normal(0, 0.05, 40)
    assert say(wrong, guess) == []


@pytest.mark.parametrize("wrong_px", [1, 2, 4])
def test_references_with_few_pixels_turned_are_held(wrong_px: int) -> None:
    (line,) = say(np.full(40, wrong_px))
    assert "100.00 % of rows have Dice 0.99 or at most 2 wrong pixels; held for review" in line


def test_forgeries_in_one_pack_are_not_thinned_by_the_others() -> None:
    wrong = np.concatenate([np.full(12, 1), np.full(60, 200)])
    (line,) = say(wrong, packs=6)
    assert "of rows of pack-0, box have Dice 0.99" in line


def test_references_themselves_are_held_as_perfect() -> None:
    assert any(
        "are perfect; held for review (limit 20 %)" in line for line in say(np.zeros(40, int))
    )


def test_estimates_that_are_the_true_iou_are_held() -> None:
    """Nobody knows it without the reference."""
    wrong = np.random.default_rng(0).integers(40, 300, 40)
    true = (AREA_PX - wrong) / AREA_PX
    (line,) = say(wrong, true + 0.001)
    assert "100.00 % of rows predict their own IoU; held for review (limit 50 %)" in line
    assert say(wrong, true + 0.02) == []


def test_empty_answers_with_an_estimate_of_nothing_are_believed() -> None:
    assert say(np.full(40, AREA_PX), np.zeros(40)) == []


def test_few_rows_and_none_say_nothing() -> None:
    assert say(np.full(9, 1)) == []
    assert list(find_implausible({}, "p")) == []
