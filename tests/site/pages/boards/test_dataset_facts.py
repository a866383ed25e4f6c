"""The page of a dataset says how much of a complete copy the board's pack holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.board.types import Slice
from cosmos_board.core.expected import CountedUnit, ExpectedCount
from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.boards.slices import slice_page
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.queries.cards import read_datasets, write_expected_counts
from tests.boards import PlantedModel, PlantedTarget, planted_board


def count(
    found: int, expected: int, unit: CountedUnit = "cases", part: str = "all"
) -> ExpectedCount:
    return ExpectedCount(
        part=part, modality="", object="", unit=unit,
        expected=expected, source="its publishers", found=found,
    )  # fmt: skip


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("board") / "board.duckdb"
    return planted_board(
        path, [PlantedModel(name="a")], [PlantedTarget(name="ct.liver", dataset="d")]
    )


def render(db: Path, counts: tuple[ExpectedCount, ...], language: str, *, local: bool) -> str:
    with open_board_to_write(db) as connection:
        card = read_datasets(connection)["d"]
        write_expected_counts(connection, replace(card, expected=counts))
    context = PageContext(read_site_data(db, local=local), words_for(language))
    return "".join(slice_page(context, Slice("dataset", "d"), ()).slots.values())


@pytest.mark.parametrize(
    ("counts", "language", "said"),
    [
        ((count(484, 484),), "en", "as expected: 484 of 484 cases"),
        ((count(484, 484), count(484, 484, "pictures")), "en", "as expected: 484 of 484 cases<"),
        ((count(480, 484),), "en", "not what is expected: 480 of 484 cases"),
        ((count(9, 9, part="A"), count(0, 1, part="B")), "en",
         "not what is expected: A: 9 of 9 cases; B: 0 of 1 case"),
        ((count(5, 4, "references"),), "en", "5 reference masks, more than the 4 expected"),
        ((count(480, 484),), "zh", "与预期不符：共 484 例，找到 480"),
    ],
)  # fmt: skip
def test_the_page_says_whether_the_pack_is_complete(
    board: Path, counts: tuple[ExpectedCount, ...], language: str, said: str
) -> None:
    page = render(board, counts, language, local=True)

    assert said in page
    assert "its publishers" in page


def test_the_page_says_nothing_where_nothing_is_expected(board: Path) -> None:
    page = render(board, (), "en", local=True)

    assert "Sub-sampling" in page
    assert "Expected by" not in page


def test_a_published_page_counts_no_patients_of_a_restricted_dataset(board: Path) -> None:
    page = render(board, (count(480, 484),), "en", local=False)

    assert "Sub-sampling" in page
    assert "484" not in page
