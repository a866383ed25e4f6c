"""Which references each track ranks on: fixed when a dataset enters it, whatever is added later.

A published board has the lists of the packs that its maintainers name, which no run changes. Else
the first `ingest` that adds main runs of a dataset to a track lists what they were to score. Later
runs, and runs of studies, never change a list: rows on other references stay, and no board counts
them. It is written anew only where one `ingest` replaces every main run of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cosmos_board.core.tracks import CORE, FULL, SUBMITTED
from cosmos_board.store.queries.connection import Connection, fetch_row, has_table

TABLE = "board_references"
"""Of the full track."""

SUBMITTED_TABLE = "track_references"
"""Of the tracks of pull requests."""

_DDL = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (reference_id VARCHAR NOT NULL);
    CREATE TABLE IF NOT EXISTS {SUBMITTED_TABLE} (
        track VARCHAR NOT NULL, reference_id VARCHAR NOT NULL, fixed BOOLEAN NOT NULL)"""


def prepare_lists(connection: Connection) -> None:
    """Make the tables of lists and the temporary table that `note_requested` fills.

    Datasets of a database from before there were tables get the lists that they were read with.
    """
    connection.execute(_DDL)
    connection.execute(f"INSERT INTO {TABLE} {_unlisted(connection, FULL)}")
    for track in SUBMITTED:
        connection.execute(
            f"INSERT INTO {SUBMITTED_TABLE} SELECT '{track}', reference_id, false"
            f" FROM ({_unlisted(connection, track)})"
        )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE requested (run_id VARCHAR, reference_id VARCHAR)"
    )


def note_requested(connection: Connection, run_id: str, index: str) -> None:
    """Note, after `prepare_lists`, which references, listed in a file, a main run was to score."""
    connection.execute(
        "INSERT INTO requested SELECT ?, reference_id FROM read_parquet(?)", [run_id, index]
    )


