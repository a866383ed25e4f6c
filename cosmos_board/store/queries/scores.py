"""Questions to the board database that boards and studies ask, in SQL; answers are arrays.

Sums are taken over integers, so that no order of rows and no number of threads can change a bit:
DuckDB's `avg` and its sums of doubles depend on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import duckdb
import numpy as np
from numpy.typing import NDArray

from cosmos_board.store.queries.board_references import listed_references

Connection: TypeAlias = duckdb.DuckDBPyConnection
Columns: TypeAlias = dict[str, NDArray[Any]]
"""A table as arrays by column name, all of one length."""

STEP = 2.0**-32
"""Scores are rounded to multiples of this before they are summed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as the database computes it."""

    name: str
    """Name of the column that comes back."""

    sql: str
    """Expression over the columns of `scores`, one score per row."""

    worst: str
    """Expression that stands in where a model failed; `diagonal` is the image's, in pixels."""


def fetch_columns(connection: Connection, sql: str, parameters: Sequence[object] = ()) -> Columns:
    """Return what `sql` selects; NULL is NaN in a column of doubles and None among objects."""
    found: dict[str, Any] = connection.execute(sql, list(parameters)).fetchnumpy()
    return {name: _fill(column) for name, column in found.items()}


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


def fetch_models(connection: Connection) -> Columns:
    """Return the models by name: model, label, family, kind, prompts, training_data, base_model."""
    return fetch_columns(
        connection,
        "SELECT model, label, family, kind, prompts, clicks, training_data, base_model, source"
        " FROM models ORDER BY model",
    )


def fetch_datasets(connection: Connection) -> Columns:
    """Return the datasets by name: dataset, label, source, cluster_unit, synthetic, protocol."""
    return fetch_columns(
        connection,
        "SELECT dataset, label, source, cluster_unit, synthetic, protocol FROM datasets"
        " ORDER BY dataset",
    )


def prepare_units(connection: Connection) -> None:
    """Make the temporary tables `unit_table` and `unit_of`.

    A unit is a cluster as one target sees it: (modality, object, dataset, cluster). Units are
    numbered in that order, so that equal data gives equal numbers whatever the order of rows.
    `unit_of` holds (reference_id, unit, diagonal, listed) for every reference; `listed` says
    whether boards rank on it. `reference_count` counts the listed ones.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE listed_of AS {listed_references(connection)}")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE unit_table AS
        SELECT (row_number() OVER (ORDER BY modality, object, dataset, cluster_id) - 1)::INTEGER
               AS unit, *
        FROM (SELECT i.modality, r.object, i.dataset, i.cluster_id,
                     count(l.reference_id)::INTEGER AS reference_count
              FROM reference_masks r JOIN images i USING (image_id)
              LEFT JOIN listed_of l USING (reference_id) GROUP BY ALL)
    """)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE unit_of AS
        SELECT r.reference_id, u.unit,
               sqrt(i.height::DOUBLE * i.height + i.width::DOUBLE * i.width) AS diagonal,
               l.reference_id IS NOT NULL AS listed
        FROM reference_masks r JOIN images i USING (image_id)
        JOIN unit_table u USING (modality, object, dataset, cluster_id)
        LEFT JOIN listed_of l USING (reference_id)
    """)


def prepare_columns(connection: Connection) -> None:
    """Make the temporary table `column_table`: which run answers for a model on a dataset.

    Where a model was run twice on a dataset, the run with the most scores of that prompt counts,
    then the later one; two runs are never averaged.
    """
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE column_table AS
        WITH answered AS (
            SELECT run_id, prompt, count(*) AS rows FROM scores WHERE study = 'main' GROUP BY ALL),
        chosen AS (
            SELECT r.run_id, r.model, r.dataset, r.track, r.tier, a.prompt
            FROM answered a JOIN runs r USING (run_id)
            QUALIFY row_number() OVER (
                PARTITION BY r.model, r.dataset, r.track, a.prompt
                ORDER BY a.rows DESC, r.started_utc DESC, r.run_id DESC) = 1)
        SELECT *, (dense_rank() OVER (ORDER BY track, prompt, model) - 1)::INTEGER AS column_id
        FROM chosen
    """)


def fetch_units(connection: Connection) -> Columns:
    """Return the units in their order: modality, object, dataset, cluster_id, reference_count."""
    return fetch_columns(connection, "SELECT * EXCLUDE (unit) FROM unit_table ORDER BY unit")


def fetch_score_columns(connection: Connection) -> Columns:
    """Return what each column of the cube is: column_id, track, prompt, model, dataset, tier."""
    return fetch_columns(
        connection,
        "SELECT column_id, track, prompt, model, dataset, tier FROM column_table"
        " ORDER BY column_id, dataset",
    )


def fetch_scored_references(connection: Connection, track: str) -> Columns:
    """Return how many references of each unit the runs of `track` scored: unit, references."""
    return fetch_columns(
        connection,
        """SELECT u.unit, count(DISTINCT s.reference_id)::INTEGER AS references
           FROM scores s JOIN runs r USING (run_id) JOIN unit_of u USING (reference_id)
           WHERE s.study = 'main' AND r.track = ? GROUP BY u.unit ORDER BY u.unit""",
        [track],
    )


def fetch_cells(
    connection: Connection, track: str, prompt: str, measures: Sequence[Measure]
) -> Columns:
    """Return counts and sums per column, selection and unit, of one prompt; unordered.

    Only the main study counts. A failed prediction scores as an empty one. Needs `prepare_units`
    and `prepare_columns`.

    Returns:
        `column_id`, `oracle` (else the selection is `predicted`), `unit`, `rows`, `references`,
        `penalised`, `failed`, and for each measure its sum: an integer, in steps of `STEP`.
    """
    sums = "".join(
        f""", sum(round((CASE WHEN starts_with(s.status, 'failed') THEN {measure.worst}
             ELSE {measure.sql} END) * {1 / STEP:.1f})::BIGINT)::DOUBLE AS "{measure.name}" """
        for measure in measures
    )
    return fetch_columns(
        connection,
        f"""
        SELECT c.column_id, s.selection = 'oracle' AS oracle, u.unit,
               count(*)::INTEGER AS rows,
               count(*) FILTER (s.trial = 0)::INTEGER AS references,
               count(*) FILTER (s.status = 'penalised')::INTEGER AS penalised,
               count(*) FILTER (starts_with(s.status, 'failed'))::INTEGER AS failed
               {sums}
        FROM scores s
        JOIN column_table c ON c.run_id = s.run_id
        JOIN unit_of u ON u.reference_id = s.reference_id
        WHERE s.study = 'main' AND s.prompt = ? AND c.track = ? AND c.prompt = ?
        AND (u.listed OR c.track = 'core')
        GROUP BY c.column_id, s.selection = 'oracle', u.unit""",
        [prompt, track, prompt],
    )


def drop_units(connection: Connection) -> None:
    """Drop the temporary tables."""
    for table in ("column_table", "unit_of", "unit_table", "listed_of"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
