"""The page of fine-tuning says what was gained, what was left out and what the study found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.finetuning import FinetuningStudy, study_finetuning
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.studies.finetuning import finetuning_page
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard

GAIN = 0.05


def show(data: SiteData, study: FinetuningStudy, language: str = "en") -> str:
    """Return the page's own text and HTML."""
    told = replace(data, studies=replace(data.studies, finetuning=study))
    page = finetuning_page(PageContext(told, words_for(language)))
    return page.skeleton + "".join(page.slots.values())


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> FinetuningStudy:
    """One tuned model with a gain, one whose base is not there."""
    board = StudyBoard(seed=7).add_target("ct.liver", clusters=20, per_cluster=1)
    board.add_model("sam").add_model("sam-tuned", base_model="sam", training_data=["north"])
    board.add_model("orphan", base_model="gone", training_data=[])
    board.add_scores("sam", "box", 0.8)
    board.add_scores("sam-tuned", "box", 0.8 + GAIN)
    board.add_scores("orphan", "box", np.linspace(0.5, 0.9, 20))
    board.seen = [("sam-tuned", "north", "c0000")]
    with open_board(board.write(tmp_path_factory.mktemp("tuned") / "b.duckdb")) as connection:
        return study_finetuning(Cube(connection, ["dice"]))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_paper_is_quoted_and_cited_on_every_board(data: SiteData, language: str) -> None:
    text = show(data, FinetuningStudy(rows=(), unusable=()), language)

    assert "4.39" in text
    assert "6.68" in text
    assert 'href="https://arxiv.org/abs/2304.14660"' in text


def test_a_gain_stands_with_its_clusters_beside_what_was_left_out(
    data: SiteData, study: FinetuningStudy
) -> None:
    text = show(data, study)

    assert "sam-tuned" in text
    assert "+0.050" in text
    assert "<li>orphan: its base gone has no scores</li>" in text
    assert "No fine-tuned model" not in text


def test_models_that_cannot_be_measured_are_not_passed_over_in_silence(
    data: SiteData, study: FinetuningStudy
) -> None:
    text = show(data, FinetuningStudy(rows=(), unusable=study.unusable))

    assert "No fine-tuned model of this board can be measured yet." in text
    assert "orphan: its base gone has no scores" in text


def test_reasons_are_told_in_chinese(data: SiteData) -> None:
    reasons = (Message.of("unknown-training-datasets", model="a"),)

    assert "a：没有记录它用哪些数据集训练" in show(
        data, FinetuningStudy(rows=(), unusable=reasons), "zh"
    )


def test_an_empty_board_says_how_to_make_one(data: SiteData) -> None:
    assert "cosmos-board finetune makes one" in show(data, FinetuningStudy(rows=(), unusable=()))
