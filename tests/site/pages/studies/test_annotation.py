"""The page of the annotation study says for whom a gain holds, and what could have been shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.board.studies.annotation import AnnotationStudy, study_annotation
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.content.studies import Studies
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.writer import PageContext
from cosmos_board.site.pages.studies.annotation import annotation_page
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


def study(folder: Path, readers: int, *, clusters: int = 20) -> AnnotationStudy:
    """Readers who save 10, 30, 50 … seconds and draw no better."""
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=clusters, per_cluster=1)
    everyone = board.references["reference_id"].tolist()
    for reader in range(readers):
        for arm, seconds in (("unaided", 200.0), ("assisted", 190.0 - 20 * reader)):
            board.add_reading(f"r{reader}", arm, 0.9, seconds, references=everyone)
    with open_board(board.write(folder / "b.duckdb")) as connection:
        return study_annotation(connection)


def show(found: AnnotationStudy, language: str = "en") -> str:
    data = SiteData(studies=Studies(annotation=found))
    page = annotation_page(PageContext(data, words_for(language)))
    return page.skeleton + "".join(page.slots.values())


@pytest.mark.parametrize(
    ("readers", "language", "said"),
    [
        pytest.param(3, "en", "other readers and clusters", id="three"),
        pytest.param(3, "zh", "其他读者与其他独立单元", id="three, in Chinese"),
        pytest.param(2, "en", "these readers, other clusters", id="two"),
        pytest.param(2, "zh", "这些读者、其他独立单元", id="two, in Chinese"),
    ],
)
def test_a_gain_says_for_which_readers_it_holds(
    tmp_path: Path, readers: int, language: str, said: str
) -> None:
    text = show(study(tmp_path, readers), language)

    assert f">{said}<" in text


def test_two_readers_never_speak_for_others(tmp_path: Path) -> None:
    assert ">other readers and clusters<" not in show(study(tmp_path, 2))


def test_a_gain_that_is_not_shown_names_the_least_that_could_have_been(tmp_path: Path) -> None:
    """Three readers who save 10, 30 and 50 s: the interval of the mean, 30 s, holds 0."""
    found = study(tmp_path, 3)
    gain = next(row.gain for row in found.rows if (row.reader, row.measure) == ("", "seconds"))

    assert gain.detectable is not None
    assert not gain.is_shown
    assert f">{gain.detectable:.3f}<" in show(found)


def test_under_ten_clusters_no_interval_is_for_anybody(tmp_path: Path) -> None:
    text = show(study(tmp_path, 3, clusters=9))

    assert ">other readers and clusters<" not in text
    assert ">these readers, other clusters<" not in text
    assert "no CI" in text
