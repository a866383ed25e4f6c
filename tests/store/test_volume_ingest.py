"""Runs of the volume study go into a database as others do: each shard once, and out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.store.ingest import ingest
from cosmos_board.store.removal import list_runs, remove_runs
from tests.runner.volumes.blocks import build_blocks, evaluate

TABLES = ("volumes", "volume_references", "volume_scores", "shards", "models", "runs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blocks")
    evaluate(build_blocks(folder / "pack", 3), folder / "run", "Planted", "BrightInBox")
    return folder / "run"


def count(db: Path) -> list[int]:
    with duckdb.connect(str(db), read_only=True) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchall() for name in TABLES]
    return [number for [(number,)] in counts]


def test_a_run_is_ingested_exactly_once(folder: Path, tmp_path: Path) -> None:
    first = ingest([folder], tmp_path / "db")
    again = ingest([folder], tmp_path / "db")

    assert (first.rows, again.rows, again.known_shards) == (15, 0, 6)
    assert count(tmp_path / "db") == [3, 3, 15, 6, 2, 2]
    assert [run.rows for run in list_runs(tmp_path / "db")] == [12, 3]


def test_a_removed_run_takes_its_volumes_along_when_it_was_the_last(
    folder: Path, tmp_path: Path
) -> None:
    ingest([folder], tmp_path / "db")
    first, second = (run.run_id for run in list_runs(tmp_path / "db"))

    assert remove_runs(tmp_path / "db", [first]).rows == 12
    assert count(tmp_path / "db") == [3, 3, 3, 3, 1, 1]

    remove_runs(tmp_path / "db", [second])
    assert count(tmp_path / "db") == [0] * len(TABLES)


@pytest.mark.parametrize("victim", ["scores", "index"])
def test_an_altered_file_is_refused(folder: Path, tmp_path: Path, victim: str) -> None:
    shutil.copytree(folder, tmp_path / "run")
    path = min((tmp_path / "run" / victim).glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.raises(InputError, match=r"is not that of|is damaged"):
        ingest([tmp_path / "run"], tmp_path / "db")
