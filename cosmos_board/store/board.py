"""The board database: opens and makes the one DuckDB file that holds the rows of all runs."""

from __future__ import annotations

import errno
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import duckdb

from cosmos_board.core.errors import (
    CosmosBoardError,
    InputError,
    InUseError,
    StorageError,
    describe_os_error,
    make_one_line,
)  # fmt: skip
from cosmos_board.store.files import hold
from cosmos_board.store.queries.connection import read_meta, read_table_sizes
from cosmos_board.store.queries.counted_runs import choose_datasets
from cosmos_board.store.schema import ADDED, SCHEMA_VERSION


@contextmanager
def open_board(path: Path, datasets: Collection[str] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a board database to read: all of it, or as if it held these `datasets` alone.

    Raises:
        InputError: If it is absent, no board database, newer than this program, or without one of
            the datasets.
        InUseError: If `ingest` is writing it.
        StorageError: If the disk fails.
    """
    if not path.exists():
        raise InputError(path, "", "does not exist, so this is no board database")
    with _connect(path, read_only=True) as connection:
        _refuse_other_version(path, connection)
        if datasets:
            choose_datasets(connection, datasets)
        yield connection


@contextmanager
def open_board_to_write(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a board database to add to, made with empty tables where there is none.

    One of an earlier program gets the columns and tables that came later, without values.

    Raises:
        InputError: If the file is no board database, damaged, or newer than this program.
        InUseError: If another process has it open.
        StorageError: If the disk fails.
    """
    if not path.exists():
        _make(path)
    with _connect(path, read_only=False) as connection:
        if _is_blank(connection):  # made by a call that was killed before it went on
            _add_tables(connection)
        if _refuse_other_version(path, connection) < SCHEMA_VERSION:
            _bring_up_to_date(connection)
        connection.execute(_DDL)  # tables that came later
        yield connection


def _make(path: Path) -> None:
    """Make a database without rows, beside its place, and move it there when it is whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe_os_error(path.parent, "write", error) from error
    with hold(path):
        fresh = path.with_name(f".{path.name}.new")
        for leftover in (fresh, fresh.with_name(f"{fresh.name}.wal")):
            leftover.unlink(missing_ok=True)
        try:
            with _connect(fresh, read_only=False) as connection:
                _add_tables(connection)
            if not path.exists():
                fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def _add_tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    connection.execute(_DDL)
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    connection.execute("COMMIT")


@contextmanager
def _connect(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    if path.is_dir():
        raise InputError(path, "", "is a folder, so it is no board database")
    try:
        with duckdb.connect(str(path), read_only=read_only) as connection:
            yield connection
    except duckdb.Error as error:  # of the file or the disk; our own mistakes pass
        described = _describe(path, str(error).splitlines()[0], error)
        if described is None:
            raise
        raise described from error


_IN_USE = ("Could not set lock on file", "Conflicting lock is held")
_DISK = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Permission denied": errno.EACCES,
    "Read-only file system": errno.EROFS,
    "Input/output error": errno.EIO,
}
_NOT_OURS = "not a valid DuckDB"
_NEWER = "newer version of DuckDB"
_DAMAGED = ("Corrupt database file", "Could not read enough bytes", "deserialize", "serialization")


def _describe(path: Path, text: str, error: duckdb.Error) -> CosmosBoardError | None:
    # The path is in DuckDB's text: words are looked for in what is left of it.
    message = text.replace(str(path), "").replace(str(path.resolve()), "")
    if any(words in message for words in _IN_USE):
        return InUseError(f"{path}: another process has it open")
    for words, number in _DISK.items():
        if words in message:
            return describe_os_error(path, "use", OSError(number, words))
    if _NOT_OURS in message:
        return InputError(path, "", "is no board database")
    if _NEWER in message:
        return InputError(path, "", "is of a newer DuckDB than this program has")
    if any(words in message for words in _DAMAGED) or isinstance(error, duckdb.FatalException):
        want = "a copy of it, or a new one: `ingest` its runs again"
        return InputError(path, "", "is a damaged board database", want=want)
    if isinstance(error, duckdb.IOException):
        return StorageError(make_one_line(f"{path}: {message}"))
    return None


_DDL = resources.files("cosmos_board.store").joinpath("board_ddl.sql").read_text()
_LATER = frozenset(
    {
        *("board_references", "track_references", "ledger", "expected_counts"),
        *("volumes", "volume_references", "volume_scores"),
    }
)
"""Tables that a database of an earlier program may lack."""

_TABLES = frozenset(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", _DDL)) - _LATER
"""What every board database has."""


def _is_blank(connection: duckdb.DuckDBPyConnection) -> bool:
    sizes = read_table_sizes(connection)
    return all(name in _TABLES | _LATER and not rows for name, rows in sizes.items())


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    for name in ADDED:
        connection.execute(f"ALTER TABLE scores ADD COLUMN IF NOT EXISTS {name} DOUBLE")
    connection.execute(
        "UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(SCHEMA_VERSION)]
    )
    connection.execute("COMMIT")


def _refuse_other_version(path: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """Return the version of a database that this program can read."""
    tables = set(read_table_sizes(connection))
    if "meta" not in tables:
        raise InputError(path, "", "is a DuckDB file, but no board database")
    try:
        version = int(read_meta(connection)["schema_version"])
    except KeyError:
        raise InputError(path, "schema_version", "is missing, so it is no board database") from None
    except (ValueError, TypeError, duckdb.BinderException) as error:
        raise InputError(
            path, "schema_version", "is no number, so it is no board database"
        ) from error
    if version > SCHEMA_VERSION:
        raise InputError(
            path, "schema_version", "is newer than this program", got=version, want=SCHEMA_VERSION
        )
    if missing := sorted(_TABLES - tables):
        raise InputError(path, missing[0], "this table is missing: the database is damaged")
    return version
