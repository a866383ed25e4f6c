"""Dice and failed answers over the references of a few targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.store.queries.connection import Connection, fetch_columns
from cosmos_board.store.queries.scores import DICE, FAILED, LOW, in_steps
from cosmos_board.store.queries.studies import Column, StudyTable
from cosmos_board.store.queries.units import LISTED, ensure_units


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Per unit, over the references that count."""

    columns: tuple[Column, ...]
    """Sorted; of the main study."""

    references: Ints
    """References answered, shape (columns, units)."""

    failed: Ints
    """Of these, answers that failed, shape (columns, units)."""

    present: Ints
    """References there are, shape (units,)."""

    dice: Floats
    """Mean Dice, shape (columns, units); NaN where there is none."""

    failures: Floats
    """Share of references with Dice under 0.5, shape (columns, units); NaN where none."""


def read_outcomes(
    connection: Connection,
    units: Sequence[int],
    *,
    track: str = "full",
    size_px: tuple[float, float] | None = None,
) -> Outcomes:
    """Return what became of the references of some units, by number, in the main study.

    With `size_px` only those whose area lies in this range, ends included.
    """
    ensure_units(connection)
    condition, bounds = "", []
    if size_px is not None:
        condition, bounds = "AND m.size_px BETWEEN ? AND ?", list(size_px)
    ranked = f"u.{LISTED[track]} AND list_contains(?, u.unit) {condition}"
    numbers = "list_position(?, u.unit)::INTEGER - 1 AS unit"
    present = fetch_columns(
        connection,
        f"""SELECT {numbers}, count(*) AS rows FROM unit_of u
            JOIN reference_masks m USING (reference_id) WHERE {ranked} GROUP BY u.unit""",
        [list(units), list(units), *bounds],
    )
    rows = fetch_columns(
        connection,
        f"""
        SELECT s.model, s.prompt, s.selection, {numbers},
            count(DISTINCT s.reference_id) AS rows, count(*) AS n,
            count(*) FILTER ({FAILED}) AS failed,
            sum({in_steps(DICE)})::DOUBLE AS dice, count(*) FILTER ({LOW}) AS failures
        FROM unit_of u JOIN reference_masks m USING (reference_id)
            JOIN counted_scores s USING (reference_id)
        WHERE s.study = 'main' AND s.track = ? AND {ranked}
        GROUP BY ALL
        """,
        [list(units), track, list(units), *bounds],
    )
    table = StudyTable(rows, len(units))
    references: Ints = np.zeros(len(units), np.int64)
    references[present["unit"]] = present["rows"]
    return Outcomes(
        table.columns,
        table.counts("rows"),
        table.counts("failed"),
        references,
        table.means("dice", over="n"),
        table.means("failures", over="n", step=1.0),
    )
