"""The map of pairs shows one verdict, and what an open one could have shown."""

from __future__ import annotations

import pytest

from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.pairs import find_pair, pair_map
from cosmos_board.site.pages.sections.standing import find_rivals
from tests.site.handmade import KEY, make_board, make_family, make_row, make_site_data

MODELS = ("beta", "alpha", "gamma")
"""Not in the order of the board."""


@pytest.mark.parametrize(
    ("gap", "half", "loss", "mark", "turned"),
    [
        (0.10, 0.02, 0.01, "▲ +0.100", "▼ −0.100"),
        (0.001, 0.005, 0.0, "= +0.001", "= −0.001"),
        (0.02, 0.05, 0.0, "? +0.020", "? −0.020"),
        (0.10, 0.02, 0.095, "?* +0.100", "?* −0.100"),
    ],
    ids=["better", "equivalent", "open", "held back by one failure"],
)
def test_every_pair_has_its_verdict_from_both_sides(
    gap: float, half: float, loss: float, mark: str, turned: str
) -> None:
    family = make_family((0.9 - gap, 0.9, 0.2), (half, half, half), (loss, loss, loss))
    rows = (make_row("alpha", 0.9, 1), make_row("beta", 0.9 - gap, 2), make_row("gamma", 0.2, 3))
    board = make_board(rows)
    data = make_site_data(board, families={KEY: (MODELS, family)})

    table = pair_map(data, board, Words())

    assert table is not None
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells[0][:3] == ["1. ALPHA", "·", mark]
    assert cells[1][:3] == ["2. BETA", turned, "·"]
    title = table.rows[0].cells[2].title
    assert ("one more failure would undo" in title) == mark.startswith("?*")
    assert (f"{0.01 + 1.4 * half:.3f}" in title) == mark.startswith("? ")


@pytest.mark.parametrize(
    ("gap", "half", "loss", "mark"),
    [
        pytest.param(0.10, 0.02, 0.05, "▲", id="better, although the interval reaches 0"),
        pytest.param(0.001, 0.005, 0.03, "=", id="equivalent, although it reaches beyond 0.01"),
        pytest.param(0.10, 0.02, 0.01, "▲", id="better"),
        pytest.param(0.001, 0.005, 0.0, "=", id="equivalent"),
    ],
)
def test_a_verdict_says_why_its_interval_reaches_further(
    gap: float, half: float, loss: float, mark: str
) -> None:
    family = make_family((0.9 - gap, 0.9), (half,), (loss, loss))
    rows = (make_row("alpha", 0.9, 1), make_row("beta", 0.9 - gap, 2))
    data = make_site_data(make_board(rows), families={KEY: (MODELS[:2], family)})

    table = pair_map(data, make_board(rows), Words())
    assert table is not None
    cell = table.rows[0].cells[2]
    reason = "the interval also allows for one more failed patient"
    assert cell.text.startswith(mark)
    assert (reason in cell.title) == (loss > 0.02)


def test_a_model_that_is_not_ranked_has_no_pair() -> None:
    family = make_family((0.9, 0.8, 0.2), (0.01, 0.01, 0.01), (0.0, 0.0, 0.0))
    table = make_site_data(families={KEY: (MODELS, family)}).pairs[KEY]

    assert find_pair(table, "alpha", "alpha") is None
    assert find_pair(table, "alpha", "delta") is None


@pytest.mark.parametrize(
    ("letters", "rivals"),
    [
        (("a", "b", "c"), []),
        (("ab", "b", "a"), ["beta", "gamma"]),
        (("a2", "a", "ba2"), ["gamma"]),
        (("", "", ""), []),
    ],
    ids=["all separated", "overlapping", "more than 26 sets", "no letters"],
)
def test_models_that_share_a_letter_with_the_first_are_not_separated_from_it(
    letters: tuple[str, str, str], rivals: list[str]
) -> None:
    names = ("alpha", "beta", "gamma")
    rows = [
        make_row(name, 0.9, place, letters=own)
        for place, (name, own) in enumerate(zip(names, letters, strict=True), 1)
    ]

    assert [row.model for row in find_rivals(make_board(rows))] == rivals
