"""What runs a board database holds, and the removal of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.queries.board_references import drop_stale_lists, prepare_lists
from cosmos_board.store.queries.connection import Connection, count_rows
from cosmos_board.store.queries.runs import (
    IDLE_CLUSTERS,
    IDLE_COUNTS,
    IDLE_DATASETS,
    IDLE_IMAGES,
    IDLE_MODELS,
    IDLE_REFERENCES,
    IDLE_VOLUME_REFERENCES,
    IDLE_VOLUMES,
    SCORE_TABLES,
    RunFacts,
    read_runs,
)


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """What a removal took out."""

    runs: int
    rows: int
    models: int
    datasets: int


def list_runs(db: Path) -> tuple[RunFacts, ...]:
    """Return the runs of a board database by model, dataset and study.

    Raises:
        InputError: If `db` is no board database.
        InUseError: If it is being written.
    """
    with open_board(db) as connection:
        return read_runs(connection)


def remove_runs(db: Path, run_ids: Sequence[str]) -> RemovalReport:
    """Take runs out of a board database, with all that no other run needs; all or nothing.

    Scores, shards and timings of the runs go; so do models and datasets without another run, with
    their images and references, except datasets that an annotation log is about.

    Ids are exact; naming one twice is naming it once.

    Raises:
        InputError: If `db` is no board database.
        UnknownNameError: If there is no such run; nothing is removed.
        InUseError: If the database is open elsewhere.
        StorageError: If the disk fails.
    """
    known = {run.run_id for run in list_runs(db)}  # which refuses a database that does not exist
    chosen = list(dict.fromkeys(run_ids))
    with open_board_to_write(db) as connection:
        connection.execute("BEGIN")
        for run_id in chosen:
            if run_id not in known:
                raise UnknownNameError(db, "run", run_id, sorted(known))
        prepare_lists(connection)
        rows = sum(
            count_rows(connection, f"{table} WHERE list_contains(?, run_id)", [chosen])
            for table in SCORE_TABLES
        )
        delete_runs(connection, chosen)
        drop_stale_lists(connection)
        models, datasets = (count_rows(connection, rows) for rows in (IDLE_MODELS, IDLE_DATASETS))
        for idle in (
            IDLE_MODELS, IDLE_CLUSTERS, IDLE_REFERENCES, IDLE_DATASETS, IDLE_COUNTS, IDLE_IMAGES,
            IDLE_VOLUME_REFERENCES, IDLE_VOLUMES,
        ):  # fmt: skip
            connection.execute(f"DELETE FROM {idle}")
        connection.execute("COMMIT")
    return RemovalReport(len(chosen), rows, models, datasets)


def delete_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """Delete the rows of runs from every table that has any."""
    for table in (*SCORE_TABLES, "shards", "timings", "runs"):
        connection.execute(f"DELETE FROM {table} WHERE list_contains(?, run_id)", [list(run_ids)])
