"""Models against prompts: rows stand as on the leaderboard, and say what a score rests on."""

from __future__ import annotations

from dataclasses import replace

from cosmos_board.board.types import Board, BoardRow
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.figures import add_prompts
from cosmos_board.site.pages.sections.matrix import order_models, prompt_columns
from cosmos_board.site.pages.sections.standing import note_no_rank
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter
from tests.site.handmade import KEY, make_board, make_row, make_site_data, make_thin_board


def with_prompt(board: Board, prompt: str, rows: tuple[BoardRow, ...]) -> Board:
    return replace(board, key=replace(KEY, prompt=prompt), rows=rows)


def test_models_by_prompt_stand_in_the_order_of_the_leaderboard() -> None:
    """Under 10 clusters that is the order of names, whatever they score."""
    thin = make_thin_board()
    alpha, beta = thin.rows
    low = (replace(alpha, score=0.1), replace(beta, score=0.9))
    data = make_site_data(thin, with_prompt(thin, "point", low))
    page = PageWriter(PageContext(data, Words()), "board.md", "Board")

    add_prompts(page, KEY.slice, "")

    html = "".join(page.finish().slots.values())
    assert html.index("alpha") < html.index("beta")


def test_a_model_without_the_main_prompt_stands_behind_the_others() -> None:
    board = make_board([make_row("zeta", 0.9, 1)])
    other = with_prompt(board, "point", (make_row("alpha", 0.95, 1), make_row("zeta", 0.8, 2)))
    data = make_site_data(board, other)

    assert order_models(board, prompt_columns(data, KEY.slice, Words())) == ["zeta", "alpha"]


def test_a_score_on_clean_targets_says_on_how_many() -> None:
    some = make_row("alpha", 0.9, None, trained_on=0.4, clean_targets=1)

    assert note_no_rank(some, Words()) == "on 1 clean target"
    assert note_no_rank(replace(some, clean_targets=0), Words()) == "trained-on"
