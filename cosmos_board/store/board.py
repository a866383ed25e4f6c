"""The board database: one DuckDB file, written by `ingest` and `runs remove` alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import duckdb

from cosmos_board.core.errors import InputError, InUseError, StorageError
from cosmos_board.store.schema import SCHEMA_VERSION


@contextmanager
def open_board(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a board database to read.

    Raises:
        InputError: If it is absent, no board database, or newer than this program.
        InUseError: If `ingest` is writing it.
        StorageError: If the disk fails.
    """
    if not path.is_file():
        raise InputError(path, "", "does not exist, so this is no board database")
    with _connect(path, read_only=True) as connection:
        _refuse_other_version(path, connection)
        yield connection


@contextmanager
def open_board_to_write(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a board database to add to, made with empty tables where there is none.

    Raises:
        InputError: If the file is no board database, or newer than this program.
        InUseError: If another process has it open.
        StorageError: If the disk fails.
    """
    fresh = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path.parent}: write: {error.strerror}") from error
    with _connect(path, read_only=False) as connection:
        if fresh:
            ddl = resources.files("cosmos_board.store").joinpath("board_ddl.sql").read_text()
            connection.execute(ddl)
            connection.execute(
                "INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)]
            )
        _refuse_other_version(path, connection)
        yield connection


@contextmanager
def _connect(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        raise _describe(path, error) from error
    try:
        yield connection
    except duckdb.IOException as error:
        raise _describe(path, error) from error
    finally:
        connection.close()


def _describe(path: Path, error: duckdb.Error) -> Exception:
    text = str(error).splitlines()[0]
    if "lock" in text:
        return InUseError(f"{path}: another process has it open")
    if "not a valid DuckDB" in text or "serialization" in text.lower():
        return InputError(path, "", "is no board database")
    return StorageError(f"{path}: {text}")


def _refuse_other_version(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    except duckdb.CatalogException as error:
        raise InputError(path, "", "is a DuckDB file, but no board database") from error
    if found is None:
        raise InputError(path, "schema_version", "is missing")
    if int(found[0]) > SCHEMA_VERSION:
        raise InputError(
            path, "schema_version", "is newer than this program", got=found[0], want=SCHEMA_VERSION
        )
