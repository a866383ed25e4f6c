"""The one rule of which run counts: queries of boards and studies read `counted_scores`.

A model may be run more than once on a dataset: by maintainers over whole packs (the track `full`)
and by submissions (`core`, `counts`). Tracks are never mixed. Of several runs of one track, study
and prompt, the one with the most score rows counts, then the later. Two runs are never averaged.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.store.queries.connection import (
    Connection,
    fetch_rows,
    has_table,
    stored_table,
)
from cosmos_board.store.schema import ADDED

COUNTED_RUNS = """\
    SELECT r.run_id, r.model, r.dataset, r.track, r.tier, r.started_utc, a.study, a.prompt
    FROM (SELECT run_id, study, prompt, count(*) AS rows FROM scores GROUP BY ALL) a
        JOIN runs r USING (run_id)
    QUALIFY row_number() OVER (PARTITION BY r.model, r.dataset, r.track, a.study, a.prompt
        ORDER BY a.rows DESC, r.started_utc DESC, r.run_id DESC) = 1"""
"""The rule in SQL; one row per model, dataset, track, study and prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRun:
    """The run that counts for a model on a dataset, in a track, with a prompt of the main study."""

    run_id: str
    model: str
    dataset: str
    track: str
    tier: str
    started_utc: str
    prompt: str


def ensure_counted_runs(connection: Connection) -> None:
    """Make the temporary table `counted_runs` and view `counted_scores` where they are missing.

    `counted_scores` has the columns of `scores`, for rows of runs that count, and `track`,
    `dataset` and `column_id`: the number of (track, prompt, model) within its study. Columns that
    a database of an earlier program lacks are null.
    """
    if not has_table(connection, "counted_runs", temporary=True):
        _count_runs(connection, "runs")


def count_tier(connection: Connection, tier: str) -> None:
    """Let only runs of one tier count on this connection; before anything else is read."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE runs_of_tier AS SELECT * FROM runs WHERE tier = ?", [tier]
    )
    _count_runs(connection, "runs_of_tier")


def choose_datasets(connection: Connection, names: Collection[str]) -> None:
    """Let boards and studies on this connection rest on some datasets, whoever brings others.

    Comes before anything else is read. Temporary views take the place of three tables.

    Raises:
        InputError: If a dataset is unknown, or none of them was scored.
    """
    known = {str(name) for (name,) in connection.execute("SELECT dataset FROM datasets").fetchall()}
    for name in names:
        if name not in known:
            raise UnknownNameError("--dataset", "name", name, known)
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen_dataset (dataset VARCHAR)")
    connection.executemany("INSERT INTO chosen_dataset VALUES (?)", [[name] for name in names])
    tables = [name for name in ("runs", "images", "volumes") if has_table(connection, name)]
    for table in tables:
        connection.execute(
            f"""CREATE OR REPLACE TEMP VIEW {table} AS
            SELECT t.* FROM {stored_table(connection, table)} t SEMI JOIN chosen_dataset
            USING (dataset)"""
        )
    if not connection.execute("SELECT 1 FROM runs LIMIT 1").fetchall():
        raise InputError("--dataset", "", "has no scores", got=", ".join(names))


def read_tiers(connection: Connection) -> tuple[str, ...]:
    """Return the tiers of the runs of the main study, sorted."""
    rows = connection.execute("SELECT DISTINCT tier FROM runs WHERE study = 'main' ORDER BY tier")
    return tuple(str(tier) for (tier,) in rows.fetchall())


def _count_runs(connection: Connection, runs: str) -> None:
    """Make the table and the view, of the runs in a table."""
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE counted_runs AS
        SELECT *, (dense_rank() OVER (PARTITION BY study ORDER BY track, prompt, model)
            - 1)::INTEGER AS column_id
        FROM ({COUNTED_RUNS.replace("runs r", f"{runs} r")})""")
    present = {row[0] for row in connection.execute("DESCRIBE scores").fetchall()}
    absent = "".join(f", NULL::DOUBLE AS {name}" for name in sorted(ADDED.keys() - present))
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW counted_scores AS
        SELECT s.*{absent}, c.track, c.dataset, c.column_id
        FROM scores s JOIN counted_runs c USING (run_id, study, prompt)""")


def read_counted_runs(
    connection: Connection, track: str | None = None, prompt: str | None = None
) -> tuple[CountedRun, ...]:
    """Return the runs of the main study that count, of one track or prompt where given."""
    ensure_counted_runs(connection)
    return fetch_rows(
        connection,
        CountedRun,
        """SELECT run_id, model, dataset, track, tier, started_utc, prompt FROM counted_runs
        WHERE study = 'main' AND track = coalesce(?, track) AND prompt = coalesce(?, prompt)
        ORDER BY track, model, dataset, prompt""",
        [track, prompt],
    )
