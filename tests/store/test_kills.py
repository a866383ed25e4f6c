"""A database that is written while its writer is killed holds all of a run or nothing of it."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from tests.kills import CLI, iter_moments, kill_at, make_program, wait_for_none

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.mark.parametrize(
    "kills",
    [pytest.param(3, id="3 kills"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)],
)
def test_a_killed_ingest_is_finished_by_the_same_command(
    kills: int,
    phantom_pack: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    run(
        RunRequest(
            packs=(phantom_pack,), specs=(SegmenterSpec(name="box-prior"),), out=tmp_path / "run"
        )
    )
    ingest([tmp_path / "run"], tmp_path / "whole.duckdb")
    rng, running, left, others = random.Random(0), 0, 0, []
    for number, moment_s in enumerate(iter_moments(kills, 1.5, 3)):
        folder = tmp_path / f"killed-{number}"
        db = folder / "board.duckdb"
        program = make_program([CLI, "ingest", str(tmp_path / "run"), "--db", str(db)])
        running += kill_at(program, moment_s, rng, victims="parent")
        left += len(wait_for_none(program.mark))
        done = program.finish()
        names = sorted(path.name for path in folder.iterdir())
        if (
            done.returncode
            or read_all(db) != read_all(tmp_path / "whole.duckdb")
            or names != [db.name]
        ):
            others.append((number, names, done.stderr))
    record_property("kills", kills)
    record_property("killed_while_running", running)
    record_property("processes_left", left)
    record_property("databases_with_other_rows", len(others))

    assert (left, others) == (0, [])


def read_all(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with open_board(db) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            for (name,) in tables
        }
