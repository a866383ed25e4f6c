"""Queries on a DuckDB connection that return columns as arrays or rows as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

Connection: TypeAlias = duckdb.DuckDBPyConnection
Columns: TypeAlias = dict[str, NDArray[Any]]
"""A table as arrays by column name, all of one length."""

Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

_T = TypeVar("_T")

_ROWS_AT_ONCE = 2**17


def fetch_columns(connection: Connection, sql: str, parameters: Parameters = ()) -> Columns:
    """Return what `sql` selects; NULL is NaN in a column of doubles and None among objects."""
    columns: dict[str, Any] = connection.execute(sql, parameters).fetchnumpy()
    return {name: _fill(column) for name, column in columns.items()}


def iterate_columns(
    connection: Connection, sql: str, parameters: Parameters = ()
) -> Iterator[Columns]:
    """Yield what `sql` selects, some rows at a time, so that it never lies in memory as a whole.

    NULL is NaN in a column of doubles. The connection answers nothing else meanwhile.
    """
    relation = connection.sql(sql, params=parameters)
    for batch in relation.to_arrow_reader(_ROWS_AT_ONCE):
        yield {
            name: column.to_numpy(zero_copy_only=False)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }


def _fill(column: NDArray[Any]) -> NDArray[Any]:
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    if column.dtype.kind == "f":
        return np.asarray(column.filled(np.nan))
    if column.dtype.kind == "O":
        values = np.asarray(column.data, object).copy()
        values[np.ma.getmaskarray(column)] = None
        return values
    assert not np.ma.getmaskarray(column).any(), "integers that may be NULL are cast by the query"
    return np.asarray(column.data)


def fetch_rows(
    connection: Connection, kind: type[_T], sql: str, parameters: Parameters = ()
) -> tuple[_T, ...]:
    """Return what `sql` selects, one `kind` a row; columns are named as its fields.

    Lists come as tuples.
    """
    result = connection.execute(sql, parameters)
    names = [column[0] for column in result.description or ()]
    return tuple(
        kind(
            **{
                name: tuple(v) if isinstance(v, list) else v
                for name, v in zip(names, row, strict=True)
            }
        )
        for row in result.fetchall()
    )


def fetch_row(
    connection: Connection, sql: str, parameters: Parameters = ()
) -> tuple[Any, ...] | None:
    """Return the first row that `sql` selects, None where there is none."""
    # A result that is not read to its end keeps the connection from answering anything else.
    rows: list[tuple[Any, ...]] = connection.execute(sql, parameters).fetchall()
    return rows[0] if rows else None


def count_rows(connection: Connection, what: str, parameters: Parameters = ()) -> int:
    """Return how many rows `what` has: a table, with its condition."""
    row = fetch_row(connection, f"SELECT count(*) FROM {what}", parameters)
    assert row is not None, "an aggregate has one row"
    return int(row[0])


def has_table(connection: Connection, table: str, *, temporary: bool = False) -> bool:
    """Return whether the database, or this connection, has a table; older databases lack some."""
    where = "duckdb_tables() WHERE temporary = ? AND table_name = ?"
    return bool(count_rows(connection, where, [temporary, table]))


def read_table_sizes(connection: Connection) -> dict[str, int]:
    """Return the estimated number of rows of every table by name."""
    query = "SELECT table_name, estimated_size FROM duckdb_tables()"
    return dict(connection.execute(query).fetchall())


def read_meta(connection: Connection) -> dict[str, str]:
    """Return what a database says of itself, such as its `schema_version`."""
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def stored_table(connection: Connection, table: str) -> str:
    """Return how to name a table of the database itself, past a temporary view of its name."""
    row = fetch_row(connection, "SELECT current_database()")
    assert row is not None, "there is a database"
    database = str(row[0]).replace('"', '""')
    return f'"{database}".main.{table}'
