"""What runs a board database holds, and taking some of them out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.queries.board_references import drop_stale_lists, prepare_lists
from cosmos_board.store.queries.scores import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run of a board database: one model on one dataset in one study."""

    run_id: str
    model: str
    dataset: str
    dataset_version: str
    study: str
    track: str
    tier: str
    rows: int
    started_utc: str
    program: str
    """Version of the program that ran it; empty where that was not kept."""


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
        rows = connection.execute(
            """SELECT r.run_id, r.model, r.dataset, coalesce(d.version, ''), r.study, r.track,
                r.tier, coalesce(s.rows, 0), r.started_utc,
                coalesce(json_extract_string(r.provenance, '$.packages."cosmos-board"'), '')
            FROM runs r LEFT JOIN datasets d USING (dataset)
            LEFT JOIN (SELECT run_id, count(*) AS rows FROM scores GROUP BY run_id) s
                USING (run_id)
            ORDER BY r.model, r.dataset, r.study, r.track, r.run_id"""
        ).fetchall()
    names = RunFacts.__slots__
    return tuple(RunFacts(**dict(zip(names, row, strict=True))) for row in rows)


def remove_runs(db: Path, run_ids: Sequence[str]) -> RemovalReport:
    """Take runs out of a board database, with all that no other run needs; all or nothing.

    Scores, shards and timings of the runs go; so do models and datasets without another run, with
    their images and references, except datasets that an annotation log is about.

    Args:
        db: The database.
        run_ids: Exact ids; naming one twice is naming it once.

    Raises:
        InputError: If `db` is no board database.
        UnknownNameError: If there is no such run; nothing is removed.
        InUseError: If the database is open elsewhere.
        StorageError: If the disk fails.
    """
    list_runs(db)  # a database that does not exist is refused, not made
    chosen = list(dict.fromkeys(run_ids))
    with open_board_to_write(db) as connection:
        connection.execute("BEGIN")
        known = {row[0] for row in connection.execute("SELECT run_id FROM runs").fetchall()}
        for run_id in chosen:
            if run_id not in known:
                raise UnknownNameError(db, "run", run_id, sorted(known))
        prepare_lists(connection)
        rows = _count(connection, "scores WHERE list_contains(?, run_id)", chosen)
        for table in ("scores", "shards", "timings", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE list_contains(?, run_id)", [chosen])
        drop_stale_lists(connection)
        models = _remove_models(connection)
        datasets = _remove_datasets(connection)
        connection.execute("COMMIT")
    return RemovalReport(len(chosen), rows, models, datasets)


def _remove_models(connection: Connection) -> int:
    """Remove models without a run, unless a fine-tuned one that stays names them as its base."""
    idle = (
        "models WHERE model NOT IN (SELECT model FROM runs) AND model NOT IN ("
        "SELECT base_model FROM models WHERE base_model IS NOT NULL "
        "AND model IN (SELECT model FROM runs))"
    )
    count = _count(connection, idle)
    connection.execute(f"DELETE FROM {idle}")
    connection.execute("DELETE FROM seen_clusters WHERE model NOT IN (SELECT model FROM models)")
    return count


def _remove_datasets(connection: Connection) -> int:
    """Remove datasets without a run, and references that only removed runs were asked."""
    kept = (
        "SELECT dataset FROM runs UNION SELECT i.dataset FROM annotations "
        "JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id)"
    )
    needed = (
        "SELECT reference_id FROM board_references UNION SELECT reference_id FROM scores "
        "UNION SELECT reference_id FROM annotations"
    )
    count = _count(connection, f"datasets WHERE dataset NOT IN ({kept})")
    connection.execute(f"""DELETE FROM reference_masks WHERE reference_id NOT IN ({needed})""")
    connection.execute(f"DELETE FROM datasets WHERE dataset NOT IN ({kept})")
    connection.execute(
        "DELETE FROM images WHERE image_id NOT IN (SELECT image_id FROM reference_masks)"
    )
    return count


def _count(connection: Connection, what: str, run_ids: Sequence[str] | None = None) -> int:
    found = connection.execute(
        f"SELECT count(*) FROM {what}", [] if run_ids is None else [list(run_ids)]
    ).fetchone()
    assert found is not None, "an aggregate has one row"
    return int(found[0])
