"""The pages of the findings name every part, what is missing and what could have been shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.findings import Finding, find_findings
from cosmos_board.site.components.page import Page
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.studies import Studies
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.studies.findings import finding_page, findings_index
from cosmos_board.store.board import open_board
from tests.finding_worlds import WORLDS, plant
from tests.study_boards import StudyBoard


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    """Findings of a world without effects."""
    return find(plant(WORLDS["no effect"]), tmp_path_factory.mktemp("findings"))


def find(board: StudyBoard, folder: Path) -> tuple[Finding, ...]:
    with open_board(board.write(folder / "b.duckdb")) as connection:
        return find_findings(Cube(connection, ["dice"]))


def text_of(page: Page) -> str:
    return page.skeleton + "".join(page.slots.values())


def context_of(findings: tuple[Finding, ...], language: str = "en") -> PageContext:
    return PageContext(SiteData(studies=Studies(findings=findings)), words_for(language))


@pytest.mark.parametrize(
    ("language", "shown", "tests"),
    [("en", "could have shown +0.", "30 tests"), ("zh", "本可显示 +0.", "30 项检验")],
)
def test_the_overview_says_what_could_have_been_shown_and_how_many_tests_there_are(
    undecided: tuple[Finding, ...], language: str, shown: str, tests: str
) -> None:
    text = text_of(findings_index(context_of(undecided, language)))

    assert text.count(shown) >= 8
    assert tests in text


def test_a_page_names_every_part_under_both_selections(undecided: tuple[Finding, ...]) -> None:
    text = text_of(finding_page(context_of(undecided), undecided[2]))

    for part in ("point − everything", "box − point", "box − points-5", "box − points-5-5"):
        assert text.count(f">{part}<") == 2


def test_what_is_missing_is_named_and_no_verdict_is_given(tmp_path: Path) -> None:
    findings = find(StudyBoard().add_target("ct.liver"), tmp_path)

    text = text_of(findings_index(context_of(findings)))
    assert text.count("not enough data") >= 8
    assert "missing: an annotation log" in text
    assert "holds</" not in text
