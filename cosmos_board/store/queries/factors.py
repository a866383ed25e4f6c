"""What the database knows of single references: their factors, and their Dice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.targets import Factors
from cosmos_board.core.tracks import FULL
from cosmos_board.store.queries.connection import (
    Connection,
    count_rows,
    fetch_columns,
    fetch_row,
    has_table,
)
from cosmos_board.store.queries.scores import DICE, STEP, in_steps
from cosmos_board.store.queries.units import ensure_units

FACTORS = tuple(field.name for field in fields(Factors))
"""The factors that a pack stores, by column of `reference_masks`."""

_EXPRESSIONS = {
    "area_share": "m.size_px / (i.height::DOUBLE * i.width)",
    **{name: f"m.{name}" for name in FACTORS},
}


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceTable:
    """Every reference that has all its factors, in the order of this connection.

    Any order will do: sums over references are exact in each.
    """

    unit: Ints
    """Number of the unit, shape (references,)."""

    factors: dict[str, Floats]
    """Values by name of the factor, shape (references,) each."""


def read_references(connection: Connection) -> ReferenceTable:
    """Number the references, once for a connection.

    Leaves the temporary table `reference_order` for `prepare_reference_dice`.
    """
    if not has_table(connection, "reference_order", temporary=True):
        ensure_units(connection)
        known = " AND ".join(f"m.{name} IS NOT NULL AND NOT isnan(m.{name})" for name in FACTORS)
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE reference_order AS
            SELECT (row_number() OVER () - 1)::INTEGER AS place, m.reference_id, u.unit
            FROM reference_masks m JOIN unit_of u USING (reference_id) WHERE u.listed AND {known}
        """)
    values = ", ".join(f"({value})::DOUBLE AS {name}" for name, value in _EXPRESSIONS.items())
    table = fetch_columns(
        connection,
        f"""SELECT o.unit::BIGINT AS unit, {values}
        FROM reference_order o JOIN reference_masks m USING (reference_id)
            JOIN images i USING (image_id) ORDER BY o.place""",
    )
    return ReferenceTable(table.pop("unit"), table)


def prepare_reference_dice(
    connection: Connection, prompts: Sequence[str] | None = None
) -> tuple[tuple[str, str, str], ...]:
    """Place the Dice of every model's full runs beside the references of `read_references`.

    Leaves the temporary tables `reference_column` and `reference_dice`, and does nothing where
    they hold the same prompts already.

    Returns:
        The (model, prompt, selection) that there are, sorted.
    """
    request = "all" if prompts is None else str(sorted(set(prompts)))
    if not (
        has_table(connection, "reference_request", temporary=True)
        and fetch_row(connection, "SELECT request FROM reference_request") == (request,)
    ):
        _place_dice(connection, prompts, request)
    rows = connection.execute(
        "SELECT model, prompt, selection FROM reference_column ORDER BY number"
    ).fetchall()
    return tuple((model, prompt, selection) for model, prompt, selection in rows)


def _place_dice(connection: Connection, prompts: Sequence[str] | None, request: str) -> None:
    condition = "s.study = 'main' AND s.track = ?"
    parameters: list[object] = [FULL]
    if prompts is not None:
        condition += " AND list_contains(?, s.prompt)"
        parameters.append(list(prompts))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE reference_column AS
        SELECT *, (row_number() OVER (ORDER BY model, prompt, selection) - 1)::USMALLINT AS number
        FROM (SELECT DISTINCT s.model, s.prompt, s.selection FROM counted_scores s
              WHERE {condition})""",
        parameters,
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE reference_dice AS
        SELECT n.number, o.place, ({in_steps(DICE)}) AS dice
        FROM counted_scores s
            JOIN reference_order o ON s.reference_id = o.reference_id
            JOIN reference_column n ON s.model = n.model AND s.prompt = n.prompt
                AND s.selection = n.selection
        WHERE {condition}""",
        parameters,
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE reference_request AS SELECT ? AS request", [request]
    )


def read_reference_dice(connection: Connection, model: str, prompt: str, selection: str) -> Floats:
    """Return the Dice of each reference of `read_references`, NaN where there is none.

    Needs `prepare_reference_dice`.
    """
    table = fetch_columns(
        connection,
        """SELECT d.place, d.dice::DOUBLE AS dice
        FROM reference_dice d JOIN reference_column n USING (number)
        WHERE n.model = ? AND n.prompt = ? AND n.selection = ?""",
        [model, prompt, selection],
    )
    count = count_rows(connection, "reference_order")
    place = table["place"].astype(np.int64)
    sums = np.bincount(place, table["dice"], count)
    times = np.bincount(place, minlength=count)
    with np.errstate(invalid="ignore"):
        dice: Floats = sums / times * STEP
    return dice
