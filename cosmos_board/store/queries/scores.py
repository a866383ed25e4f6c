"""Scores as boards sum them; answers are arrays.

Scores are rounded to whole numbers of a step, whose sums are exact: no order of rows and no number
of threads can change a bit. DuckDB's `avg` and its sums of doubles depend on both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cosmos_board.store.queries.connection import (
    Columns,
    Connection,
    fetch_columns,
    iterate_columns,
)
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


def iterate_scores(
    connection: Connection, track: str, prompt: str, measures: Sequence[Measure]
) -> Iterator[Columns]:
    """Yield the rows of one prompt that count, many at a time and in any order.

    Only the main study counts. A failed prediction scores as an empty one. Needs `ensure_units`.

    Yields:
        `column_id`, `oracle` (else the selection is `predicted`), `unit`; `first`, of the first
        trial; with nothing drawn are those `penalised` or `failed`; `low`, a Dice under 0.5; and
        each measure, a whole number of `STEP`, NaN where a row has no value, as those of programs
        before the metric.
    """
    return iterate_columns(
        connection,
        f"""
        SELECT s.column_id, s.selection = 'oracle' AS oracle, u.unit, s.trial = 0 AS first,
               s.status = 'penalised' AS penalised, {FAILED} AS failed, {LOW} AS low
               {list_values(measures)}
        FROM counted_scores s JOIN unit_of u ON u.reference_id = s.reference_id
        WHERE s.study = 'main' AND s.prompt = ? AND s.track = ? AND u.{LISTED[track]}""",
        [prompt, track],
    )


def list_values(measures: Sequence[Measure]) -> str:
    """Return the SQL of each measure of a row of scores `s`, with a comma before each."""
    return "".join(
        f""", {in_steps(f"(CASE WHEN {FAILED} THEN {measure.worst} ELSE {measure.sql} END)")}
            ::DOUBLE AS "{measure.name}\""""
        for measure in measures
    )
