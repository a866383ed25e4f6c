"""Reading a board database as if it held some of its datasets alone."""

from __future__ import annotations

from collections.abc import Collection

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.store.queries.connection import Connection, stored_table


def choose_datasets(connection: Connection, names: Collection[str]) -> None:
    """Let boards and studies on this connection rest on some datasets, whoever brings others.

    Comes before anything else is read. Temporary views take the place of two tables.

    Raises:
        InputError: If a dataset is unknown, or none of them was scored.
    """
    known = {str(name) for (name,) in connection.execute("SELECT dataset FROM datasets").fetchall()}
    for name in names:
        if name not in known:
            raise UnknownNameError("--dataset", "name", name, known)
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen_dataset (dataset VARCHAR)")
    connection.executemany("INSERT INTO chosen_dataset VALUES (?)", [[name] for name in names])
    for table in ("runs", "images"):
        connection.execute(
            f"""CREATE OR REPLACE TEMP VIEW {table} AS
            SELECT t.* FROM {stored_table(connection, table)} t SEMI JOIN chosen_dataset
            USING (dataset)"""
        )
    if not connection.execute("SELECT 1 FROM runs LIMIT 1").fetchall():
        raise InputError("--dataset", "", "has no scores", got=", ".join(names))
