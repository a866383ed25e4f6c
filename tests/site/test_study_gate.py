"""Numbers of few restricted patients stay out of studies, boards and cases alike."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.jitter import study_jitter
from cosmos_board.cli.main import group
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import RunSettings, SegmenterSpec
from cosmos_board.site.book import Book, DatasetInfo
from cosmos_board.site.gate import cut_rows
from cosmos_board.site.read import read_book
from cosmos_board.site.read_studies import read_studies
from cosmos_board.site.study_gate import StudyGate
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.ingest import ingest
from tests.study_boards import StudyBoard

FREE = ("redistribute_images", "redistribute_masks", "publish_row_ids")


def told(folder: Path, book: Book, *, clusters: int, permissions: tuple[str, ...]) -> set[str]:
    """Return of which targets the jitter study of a small board may be told."""
    board = StudyBoard(seed=2).add_target("ct.liver", clusters=clusters)
    board.add_target("mr.liver", clusters=12, dataset="south")
    board.add_model("sam")
    for level in (0, 1):
        board.add_scores("sam", "box", 0.8, study="jitter", level=level, mode="all")
    board.add_scores("sam", "box", 0.8)
    any_info = next(iter(book.datasets.values()))
    known = {
        "north": replace(any_info, name="north", permissions=permissions),
        "south": replace(any_info, name="south", permissions=FREE),
    }
    with open_board(board.write(folder / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        rows = study_jitter(cube)
        assert {row.target for row in rows} >= {"ct.liver", "mr.liver"}
        return {row.target for row in StudyGate(cube, known).keep(rows)}


@pytest.mark.parametrize(
    ("clusters", "permissions", "shown"),
    [(4, (), False), (4, FREE, True), (12, (), True)],
    ids=["few and restricted", "few and free", "enough"],
)
def test_a_target_of_few_restricted_patients_is_not_told(
    clusters: int, permissions: tuple[str, ...], shown: bool, tmp_path: Path, book: Book
) -> None:
    targets = told(tmp_path, book, clusters=clusters, permissions=permissions)

    assert ("ct.liver" in targets) == shown
    assert "mr.liver" in targets


def test_a_study_is_held_to_the_terms_of_the_datasets_that_it_ran_on(
    tmp_path: Path, book: Book
) -> None:
    board = StudyBoard(seed=2).add_target("ct.liver", clusters=4)
    board.add_target("mr.liver", clusters=12, dataset="south").add_model("sam")
    board.add_scores("sam", "box", 0.8)
    board.add_scores(
        "sam", "box", 0.7, study="jitter", level=0, mode="all",
        rows=lambda references: references["dataset"] == "north",
    )  # fmt: skip
    any_info = next(iter(book.datasets.values()))
    known = {
        "north": replace(any_info, name="north", permissions=FREE),
        "south": replace(any_info, name="south", permissions=()),
    }
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        kept = StudyGate(cube, known).keep(study_jitter(cube), "jitter")

    assert {row.target for row in kept} == {"", "ct.liver"}


def test_a_study_whose_overall_rows_are_withheld_is_not_said_to_be_missing(
    tmp_path: Path, book: Book
) -> None:
    board = StudyBoard(seed=2).add_target("ct.liver", clusters=4)
    board.add_target("mr.liver", clusters=5, dataset="south").add_model("sam")
    board.add_scores("sam", "box", 0.8)
    board.add_scores("sam", "box", 0.7, study="jitter", level=0, mode="all")
    any_info = next(iter(book.datasets.values()))
    known = {
        "north": replace(any_info, name="north", permissions=()),
        "south": replace(any_info, name="south", permissions=FREE),
    }
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        studies = read_studies(cube, build_boards(connection, ("dice",)), (), known)

    assert {row.target for row in studies.jitter} == {"mr.liver"}
    assert "jitter" in studies.withheld


def test_a_study_of_synthetic_images_beside_real_ones_is_not_said_to_be_missing(
    tmp_path: Path, book: Book
) -> None:
    board = StudyBoard(seed=2).add_target("ct.liver").add_target("mr.liver", dataset="south")
    board.add_model("sam").add_scores("sam", "box", 0.8)
    board.add_scores(
        "sam", "box", 0.7, study="jitter", level=0, mode="all",
        rows=lambda references: references["dataset"] == "south",
    )  # fmt: skip
    db = board.write(tmp_path / "b.duckdb")
    with open_board_to_write(db) as connection:
        connection.execute("UPDATE datasets SET synthetic = (dataset = 'south')")
    with open_board(db) as connection:
        cube = Cube(connection, ["dice"])
        studies = read_studies(cube, build_boards(connection, ("dice",)), (), {})
    said = CliRunner().invoke(group, ["analyse", "jitter", "--db", str(db)])

    assert studies.jitter == ()
    assert studies.uncounted == {"jitter"}
    assert "was run, but not on images that count" in said.stderr


def test_a_model_that_saw_few_patients_has_no_row_of_a_restricted_board(book: Book) -> None:
    board = next(board for board in book.boards.values() if board.facts.clusters >= 10)
    few = replace(board, rows=(replace(board.rows[0], clusters=1), *board.rows[1:]))
    closed: dict[str, DatasetInfo] = {
        name: replace(info, permissions=()) for name, info in book.datasets.items()
    }

    assert cut_rows(few, closed).rows == board.rows[1:]
    assert cut_rows(few, book.datasets).rows == few.rows


@pytest.fixture(scope="module")
def own_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of somebody's own phantoms, whose masks of a model were kept."""
    root = tmp_path_factory.mktemp("own")
    pack = root / "packs" / "own-phantoms"
    build_phantom_pack(pack, 10, side=96, name=pack.name, workers=1)
    request = RunRequest(
        packs=(pack,),
        specs=(SegmenterSpec(name="box-prior"),),
        out=root / "run",
        settings=RunSettings(save_masks=True, prompts=("box",)),
    )
    ingest([run(request).out], root / "board.duckdb")
    return root


@pytest.mark.parametrize(
    ("lacking", "cases", "pictures", "models"),
    [
        ("", True, True, True),
        ("publish_predictions", True, True, False),
        ("show_thumbnails", True, False, True),
        ("publish_row_ids", False, False, False),
    ],
)
def test_what_an_owner_takes_back_is_no_longer_drawn(
    lacking: str, cases: bool, pictures: bool, models: bool, own_board: Path, tmp_path: Path
) -> None:
    root = tmp_path / "board"
    shutil.copytree(own_board, root)
    facts = root / "packs" / "own-phantoms" / "pack.json"
    document = json.loads(facts.read_text())
    document["permissions"] = [flag for flag in document["permissions"] if flag != lacking]
    facts.write_text(json.dumps(document))

    found = read_book(root / "board.duckdb").cases

    assert bool(found) == cases
    assert any(case.picture for case in found) == pictures
    assert any(case.models for case in found) == models


def test_the_database_must_permit_it_too(own_board: Path, tmp_path: Path) -> None:
    root = tmp_path / "board"
    shutil.copytree(own_board, root)
    with open_board_to_write(root / "board.duckdb") as connection:
        connection.execute("UPDATE datasets SET permissions = []")

    assert read_book(root / "board.duckdb").cases == ()
