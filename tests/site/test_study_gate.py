"""Numbers of few restricted patients stay out of studies, boards and cases alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from cosmos_board.core.run_record import RunSettings
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.site.content.read import read_site_data
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.ingest import ingest
from tests.study_boards import StudyBoard

FREE = ("redistribute_images", "redistribute_masks", "publish_row_ids")


def told(folder: Path, *, clusters: int, permissions: tuple[str, ...]) -> set[str]:
    """Return of which targets the jitter study of a small board is told."""
    board = StudyBoard(seed=2).add_target("ct.liver", clusters=clusters)
    board.add_target("mr-t1.liver", clusters=12, dataset="south")
    board.add_model("sam")
    for level in (0, 1):
        board.add_scores("sam", "box", 0.8, study="jitter", level=level, mode="all")
    board.add_scores("sam", "box", 0.8)
    path = board.write(folder / "b.duckdb")
    with open_board_to_write(path) as connection:
        connection.execute("UPDATE datasets SET permissions = ?", [list(FREE)])
        connection.execute(
            "UPDATE datasets SET permissions = ? WHERE dataset = 'north'", [list(permissions)]
        )
    return {row.target for row in read_site_data(path).studies.jitter}


@pytest.mark.parametrize(
    ("clusters", "permissions", "shown"),
    [(4, (), False), (4, FREE, False), (12, (), True)],
    ids=["few and restricted", "few and free, which stands apart", "enough"],
)
def test_a_target_of_few_restricted_patients_is_not_told(
    clusters: int, permissions: tuple[str, ...], shown: bool, tmp_path: Path
) -> None:
    targets = told(tmp_path, clusters=clusters, permissions=permissions)

    assert ("ct.liver" in targets) == shown
    assert "mr-t1.liver" in targets


def test_a_study_of_synthetic_images_beside_real_ones_is_not_said_to_be_missing(
    tmp_path: Path,
) -> None:
    board = StudyBoard(seed=2).add_target("ct.liver").add_target("mr.liver", dataset="south")
    board.add_model("sam").add_scores("sam", "box", 0.8)
    board.add_scores(
        "sam", "box", 0.7, study="jitter", level=0, mode="all",
        rows=lambda references: references["dataset"] == "south",
    )  # fmt: skip
    db = board.write(tmp_path / "b.duckdb")
    with open_board_to_write(db) as connection:
        connection.execute("UPDATE datasets SET permissions = ?", [list(FREE)])
        connection.execute("UPDATE datasets SET synthetic = (dataset = 'south')")
    studies = read_site_data(db).studies
    said = CliRunner().invoke(group, ["analyse", "jitter", "--db", str(db)])

    assert studies.jitter == ()
    assert studies.uncounted == {"jitter"}
    assert "was run, but not on images that count" in said.stderr


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

    found = read_site_data(root / "board.duckdb").cases

    assert bool(found) == cases
    assert any(case.picture for case in found) == pictures
    assert any(case.models for case in found) == models


def test_the_database_must_permit_it_too(own_board: Path, tmp_path: Path) -> None:
    root = tmp_path / "board"
    shutil.copytree(own_board, root)
    with open_board_to_write(root / "board.duckdb") as connection:
        connection.execute("UPDATE datasets SET permissions = []")

    assert read_site_data(root / "board.duckdb").cases == ()
