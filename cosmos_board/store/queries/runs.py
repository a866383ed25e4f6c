"""Which runs a board database holds, and what it says of their data as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_board.store.queries.board_references import SUBMITTED_TABLE as TRACK_LISTS
from cosmos_board.store.queries.board_references import TABLE as LISTS
from cosmos_board.store.queries.connection import (
    Connection,
    fetch_row,
    fetch_rows,
    has_table,
    stored_table,
)

SCORE_TABLES = ("scores", "volume_scores")
"""Tables of score rows; a database of an earlier program has the first alone."""

IDLE_MODELS = """models WHERE model NOT IN (SELECT model FROM runs) AND model NOT IN (
    SELECT base_model FROM models WHERE base_model IS NOT NULL
    AND model IN (SELECT model FROM runs))"""
"""Models without a run, but those that a fine-tuned one with a run names as its base."""

IDLE_CLUSTERS = "seen_clusters WHERE model NOT IN (SELECT model FROM models)"
IDLE_DATASETS = f"""datasets WHERE dataset NOT IN (
    SELECT dataset FROM runs UNION SELECT i.dataset
    FROM (SELECT reference_id FROM annotations UNION SELECT reference_id FROM {TRACK_LISTS})
    JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id))"""
IDLE_REFERENCES = f"""reference_masks WHERE reference_id NOT IN (
    SELECT reference_id FROM {LISTS} UNION SELECT reference_id FROM {TRACK_LISTS}
    UNION SELECT reference_id FROM scores UNION SELECT reference_id FROM annotations)"""
IDLE_COUNTS = "expected_counts WHERE dataset NOT IN (SELECT dataset FROM datasets)"
IDLE_VOLUME_REFERENCES = """volume_references WHERE volume_reference_id NOT IN (
    SELECT volume_reference_id FROM volume_scores)"""
IDLE_VOLUMES = "volumes WHERE volume_id NOT IN (SELECT volume_id FROM volume_references)"
IDLE_IMAGES = "images WHERE image_id NOT IN (SELECT image_id FROM reference_masks)"


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


def read_runs(connection: Connection) -> tuple[RunFacts, ...]:
    """Return the runs of a board database by model, dataset and study."""
    tables = [name for name in SCORE_TABLES if has_table(connection, name)]
    rows = " UNION ALL ".join(f"SELECT run_id FROM {name}" for name in tables)
    return fetch_rows(
        connection,
        RunFacts,
        f"""SELECT r.run_id, r.model, r.dataset, coalesce(d.version, '') AS dataset_version,
            r.study, r.track, r.tier, coalesce(s.rows, 0) AS rows, r.started_utc,
            coalesce(json_extract_string(r.provenance, '$.packages."cosmos-board"'), '') AS program
        FROM runs r LEFT JOIN datasets d USING (dataset)
        LEFT JOIN (SELECT run_id, count(*) AS rows FROM ({rows}) GROUP BY run_id) s USING (run_id)
        ORDER BY r.model, r.dataset, r.study, r.track, r.run_id""",
    )


def find_rivals(connection: Connection, run: Sequence[str]) -> list[str]:
    """Return the others of a run, given as model, dataset, study, track and run id."""
    rows = connection.execute(
        "SELECT run_id FROM runs WHERE model = ? AND dataset = ? AND study = ? AND track = ?"
        " AND run_id <> ?",
        list(run),
    ).fetchall()
    return [name for (name,) in rows]


def read_shards(connection: Connection, run_id: str) -> set[str]:
    """Return the names of the shards of a run that are in the database."""
    query = "SELECT shard FROM shards WHERE run_id = ?"
    return {name for (name,) in connection.execute(query, [run_id]).fetchall()}


def find_shared_unit(
    connection: Connection, table: str, key: str, index: str
) -> tuple[str, str] | None:
    """Return an image or volume of the file `index` that another dataset has too, and that dataset.

    None where there is none. `table` holds those of the database, known by the column `key`.
    """
    row = fetch_row(
        connection,
        f"SELECT i.{key}, i.dataset FROM {table} i JOIN read_parquet(?) n USING ({key})"
        " WHERE i.dataset <> n.dataset ORDER BY ALL LIMIT 1",
        [index],
    )
    return None if row is None else (row[0], row[1])


def fetch_studied(connection: Connection) -> list[tuple[str, str]]:
    """Return the datasets that have runs of each study, as pairs of study and dataset."""
    query = "SELECT DISTINCT study, dataset FROM runs ORDER BY ALL"
    return [(str(study), str(name)) for study, name in connection.execute(query).fetchall()]


def read_scored_studies(connection: Connection) -> frozenset[str]:
    """Return the studies that there are rows for, such as `jitter`; `main` too."""
    rows = connection.execute(
        """SELECT study FROM scores
        UNION SELECT 'factors' FROM scores WHERE study = 'main' AND prompt = 'box'
        UNION SELECT 'fine-tuning' FROM models WHERE base_model IN (SELECT model FROM models)
        UNION SELECT 'annotation' FROM annotations"""
    ).fetchall()
    return frozenset(study for (study,) in rows)


def read_data_version(connection: Connection) -> str:
    """Return 12 hexadecimal digits that change with the data: shards, packs and annotations.

    Of what the database holds, whatever this connection was told to leave out.
    """
    digest = hashlib.sha256()
    for query in (
        "SELECT run_id, shard, sha256, rows FROM shards ORDER BY ALL",
        "SELECT run_id, model, dataset, study, prompts_sha256 FROM runs ORDER BY ALL",
        "SELECT dataset, version, pack_sha256 FROM datasets ORDER BY ALL",
        f"SELECT * FROM {stored_table(connection, 'seen_clusters')} ORDER BY ALL",
        f"SELECT * FROM {stored_table(connection, 'annotations')} ORDER BY ALL",
        f"SELECT count(*) FROM {stored_table(connection, 'scores')}",
    ):
        digest.update(repr(connection.execute(query).fetchall()).encode())
    for table in (LISTS, TRACK_LISTS):
        if has_table(connection, table):
            listed = connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
            digest.update(repr(listed).encode() if listed else b"")
    return digest.hexdigest()[:12]