def write_lists(connection: Connection, runs: Iterable[str]) -> None:
    """Write each track's list of each dataset all of whose main runs are among `runs`, by id.

    Comes after `note_requested`, in the transaction that added them. Fixed lists stay.
    """
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE renewed AS
        SELECT track, dataset FROM runs WHERE study = 'main'
        GROUP BY ALL HAVING bool_and(list_contains(?, run_id))
        EXCEPT SELECT DISTINCT l.track, i.dataset FROM {SUBMITTED_TABLE} l
            JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id)
            WHERE l.fixed""",
        [list(runs)],
    )
    _drop_lists(connection, "IN (SELECT track, dataset FROM renewed)")
    requested = """SELECT DISTINCT r.track, a.reference_id FROM requested a
        JOIN runs r USING (run_id) JOIN renewed USING (track, dataset) WHERE r.study = 'main'"""
    connection.execute(
        f"INSERT INTO {TABLE} SELECT reference_id FROM ({requested}) WHERE track = '{FULL}'"
    )
    connection.execute(
        f"INSERT INTO {SUBMITTED_TABLE} SELECT track, reference_id, false FROM ({requested})"
        f" WHERE track <> '{FULL}'"
    )


def fix_list(connection: Connection, track: str, dataset: str, index: str) -> None:
    """Let a track of pull requests rank on the references in the file `index`, and on no others.

    Comes after `prepare_lists`. No later run changes the list.
    """
    connection.execute(
        f"""DELETE FROM {SUBMITTED_TABLE} WHERE track = ? AND reference_id IN (
            SELECT r.reference_id FROM reference_masks r JOIN images i USING (image_id)
            WHERE i.dataset = ?)""",
        [track, dataset],
    )
    connection.execute(
        f"INSERT INTO {SUBMITTED_TABLE} SELECT DISTINCT ?, reference_id, true FROM read_parquet(?)",
        [track, index],
    )


def drop_stale_lists(connection: Connection) -> None:
    """Remove the lists of datasets without a main run on their track, but those that are fixed."""
    _drop_lists(connection, "NOT IN (SELECT track, dataset FROM runs WHERE study = 'main')")


def count_requested(connection: Connection, run_id: str) -> tuple[int, int, int]:
    """Return how many references a run was to score, how many of these are listed, and the list's.

    Comes after `write_lists`, in the transaction that added the main run.
    """
    row = fetch_row(
        connection,
        f"""WITH listed AS (
            SELECT l.reference_id FROM ({_stored(connection)}) l
            JOIN reference_masks USING (reference_id) JOIN images i USING (image_id)
            JOIN runs r ON (r.track, r.dataset) = (l.track, i.dataset) WHERE r.run_id = $run)
        SELECT (SELECT count(*) FROM requested WHERE run_id = $run),
            (SELECT count(*) FROM requested JOIN listed USING (reference_id) WHERE run_id = $run),
            (SELECT count(*) FROM listed)""",
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


def track_lists(connection: Connection) -> str:
    """Return a query for what each track ranks on: `track`, `reference_id`.

    Where a database has no list of a dataset, the core track ranks on what its runs scored, and
    another track on the references that not only studies scored.
    """
    parts = [f"SELECT '{track}', reference_id FROM ({_unlisted(connection, track)})"
             for track in (FULL, *SUBMITTED)]  # fmt: skip
    return " UNION ALL ".join([_stored(connection), *parts])


def listed_references(connection: Connection) -> str:
    """Return a query for the references that studies count: one column, `reference_id`.

    They are those of the full track, and of submitted counts on datasets without a full run.
    """
    return f"""
        SELECT reference_id FROM (
            WITH lists AS (
                SELECT l.*, i.dataset FROM ({track_lists(connection)}) l
                JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id)
                WHERE l.track IN ('full', 'counts'))
            SELECT reference_id FROM lists WHERE track = 'full' OR dataset NOT IN (
                SELECT dataset FROM lists WHERE track = 'full'))"""


def _stored(connection: Connection) -> str:
    """Return a query for the lists that the database holds; older ones lack tables."""
    queries = ["SELECT NULL::VARCHAR AS track, NULL::VARCHAR AS reference_id WHERE false"]
    if has_table(connection, TABLE):
        queries.append(f"SELECT '{FULL}', reference_id FROM {TABLE}")
    if has_table(connection, SUBMITTED_TABLE):
        queries.append(f"SELECT track, reference_id FROM {SUBMITTED_TABLE}")
    return " UNION ALL ".join(queries)


def _unlisted(connection: Connection, track: str) -> str:
    """Return a query for what a track ranks on of the datasets that it has no list of."""
    runs = f"SELECT dataset FROM runs WHERE study = 'main' AND track = '{track}'"
    found = """SELECT reference_id FROM open ANTI JOIN (
            SELECT s.reference_id FROM scores s SEMI JOIN open USING (reference_id)
            GROUP BY s.reference_id HAVING NOT bool_or(s.study = 'main')) USING (reference_id)"""
    if track == CORE:
        found = f"""SELECT DISTINCT s.reference_id FROM scores s SEMI JOIN open USING (reference_id)
            JOIN runs r USING (run_id) WHERE s.study = 'main' AND r.track = '{CORE}'"""
    return f"""
        SELECT reference_id FROM (
            WITH open AS (
                SELECT r.reference_id FROM reference_masks r JOIN images i USING (image_id)
                WHERE i.dataset IN ({runs}) AND i.dataset NOT IN (
                    SELECT i.dataset FROM ({_stored(connection)}) l
                    JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id)
                    WHERE l.track = '{track}'))
            {found})"""


def _drop_lists(connection: Connection, condition: str) -> None:
    """Delete the lists, but fixed ones, of which (track, dataset) meets a condition."""
    for table, track, kept in (
        (TABLE, f"'{FULL}'", "true"),
        (SUBMITTED_TABLE, "track", "NOT fixed"),
    ):
        connection.execute(
            f"""DELETE FROM {table} l WHERE {kept} AND EXISTS (
                SELECT 1 FROM reference_masks r JOIN images i USING (image_id)
                WHERE r.reference_id = l.reference_id AND ({track}, i.dataset) {condition})"""
        )
