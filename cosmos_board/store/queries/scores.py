"""Scores summed for boards; answers are arrays.

Sums are taken over integers, so that no order of rows and no number of threads can change a bit:
DuckDB's `avg` and its sums of doubles depend on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_board.store.queries.connection import Columns, Connection, fetch_columns
from cosmos_board.store.queries.units import LISTED

STEP = 2.0**-32
"""Scores are rounded to multiples of this before they are summed."""

FAILED = "starts_with(s.status, 'failed')"
"""Whether a row of scores `s` is an answer that is none."""

DICE = f"(CASE WHEN {FAILED} THEN 0 ELSE 2.0 * s.tp END / (2 * s.tp + s.fp + s.fn))"
"""Dice of a row; a reference is never empty, so the division is safe."""

LOW = f"{DICE} < 0.5"
"""Whether a row is a failure by its score: its Dice is below 0.5, as that of a failed answer."""

NSD = f"(CASE WHEN {FAILED} THEN 0 ELSE s.nsd END)"


def in_steps(value: str) -> str:
    """Return an SQL expression that rounds `value` to a whole number of `STEP`."""
    return f"round({value} * {1 / STEP:.1f})::BIGINT"


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as the database computes it."""

    name: str
    """Name of the column that comes back."""

    sql: str
    """Expression over the columns of `scores`, one score per row."""

    worst: str
    """Expression that stands in where a model failed; `diagonal` is the image's, in pixels."""


def fetch_score_columns(connection: Connection) -> Columns:
    """Return what each column of the cube is: column_id, track, prompt, model, dataset, tier."""
    return fetch_columns(
        connection,
        "SELECT column_id, track, prompt, model, dataset, tier FROM counted_runs"
        " WHERE study = 'main' ORDER BY column_id, dataset",
    )


def fetch_cells(
    connection: Connection, track: str, prompt: str, measures: Sequence[Measure]
) -> Columns:
    """Return counts and sums per column, selection and unit, of one prompt; unordered.

    Only the main study counts. A failed prediction scores as an empty one. Needs `ensure_units`.

    Returns:
        `column_id`, `oracle` (else the selection is `predicted`), `unit`, `rows`, `references`,
        `penalised`, `failed`, `low`, and for each measure its sum: an integer, in steps of `STEP`.
        It is NaN where a row has no value, as those of programs before the metric.
        Rows of `low` have a Dice under 0.5; with nothing drawn are those `penalised` or `failed`.
    """
    sums = "".join(f', {sum_of(measure)} AS "{measure.name}"' for measure in measures)
    return fetch_columns(
        connection,
        f"""
        SELECT s.column_id, s.selection = 'oracle' AS oracle, u.unit,
               count(*)::INTEGER AS rows,
               count(*) FILTER (s.trial = 0)::INTEGER AS references,
               count(*) FILTER (s.status = 'penalised')::INTEGER AS penalised,
               count(*) FILTER ({FAILED})::INTEGER AS failed,
               count(*) FILTER ({LOW})::INTEGER AS low
               {sums}
        FROM counted_scores s JOIN unit_of u ON u.reference_id = s.reference_id
        WHERE s.study = 'main' AND s.prompt = ? AND s.track = ? AND u.{LISTED[track]}
        GROUP BY s.column_id, s.selection = 'oracle', u.unit""",
        [prompt, track],
    )


def sum_of(measure: Measure) -> str:
    """Return the SQL of a sum in steps over rows, NULL where one of them has no value."""
    value = f"(CASE WHEN {FAILED} THEN {measure.worst} ELSE {measure.sql} END)"
    return f"CASE WHEN count({value}) = count(*) THEN sum({in_steps(value)})::DOUBLE END"
