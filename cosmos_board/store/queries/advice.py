"""What became of the references of a few targets: Dice and failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_board.core.tracks import CORE
from cosmos_board.store.queries.scores import STEP, Connection, fetch_columns
from cosmos_board.store.queries.studies import (
    CHOSEN,
    DICE,
    DICE_STEPS,
    Column,
    Floats,
    Integers,
    count_rows,
    ensure_chosen,
    ensure_units,
    place_rows,
    spread_values,
)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Per unit, over the references that count."""

    columns: tuple[Column, ...]
    """Sorted; of the main study."""

    references: Integers
    """References answered, shape (columns, units)."""

    failed: Integers
    """Of these, answers that failed, shape (columns, units)."""

    present: Integers
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
    """Return what became of the references of some units in the main study.

    Args:
        connection: An open board database.
        units: Their numbers in the database.
        track: Runs of which track count.
        size_px: Only references whose area lies in this range, ends included.
    """
    ensure_units(connection)
    ensure_chosen(connection)
    condition, bounds = "", []
    if size_px is not None:
        condition, bounds = "AND m.size_px BETWEEN ? AND ?", list(size_px)
    places = {unit: place for place, unit in enumerate(units)}
    counted = "u.listed"
    if track == CORE:  # ranks on the sample that its entries answer
        counted = """u.reference_id IN (SELECT s.reference_id FROM scores s
            JOIN runs r USING (run_id) WHERE s.study = 'main' AND r.track = 'core')"""
    present = fetch_columns(
        connection,
        f"""SELECT u.unit, count(*) AS rows FROM unit_of u
            JOIN reference_masks m USING (reference_id)
            WHERE {counted} AND list_contains(?, u.unit) {condition} GROUP BY u.unit""",
        [list(units), *bounds],
    )
    found = fetch_columns(
        connection,
        f"""
        WITH {CHOSEN}
        SELECT s.model, s.prompt, s.selection, -1 AS jitter_level, '' AS jitter_mode,
            -1 AS click, u.unit, count(DISTINCT s.reference_id) AS rows, count(*) AS n,
            count(*) FILTER (starts_with(s.status, 'failed')) AS failed,
            sum({DICE_STEPS})::DOUBLE AS dice, count(*) FILTER ({DICE} < 0.5) AS failures
        FROM unit_of u JOIN reference_masks m USING (reference_id)
            JOIN scores s USING (reference_id)
            JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
        WHERE s.study = 'main' AND {counted} AND list_contains(?, u.unit) {condition}
        GROUP BY ALL
        """,
        ["main", track, list(units), *bounds],
    )
    for table in (present, found):
        numbers = [places[int(unit)] for unit in table["unit"]]
        table["unit"] = table["unit"].astype("int64")
        table["unit"][:] = numbers
    columns, place = place_rows(found)
    shape = (len(columns), len(units))
    line = (0 * present["unit"], present["unit"])
    return Outcomes(
        columns,
        count_rows(found["rows"], place, shape),
        count_rows(found["failed"], place, shape),
        count_rows(present["rows"], line, (1, len(units)))[0],
        spread_values(found["dice"] * STEP / found["n"], place, shape),
        spread_values(found["failures"] / found["n"], place, shape),
    )
