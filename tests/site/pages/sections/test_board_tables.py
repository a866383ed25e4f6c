"""What stands apart from a ranking: models trained on the data, and targets with few clusters."""

from __future__ import annotations

from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.board_tables import add_ranking
from cosmos_board.site.pages.sections.writer import PageContext, PageWriter
from tests.site.handmade import make_board, make_full_board, make_row, make_site_data


def test_models_and_targets_that_do_not_count_stand_below() -> None:
    board = make_full_board()
    page = PageWriter(PageContext(make_site_data(board), Words()), "board.md", "Board")

    add_ranking(page, board)

    ranked, trained, thin = page.finish().slots.values()
    assert "DELTA" not in ranked
    assert "ct.spleen" not in ranked
    assert "DELTA" in trained
    assert "50 % of 2 targets" in trained
    assert "clean targets" in trained
    assert "Targets under 10 clusters have no part in them" in trained
    assert "+0.020" in trained
    assert "−0.010 … 0.050" in trained
    assert "0.700" in thin
    assert "scores alone" in thin


def test_a_model_that_saw_every_target_has_no_score_there() -> None:
    board = make_board([make_row("alpha", 0.9, 1), make_row("seen", 0.99, None)])
    page = PageWriter(PageContext(make_site_data(board), Words()), "board.md", "Board")

    add_ranking(page, board)

    html = "".join(page.finish().slots.values())
    assert "SEEN" in html
    assert "0.990" not in html
