"""Files of an earlier program are read: what they lack is not known, and nothing else changes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.units import group_metrics
from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.records import dump_record
from cosmos_board.store.schema import SCHEMA_VERSION, SCORES
from tests.boards import PlantedModel, PlantedTarget, planted_board

METRICS = ["dice", "nsd", "nsd_rel"]


@pytest.fixture(scope="module")
def finished(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two models."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    specs = (SegmenterSpec(name="box-prior"), SegmenterSpec(name="grabcut"))
    settings = RunSettings(prompts=("box",))
    run(RunRequest(packs=(phantom_pack,), specs=specs, out=out, settings=settings))
    return out


def make_older(folder: Path, to: Path, *, version: str = "1", model: str = "") -> Path:
    """Copy a run as a program before `nsd_rel` wrote it, or one model's shards alone."""
    shutil.copytree(folder, to)
    entries = json.loads((to / "run.json").read_bytes())["entries"]
    for path in (to / "scores").glob("*.parquet"):
        if not entries[path.stem.rpartition("-")[0]]["model"]["name"].startswith(model):
            continue
        table = pq.read_table(path).drop_columns(["nsd_rel"])
        pq.write_table(table.replace_schema_metadata({"schema_version": version}), path)
        sidecar = path.with_suffix(".json")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sidecar.write_bytes(dump_record({**json.loads(sidecar.read_bytes()), "sha256": digest}))
    return to


def count_values(db: Path) -> list[tuple[str, int, int, int]]:
    with open_board(db) as connection:
        return connection.execute(
            "SELECT model, count(*), count(nsd), count(nsd_rel) FROM scores GROUP BY 1 ORDER BY 1"
        ).fetchall()


def test_a_run_of_an_earlier_program_is_added_without_the_metric(
    finished: Path, tmp_path: Path
) -> None:
    ingest([make_older(finished, tmp_path / "run")], tmp_path / "board.duckdb")
    ingest([finished], tmp_path / "whole.duckdb")

    old, whole = (count_values(tmp_path / name) for name in ("board.duckdb", "whole.duckdb"))
    assert [row[3] for row in old] == [0, 0]
    assert [row[:3] for row in old] == [row[:3] for row in whole]
    assert all(row[3] == row[2] == row[1] for row in whole)


def test_one_run_may_have_shards_of_two_programs(finished: Path, tmp_path: Path) -> None:
    folder = make_older(finished, tmp_path / "run")
    for path in sorted((finished / "scores").glob("*"))[:2]:  # one shard and its sidecar
        shutil.copy(path, folder / "scores")

    ingest([folder], tmp_path / "board.duckdb")

    partly = [model for model, rows, _, known in count_values(tmp_path / "board.duckdb")
              if 0 < known < rows]  # fmt: skip
    assert len(partly) == 1
    with open_board(tmp_path / "board.duckdb") as connection:
        cube = Cube(connection, METRICS)
        scores = [cube.load("full", "box", selection) for selection in ("oracle", "predicted")]
    assert group_metrics(scores, METRICS) == {("box-prior", "grabcut"): ["dice", "nsd"]}


def test_a_model_without_the_metric_has_no_place_on_its_boards(
    finished: Path, tmp_path: Path
) -> None:
    folder = make_older(finished, tmp_path / "run", model="grabcut")
    ingest([folder], tmp_path / "board.duckdb")

    with open_board(tmp_path / "board.duckdb") as connection:
        scores = Cube(connection, METRICS).load("full", "box", "predicted")
    assert group_metrics([scores], METRICS) == {
        ("box-prior", "grabcut"): ["dice", "nsd"],
        ("box-prior",): ["nsd_rel"],
    }


def test_a_column_that_belongs_to_the_version_of_a_file_must_be_there(
    finished: Path, tmp_path: Path
) -> None:
    folder = make_older(finished, tmp_path / "run", version=str(SCHEMA_VERSION))

    with pytest.raises(InputError, match="nsd_rel: this column is missing"):
        ingest([folder], tmp_path / "board.duckdb")


def test_rows_of_an_earlier_file_are_read_with_null(finished: Path, tmp_path: Path) -> None:
    folder = make_older(finished, tmp_path / "run")
    name = min(path.name for path in (folder / "scores").glob("*.parquet"))

    old = list(iter_rows(folder / "scores" / name, SCORES))
    new = list(iter_rows(finished / "scores" / name, SCORES))

    assert [list(row) for row in old] == [SCORES.names] * len(new)
    assert old == [{**row, "nsd_rel": None} for row in new]
    chosen = list(iter_rows(folder / "scores" / name, SCORES, ["tp", "nsd_rel"]))
    assert chosen == [{"tp": row["tp"], "nsd_rel": None} for row in new]


@pytest.fixture
def older_board(tmp_path: Path) -> Path:
    """A board database as a program before `nsd_rel` left it."""
    targets = [PlantedTarget(name="ct.liver", dataset="d")]
    path = planted_board(tmp_path / "old.duckdb", [PlantedModel(name="a")], targets)
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE scores DROP COLUMN nsd_rel")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    return path


def test_a_database_of_an_earlier_program_is_read_without_the_metric(older_board: Path) -> None:
    with open_board(older_board) as connection:
        scores = Cube(connection, METRICS).load("full", "box", "predicted")

    assert group_metrics([scores], METRICS) == {("a",): ["dice", "nsd"]}


def test_a_database_of_an_earlier_program_takes_new_runs(finished: Path, older_board: Path) -> None:
    ingest([finished], older_board)

    assert [(model, known > 0) for model, _, _, known in count_values(older_board)] == [
        ("a", False), ("box-prior", True), ("grabcut", True),
    ]  # fmt: skip
    with open_board(older_board) as connection:
        version = connection.execute("SELECT value FROM meta").fetchall()
    assert version == [(str(SCHEMA_VERSION),)]
