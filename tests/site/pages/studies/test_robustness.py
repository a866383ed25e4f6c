"""Pages of jitter and clicks: what is not shown names what could have been."""

from __future__ import annotations

import re
from pathlib import Path

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.clicks import study_clicks
from cosmos_board.board.studies.jitter import study_jitter
from cosmos_board.site.components.page import Page
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.studies import Studies
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.studies.robustness import clicks_page, jitter_page
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


def studies(folder: Path, *, clusters: int) -> Studies:
    """A model that loses 0 or 0.3 to jitter, and a method that catches up with it."""
    board = StudyBoard(seed=1).add_targets(2, clusters=clusters)
    board.add_model("sam").add_model("grabcut", kind="classical")
    for name, first, slope in (("sam", 0.7, 0.01), ("grabcut", 0.5, 0.05)):
        board.add_scores(name, "point", 0.7)
        for click in range(1, 11):
            board.add_scores(name, "point", first + slope * click, study="clicks", click=click)
    for level, lost in ((0, 0.0), (20, 0.3)):
        for trial in range(3):
            dice = 0.7 - lost + 0.1 * board.rng.uniform(-1, 1, len(board.references))
            board.add_scores(
                "sam", "point", dice, study="jitter", level=level, mode="first", trial=trial
            )
    with open_board(board.write(folder / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        return Studies(jitter=study_jitter(cube), clicks=study_clicks(cube))


def show(page: Page) -> str:
    return page.skeleton + "".join(page.slots.values())


def context(found: Studies, language: str = "en") -> PageContext:
    return PageContext(SiteData(studies=found), words_for(language))


def test_a_change_that_is_not_shown_names_the_least_that_could_have_been(tmp_path: Path) -> None:
    found = studies(tmp_path, clusters=20)
    drops = {
        row.level: row.drop for row in found.jitter if not row.target and row.selection == "oracle"
    }
    said = show(jitter_page(context(found)))

    assert (drops[0].is_shown, drops[20].is_shown) == (False, True)
    least = f">{drops[0].detectable:.3f}<"
    told = {level: [line for line in said.splitlines() if f"{level}–{level + 10} px<" in line]
            for level in (0, 20)}  # fmt: skip
    assert any(least in line for line in told[0])
    assert told[20]
    assert not any(least in line for line in told[20])


def test_shares_and_clicks_stand_with_their_intervals(tmp_path: Path) -> None:
    said = show(clicks_page(context(studies(tmp_path, clusters=20))))

    assert re.search(r"0 %.{0,80}0 %–1\d(\.\d)? %", said, re.DOTALL), "never, with its interval"
    assert ">yes<" in said


def test_thin_data_say_neither_who_is_ahead_nor_that_nothing_fails(tmp_path: Path) -> None:
    found = studies(tmp_path, clusters=9)

    for page in (jitter_page(context(found)), clicks_page(context(found))):
        said = re.sub(r"<[^>]*>", " ", show(page))
        assert not re.search(r"\b(ahead at|leads|best|better than)\b", said)
        assert not re.search(r"\b0 ?%", said)


def test_pages_are_whole_in_chinese(tmp_path: Path) -> None:
    found = studies(tmp_path, clusters=20)

    assert "本可显示" in show(jitter_page(context(found, "zh")))
    assert "交互式方法首次" in show(clicks_page(context(found, "zh")))
