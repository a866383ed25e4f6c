"""Which references boards rank on: fixed when a dataset enters a board, whatever is added later.

The first `ingest` that adds main runs of a dataset lists the references that they were to score.
Later runs, and runs of studies, never change the list: rows on other references stay, and no board
counts them. It is written anew only where one `ingest` replaces every main run of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cosmos_board.store.queries.connection import Connection, fetch_row, has_table

TABLE = "board_references"
_DDL = f"CREATE TABLE IF NOT EXISTS {TABLE} (reference_id VARCHAR NOT NULL)"
_LISTING = "study = 'main' AND track <> 'core'"
"""Runs over whole packs; the core track ranks on the frozen sample that its entries answer."""


def prepare_lists(connection: Connection) -> None:
    """Make the table of lists and the temporary table that `note_requested` fills.

    Datasets of a database from before there was a table get the list that they were read with.
    """
    connection.execute(_DDL)
    connection.execute(f"INSERT INTO {TABLE} {_unlisted(connection)}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE requested (run_id VARCHAR, reference_id VARCHAR)"
    )


def note_requested(connection: Connection, run_id: str, index: str) -> None:
    """Note, after `prepare_lists`, which references, listed in a file, a main run was to score."""
    connection.execute(
        "INSERT INTO requested SELECT ?, reference_id FROM read_parquet(?)", [run_id, index]
    )


def write_lists(connection: Connection, runs: Iterable[str]) -> None:
    """Write the list of each dataset all of whose main runs are among `runs`, by id.

    Comes after `note_requested`, in the transaction that added them.
    """
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE renewed AS
        SELECT dataset FROM runs WHERE {_LISTING}
        GROUP BY dataset HAVING bool_and(list_contains(?, run_id))""",
        [list(runs)],
    )
    _drop_lists(connection, "i.dataset IN (SELECT dataset FROM renewed)")
    connection.execute(
        f"""INSERT INTO {TABLE} SELECT DISTINCT a.reference_id FROM requested a
        JOIN runs r USING (run_id)
        WHERE {_LISTING} AND r.dataset IN (SELECT dataset FROM renewed)"""
    )


def drop_stale_lists(connection: Connection) -> None:
    """Remove the list of each dataset that has no main run any more."""
    _drop_lists(connection, f"i.dataset NOT IN (SELECT dataset FROM runs WHERE {_LISTING})")


def count_requested(connection: Connection, run_id: str) -> tuple[int, int, int]:
    """Return how many references a run was to score, how many of these are listed, and the list's.

    Comes after `write_lists`, in the transaction that added the main run.
    """
    row = fetch_row(
        connection,
        f"""SELECT (SELECT count(*) FROM requested WHERE run_id = $run),
            (SELECT count(*) FROM requested JOIN {TABLE} USING (reference_id) WHERE run_id = $run),
            (SELECT count(*) FROM {TABLE} JOIN reference_masks USING (reference_id)
             JOIN images i USING (image_id)
             WHERE i.dataset = (SELECT dataset FROM runs WHERE run_id = $run))""",
        {"run": run_id},
    )
    assert row is not None, "aggregates have one row"
    return int(row[0]), int(row[1]), int(row[2])


class Gap(NamedTuple):
    """A model that has scores with a prompt, and none of them on a dataset of the board."""

    model: str
    dataset: str
    prompt: str


def find_gaps(connection: Connection) -> set[Gap]:
    """Return what models of full runs lack on datasets that other full runs brought."""
    rows = connection.execute(
        """WITH answered AS (
            SELECT DISTINCT s.model, s.prompt, r.dataset FROM scores s JOIN runs r USING (run_id)
            WHERE r.study = 'main' AND r.track = 'full')
        SELECT * FROM (SELECT DISTINCT a.model, d.dataset, a.prompt
            FROM answered a CROSS JOIN (SELECT DISTINCT dataset FROM answered) d)
        EXCEPT SELECT model, dataset, prompt FROM answered"""
    )
    return {Gap(*map(str, row)) for row in rows.fetchall()}


def listed_references(connection: Connection) -> str:
    """Return a query for the references that boards rank on: one column, `reference_id`.

    Where a database has no list of a dataset, the references count that not only studies scored.
    """
    return f"{_listed(connection)} UNION ALL {_unlisted(connection)}"


def _listed(connection: Connection) -> str:
    if has_table(connection, TABLE):
        return f"SELECT reference_id FROM {TABLE}"
    return "SELECT NULL::VARCHAR AS reference_id WHERE false"


def _unlisted(connection: Connection) -> str:
    return f"""
        SELECT reference_id FROM (
            WITH open AS (
                SELECT r.reference_id FROM reference_masks r JOIN images i USING (image_id)
                WHERE i.dataset IN (SELECT dataset FROM runs WHERE {_LISTING})
                AND i.dataset NOT IN (
                    SELECT i.dataset FROM ({_listed(connection)})
                    JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id))),
            studied AS (
                SELECT s.reference_id FROM scores s SEMI JOIN open USING (reference_id)
                GROUP BY s.reference_id HAVING NOT bool_or(s.study = 'main'))
            SELECT reference_id FROM open ANTI JOIN studied USING (reference_id))"""


def _drop_lists(connection: Connection, condition: str) -> None:
    connection.execute(
        f"""DELETE FROM {TABLE} WHERE reference_id IN (
            SELECT r.reference_id FROM reference_masks r JOIN images i USING (image_id)
            WHERE {condition})"""
    )
