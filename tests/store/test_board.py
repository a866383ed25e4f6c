"""What is wrong with a board database or its disk is one line and the right exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from cosmos_board.core.errors import CosmosBoardError, InUseError, StorageError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.ingest import ingest
from tests.site_board import make_board
from tests.store.test_kills import read_all


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board database with rows."""
    return make_board(tmp_path_factory.mktemp("board") / "board.duckdb")


def read_with_care(db: Path) -> None:
    """Read all that a board reads."""
    with open_board(db) as connection:
        for table in ("models", "datasets", "images", "reference_masks", "scores", "timings"):
            connection.execute(f"SELECT * FROM {table}").fetchall()


def cut(db: Path) -> None:
    content = db.read_bytes()
    db.write_bytes(content[: len(content) // 2])


def flip_every_block(db: Path) -> None:
    content = bytearray(db.read_bytes())
    for place in range(12288 + 5000, len(content), 262144):
        content[place] ^= 0xFF
    db.write_bytes(content)


def flip_the_header(db: Path) -> None:
    content = bytearray(db.read_bytes())
    content[100] ^= 1
    db.write_bytes(content)


def change(statement: str) -> Callable[[Path], None]:
    def do(db: Path) -> None:
        with duckdb.connect(str(db)) as connection:
            connection.execute(statement)

    return do


def replace_with_another(db: Path) -> None:
    db.unlink()
    change("CREATE TABLE t (x INTEGER)")(db)


def make_folder(db: Path) -> None:
    db.unlink()
    db.mkdir()


DAMAGED = "is a damaged board database"
WAYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (cut, DAMAGED),
    "bits of blocks flipped": (flip_every_block, DAMAGED),
    "a bit of the header flipped": (flip_the_header, DAMAGED),
    "empty": (lambda db: db.write_bytes(b""), "is no board database"),
    "text": (lambda db: db.write_text("lock me " * 999), "is no board database"),
    "a folder": (make_folder, "is a folder, so it is no board database"),
    "absent": (lambda db: db.unlink(), "does not exist, so this is no board database"),
    "another DuckDB file": (replace_with_another, "is a DuckDB file, but no board database"),
    "newer": (
        change("UPDATE meta SET value = '99' WHERE key = 'schema_version'"),
        r"schema_version: is newer than this program \(got 99, want 2\)",
    ),
    "of a version that is none": (
        change("UPDATE meta SET value = 'x' WHERE key = 'schema_version'"),
        "schema_version: is no number",
    ),
    "without a version": (change("DELETE FROM meta"), "schema_version: is missing"),
    "without a table": (
        change("DROP TABLE timings"), "timings: this table is missing: the database is damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("folder", ["data", "clock"])
@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_database_is_refused_in_one_line(
    way: str, folder: str, whole: Path, tmp_path: Path
) -> None:
    """A folder may be called as it likes: `clock` has `lock` in it."""
    db = tmp_path / folder / "board.duckdb"
    db.parent.mkdir()
    shutil.copy(whole, db)
    damage, said = WAYS[way]
    damage(db)

    with pytest.raises(CosmosBoardError, match=said) as caught:
        read_with_care(db)

    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


def test_what_a_killed_writer_left_beside_a_database_does_no_harm(
    whole: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    shutil.copy(whole, db)
    db.with_name("board.duckdb.wal").write_bytes(b"cut off" * 100)

    assert read_all(db) == read_all(whole)


@pytest.mark.parametrize("rows", [False, True])
def test_a_database_that_was_left_before_it_had_a_version_is_finished(
    rows: bool, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    with open_board_to_write(db):
        pass
    change("DELETE FROM meta")(db)
    if rows:
        change("INSERT INTO timings VALUES ('r', 'm', 'cpu', 'embed', 1, 1, 1)")(db)
        with pytest.raises(CosmosBoardError, match="is missing"), open_board_to_write(db):
            pass
        return

    with open_board_to_write(db) as connection:
        assert connection.execute("SELECT * FROM meta").fetchall() == [("schema_version", "2")]


def test_a_database_that_another_process_writes_is_in_use_to_readers_and_writers(
    whole: Path, tmp_path: Path
) -> None:
    db = tmp_path / "board.duckdb"
    shutil.copy(whole, db)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", script, str(db)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            for opened in (open_board, open_board_to_write):
                with pytest.raises(InUseError, match="another process has it open"), opened(db):
                    pass
        finally:
            holder.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_when_rows_are_committed_loses_nothing(
    small_disk: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    settings = RunSettings(prompts=("box",))
    for name in ("box-prior", "grabcut"):
        specs, out = (SegmenterSpec(name=name),), tmp_path / name
        run(RunRequest(packs=(phantom_pack,), specs=specs, out=out, settings=settings))
    db, ballast = small_disk / "board.duckdb", small_disk / "ballast"
    ingest([tmp_path / "box-prior"], db)
    before = read_all(db)
    room = shutil.disk_usage(small_disk).free
    ballast.write_bytes(bytes(room - (8 << 10)))

    with pytest.raises(StorageError, match="no space left on the disk") as caught:
        ingest([tmp_path / "grabcut"], db)

    assert caught.value.exit_code == 74
    assert "\n" not in str(caught.value)
    ballast.unlink()
    assert read_all(db) == before
    assert ingest([tmp_path / "grabcut"], db).runs == 1


def test_a_disk_on_which_nothing_may_be_written_is_told(small_disk: Path, whole: Path) -> None:
    db = small_disk / "board.duckdb"
    shutil.copy(whole, db)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    for path in (db, small_disk / "new.duckdb"):
        with (
            pytest.raises(StorageError, match="the file system is read-only"),
            open_board_to_write(path),
        ):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_database_that_may_not_be_read_is_the_disks_fault(whole: Path, tmp_path: Path) -> None:
    db = tmp_path / "board.duckdb"
    shutil.copy(whole, db)
    db.chmod(0)

    with pytest.raises(StorageError, match="permission denied"), open_board(db):
        pass
