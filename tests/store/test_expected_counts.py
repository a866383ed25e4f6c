"""What a complete copy of a dataset holds goes from the pack into the board database."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from cosmos_board.core.expected import ExpectedCount
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack.info import INFO_NAME, dump_info, read_info
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from cosmos_board.store.queries.cards import read_datasets
from cosmos_board.store.removal import list_runs, remove_runs

PLANTED = (
    ExpectedCount(
        part="training", modality="", object="", unit="cases",
        expected=484, source="its publishers", found=480,
    ),
    ExpectedCount(
        part="training", modality="", object="organ", unit="references",
        expected=9, source="its publishers", found=9,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a pack with expected counts."""
    folder = tmp_path_factory.mktemp("expected")
    pack = Path(shutil.copytree(phantom_pack, folder / "pack"))
    (pack / INFO_NAME).write_bytes(dump_info(replace(read_info(pack), expected=PLANTED)))
    specs, settings = (SegmenterSpec(name="box-prior"),), RunSettings(prompts=("box",))
    run(RunRequest(packs=(pack,), specs=specs, out=folder / "run", settings=settings, workers=1))
    return folder / "run"


def read_expected(db: Path) -> list[tuple[ExpectedCount, ...]]:
    with open_board(db) as connection:
        return [card.expected for card in read_datasets(connection).values()]


def test_counts_of_a_pack_are_read_from_the_board_as_they_were(
    finished: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        ingest([finished], tmp_path / "board.duckdb", replace=True)

    assert read_expected(tmp_path / "board.duckdb") == [PLANTED]


def test_a_database_of_an_earlier_program_has_none_until_a_run_is_added(
    finished: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    ingest([finished], db)
    with duckdb.connect(str(db)) as connection:
        connection.execute("DROP TABLE expected_counts")
        connection.execute("DELETE FROM shards")

    assert read_expected(db) == [()]
    ingest([finished], db)
    assert read_expected(db) == [PLANTED]


def test_counts_go_with_their_dataset(finished: Path, tmp_path: Path) -> None:
    db = tmp_path / "board.duckdb"
    ingest([finished], db)

    remove_runs(db, [each.run_id for each in list_runs(db)])

    with duckdb.connect(str(db)) as connection:
        assert connection.execute("SELECT count(*) FROM expected_counts").fetchall() == [(0,)]
