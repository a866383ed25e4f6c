"""Questions to the board database that only the studies ask; units and steps as in `queries`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.store.queries.board_references import has_lists
from cosmos_board.store.queries.scores import (
    STEP,
    Columns,
    Connection,
    fetch_units,
    prepare_units,
)

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

DICE = "(CASE WHEN starts_with(s.status, 'failed') THEN 0 ELSE 2.0 * s.tp END"
DICE += " / (2 * s.tp + s.fp + s.fn))"
"""Dice of a row; a reference is never empty, so the division is safe."""

NSD = "(CASE WHEN starts_with(s.status, 'failed') THEN 0 ELSE s.nsd END)"

DICE_STEPS = f"round({DICE} * {1 / STEP:.1f})::BIGINT"
NSD_STEPS = f"round({NSD} * {1 / STEP:.1f})::BIGINT"


CHOSEN = "chosen AS (SELECT run_id, prompt FROM chosen_run WHERE study = ? AND track = ?)"
"""The runs that count, after `ensure_chosen`; its parameters are study and track."""


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """How a score came about."""

    model: str
    prompt: str
    selection: str
    jitter_level: int = -1
    """−1 outside the jitter study."""

    jitter_mode: str = ""
    """Empty outside the jitter study."""

    click: int = -1
    """−1 outside the clicks study."""


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One cluster as one target sees it: the smallest thing that is averaged over."""

    modality: str
    object: str
    dataset: str
    cluster_id: str


@dataclass(frozen=True, slots=True)
class StudyModel:
    """What the studies need to know of a model."""

    model: str
    label: str
    family: str
    kind: str
    prompts: tuple[str, ...]
    clicks: bool
    base_model: str | None
    parameters: int | None


def read_study_models(connection: Connection) -> tuple[StudyModel, ...]:
    """Return every model of the database, by name."""
    rows = connection.execute(
        "SELECT model, label, family, kind, prompts, clicks, base_model, parameters "
        "FROM models ORDER BY model"
    ).fetchall()
    return tuple(
        StudyModel(model, label, family, kind, tuple(prompts), clicks, base_model, parameters)
        for model, label, family, kind, prompts, clicks, base_model, parameters in rows
    )


def read_units(connection: Connection) -> tuple[Unit, ...]:
    """Return the units of the database in their order, preparing them where nobody did."""
    ensure_units(connection)
    found = fetch_units(connection)
    names = ("modality", "object", "dataset", "cluster_id")
    return tuple(Unit(*row) for row in zip(*(found[name].tolist() for name in names), strict=True))


def ensure_units(connection: Connection) -> None:
    """Make the temporary tables of units unless this connection has them."""
    if not has_temporary(connection, "unit_of"):
        prepare_units(connection)


def ensure_chosen(connection: Connection) -> None:
    """Make the temporary table of runs that count unless this connection has it.

    Where a model was run twice on a dataset, the run with the most rows of a study and prompt
    counts, then the later one; two runs are never averaged.
    """
    if has_temporary(connection, "chosen_run"):
        return
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE chosen_run AS
        WITH answered AS (
            SELECT run_id, study, prompt, count(*) AS rows FROM scores GROUP BY ALL)
        SELECT a.run_id, a.study, a.prompt, r.track FROM answered a JOIN runs r USING (run_id)
        QUALIFY row_number() OVER (PARTITION BY r.model, r.dataset, r.track, a.study, a.prompt
            ORDER BY a.rows DESC, r.started_utc DESC, a.run_id DESC) = 1
    """)


def has_temporary(connection: Connection, table: str) -> bool:
    """Return whether this connection has a temporary table of that name."""
    found = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE temporary AND table_name = ?", [table]
    ).fetchone()
    return bool(found and found[0])


def place_rows(found: Columns) -> tuple[tuple[Column, ...], tuple[Integers, Integers]]:
    """Return the distinct columns, sorted, and where each line goes: its column and unit."""
    names = ("model", "prompt", "selection", "jitter_level", "jitter_mode", "click")
    keys = list(zip(*(found[name].tolist() for name in names), strict=True))
    columns = sorted(set(keys))
    numbers = {key: number for number, key in enumerate(columns)}
    place = np.array([numbers[key] for key in keys], np.int64)
    return tuple(Column(*key) for key in columns), (place, found["unit"].astype(np.int64))


def spread_values(
    values: Floats, place: tuple[Integers, Integers], shape: tuple[int, int]
) -> Floats:
    """Return the lines' values where they go, NaN elsewhere."""
    spread: Floats = np.full(shape, np.nan)
    spread[place] = values
    return spread


def count_rows(
    rows: NDArray[np.generic], place: tuple[Integers, Integers], shape: tuple[int, int]
) -> Integers:
    """Return the lines' numbers of rows where they go, 0 elsewhere."""
    counts: Integers = np.zeros(shape, np.int64)
    counts[place] = rows.astype(np.int64)
    return counts


ALL_CLUSTERS = "*"
"""Stands for the clusters of a dataset where it is not known which of them a model saw."""


def read_seen_clusters(connection: Connection, model: str) -> tuple[tuple[str, str], ...]:
    """Return the (dataset, cluster id) that a fine-tuned model was trained or chosen on.

    An id may be `ALL_CLUSTERS`.
    """
    rows = connection.execute(
        "SELECT dataset, cluster_id FROM seen_clusters WHERE model = ? ORDER BY ALL", [model]
    ).fetchall()
    return tuple((dataset, cluster) for dataset, cluster in rows)


def write_seen_clusters(
    connection: Connection, model: str, clusters: Sequence[tuple[str, str]]
) -> None:
    """Note on which (dataset, cluster id) a fine-tuned model was trained or chosen."""
    connection.execute("DELETE FROM seen_clusters WHERE model = ?", [model])
    if clusters:
        connection.executemany(
            "INSERT INTO seen_clusters VALUES (?, ?, ?)", [[model, *pair] for pair in clusters]
        )


def stored_table(connection: Connection) -> Callable[[str], str]:
    """Return how to name a table of the database itself, past a temporary view of its name."""
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None, "there is a database"
    database = str(row[0]).replace('"', '""')
    return lambda table: f'"{database}".main.{table}'


def read_data_version(connection: Connection) -> str:
    """Return 12 hexadecimal digits that change with the data: shards, packs and annotations.

    Of what the database holds, whatever this connection was told to leave out.
    """
    digest = hashlib.sha256()
    stored = stored_table(connection)
    for query in (
        "SELECT run_id, shard, sha256, rows FROM shards ORDER BY ALL",
        "SELECT run_id, model, dataset, study, prompts_sha256 FROM runs ORDER BY ALL",
        "SELECT dataset, version, pack_sha256 FROM datasets ORDER BY ALL",
        f"SELECT * FROM {stored('seen_clusters')} ORDER BY ALL",
        f"SELECT * FROM {stored('annotations')} ORDER BY ALL",
        f"SELECT count(*) FROM {stored('scores')}",
    ):
        digest.update(repr(connection.execute(query).fetchall()).encode())
    if has_lists(connection):
        listed = connection.execute(
            "SELECT reference_id FROM board_references ORDER BY reference_id"
        ).fetchall()
        digest.update(repr(listed).encode() if listed else b"")
    return digest.hexdigest()[:12]


def fetch_studied(connection: Connection) -> list[tuple[str, str]]:
    """Return the datasets that have runs of each study, as pairs of study and dataset."""
    query = "SELECT DISTINCT study, dataset FROM runs ORDER BY ALL"
    return [(str(study), str(name)) for study, name in connection.execute(query).fetchall()]
