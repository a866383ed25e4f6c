"""Pages of volumes show what boards of volumes say, and nothing of restricted datasets."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.site.components.page import Page
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.volumes import read_volumes
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.volumes.targets import volume_pages
from cosmos_board.store.board import open_board
from tests.curation.units import INFO


@pytest.fixture(scope="module")
def data(planted_board: Path) -> SiteData:
    with open_board(planted_board / "db") as connection:
        return SiteData(volumes=read_volumes(connection, closed=()))


def show(data: SiteData, language: str = "en") -> dict[str, str]:
    """Return text and HTML of each page by path."""

    def join(page: Page) -> str:
        return page.skeleton + "".join(page.slots.values())

    return {page.path: join(page) for page in volume_pages(PageContext(data, words_for(language)))}


def test_each_target_has_a_page_with_clicks_prompts_and_what_went_wrong(data: SiteData) -> None:
    pages = show(data)

    assert list(pages) == ["volumes/index.md", "volumes/ct.organ.md"]
    page = pages["volumes/ct.organ.md"]
    for words in ("never-stops · native", "1 box on one slice", "A box on every slice"):
        assert words in page
    assert "Dice in 3-D against clicks" in page
    assert "0.667" in page  # never stops: 2 · 1000 / 3000
    assert "−0.900" in page  # stops at once: a tenth of the volume


def test_pages_speak_chinese(data: SiteData) -> None:
    page = show(data, "zh")["volumes/ct.organ.md"]

    assert "每张切片上一个框" in page
    assert "Overrun" not in page


def test_nothing_of_a_restricted_dataset_is_shown(planted_board: Path) -> None:
    with open_board(planted_board / "db") as connection:
        assert read_volumes(connection, closed={INFO.name}) == ()


def test_a_board_of_images_has_no_pages_of_volumes() -> None:
    assert show(SiteData()) == {}
