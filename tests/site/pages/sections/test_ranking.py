"""A leaderboard as it stands on a page, compared with a committed file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.board.types import FailedAnswers
from cosmos_board.site.components.table_output import render_table, table_rows
from cosmos_board.site.language.words import Words, words_for
from cosmos_board.site.pages.sections.ranking import ranking_table
from tests.site.handmade import (
    make_board,
    make_full_board,
    make_row,
    make_site_data,
    make_thin_board,
)

GOLDEN = Path(__file__).parent / "golden"


def test_a_leaderboard_is_the_committed_one() -> None:
    """On purpose changed? Write what this renders into the file and look at the difference."""
    board = make_full_board()

    for language in ("en", "zh"):
        words = words_for(language)
        html = render_table(ranking_table(make_site_data(board), board, words), "../../", words)
        assert html + "\n" == (GOLDEN / f"leaderboard.{language}.html").read_text("utf-8")


def test_a_board_without_ten_clusters_has_scores_alone() -> None:
    board = make_thin_board()

    table = ranking_table(make_site_data(board), board, Words())

    keys = {column.key for column in table.columns}
    assert "Too few clusters to rank" in table.caption
    assert not keys & {"rank", "interval", "elsewhere", "letters", "failure", "empty", "leads"}
    assert all(cell.heat is None for row in table.rows for cell in row.cells)
    assert [row.cells[0].text for row in table.rows] == ["ALPHA", "BETA", "Epsilon <b>"]


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (("patient",), "for new patients of these datasets"),
        (("image", "volume"), "for new images, new volumes of these datasets"),
    ],
)
def test_a_caption_names_what_its_intervals_speak_of(units: tuple[str, ...], said: str) -> None:
    board = make_board([make_row("alpha", 0.9, 1)], cluster_units=units)

    assert said in ranking_table(make_site_data(board), board, Words()).caption


def test_an_incomplete_model_says_how_many_of_its_answers_failed() -> None:
    failing = make_row(
        "alpha", 0.9, None, status="incomplete", failing=FailedAnswers(37, 1200), clean_targets=None
    )
    partial = make_row(
        "beta", 0.9, None,
        status="incomplete", unanswered=FailedAnswers(5, 10),
        unanswered_datasets=("one", "two"), clean_targets=None,
    )  # fmt: skip
    board = make_board([failing, partial])

    table = ranking_table(make_site_data(board), board, Words())

    assert "unanswered" not in table.records[0]
    place = [column.key for column in table.columns].index("model")
    notes = [row.cells[place].note for row in table.rows]
    assert notes == [
        "incomplete: 37 of 1200 answers on this slice failed",
        "incomplete: 5 of the 10 references of this slice have no answer (none on one, two)",
        "unsupported",
    ]


def test_a_download_holds_every_number_with_its_interval() -> None:
    board = make_full_board()

    names, rows = table_rows(ranking_table(make_site_data(board), board, Words()))

    first = dict(zip(names, rows[0], strict=True))
    assert (first["failure"], first["failure_low"], first["failure_high"]) == (1 / 30, 0.001, 0.172)
    assert (first["rank"], first["rank_low"], first["rank_high"]) == (1, 1, 2)
    assert first["behind"] is None
    assert all(isinstance(value, str | int | float | None) for row in rows for value in row)
