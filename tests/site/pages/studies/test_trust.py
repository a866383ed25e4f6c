"""The page of own scores says who gives none, how far the others can be believed, and draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.trust import TrustRow, study_trust
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.studies import Studies
from cosmos_board.site.language.numbers import number, span
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.studies.trust import trust_page
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=25, per_cluster=4)
    count = len(board.references)
    dice = board.rng.uniform(0.2, 1, count)
    score = np.clip(dice + board.rng.normal(0, 0.15, count), 0, 1)
    board.add_model("sam").add_scores("sam", "box", dice, estimate=score)
    board.add_model("cut").add_scores("cut", "box", dice, estimate=1.0)
    return board.write(tmp_path_factory.mktemp("trust") / "b.duckdb")


def study(path: Path, closed: tuple[str, ...] = ()) -> tuple[TrustRow, ...]:
    with open_board(path) as connection:
        return study_trust(Cube(connection, ["dice"]), closed=closed)


def show(rows: tuple[TrustRow, ...], language: str = "en") -> str:
    data = SiteData(studies=Studies(trust=rows, trusted=("sam", "cut")))
    page = trust_page(PageContext(data, words_for(language)))
    return page.skeleton + "".join(page.slots.values())


@pytest.mark.parametrize(("language", "said"), [("en", "gives none"), ("zh", "不给出评分")])
def test_a_model_without_a_score_is_said_to_give_none(
    database: Path, language: str, said: str
) -> None:
    assert f">{said}<" in show(study(database), language)


def test_every_value_stands_with_its_interval(database: Path) -> None:
    rows = study(database)
    auroc = next(row.auroc for row in rows if row.model == "sam")

    assert auroc is not None
    text = show(rows)
    assert number(auroc.value) in text
    assert span(auroc.low, auroc.high) in text


def test_curves_are_drawn_but_of_datasets_whose_parts_may_be_few_patients(database: Path) -> None:
    assert "Below the dashed line" in show(study(database))
    assert "Below the dashed line" not in show(study(database, closed=("north",)))


def test_without_scores_the_page_says_what_is_missing() -> None:
    assert "No mask has been scored with a point or a box yet." in show(())
