"""What the database knows of single references: their factors, and their Dice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.store.queries import STEP, Connection, fetch_columns
from cosmos_board.store.study_queries import CHOSEN, DICE_STEPS, Floats, Integers, ensure_units

Text: TypeAlias = NDArray[np.object_]

FACTORS = (
    "size_px",
    "aspect_ratio",
    "intensity_difference",
    "boundary_complexity",
    "efd_order",
    "components",
    "position",
)
"""The factors that a pack stores, by column of `reference_masks`."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceTable:
    """Every reference that has all its factors, sorted by unit and id."""

    unit: Integers
    """Number of the unit, shape (references,)."""

    factors: dict[str, Floats]
    """By name: value of the factor, shape (references,). `area_share` is size over image."""


def read_references(connection: Connection) -> ReferenceTable:
    """Number the references and return their factors.

    Leaves the temporary table `reference_order` for `read_reference_dice`.
    """
    ensure_units(connection)
    known = " AND ".join(f"m.{name} IS NOT NULL AND NOT isnan(m.{name})" for name in FACTORS)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE reference_order AS
        SELECT (row_number() OVER (ORDER BY u.unit, m.reference_id) - 1)::INTEGER AS place,
            m.reference_id, u.unit, m.size_px / (i.height::DOUBLE * i.width) AS area_share,
            {", ".join(f"m.{name}::DOUBLE AS {name}" for name in FACTORS)}
        FROM reference_masks m JOIN unit_of u USING (reference_id) JOIN images i USING (image_id)
        WHERE {known}
    """)
    found = fetch_columns(
        connection, "SELECT * EXCLUDE (place, reference_id) FROM reference_order ORDER BY place"
    )
    unit = found.pop("unit").astype(np.int64)
    return ReferenceTable(unit, {name: values.astype(np.float64) for name, values in found.items()})


def read_answered(connection: Connection, track: str = "full") -> tuple[tuple[str, str, str], ...]:
    """Return the (model, prompt, selection) that have scores in the main study, sorted."""
    rows = connection.execute(
        """SELECT DISTINCT s.model, s.prompt, s.selection FROM scores s JOIN runs r USING (run_id)
           WHERE s.study = 'main' AND r.track = ? ORDER BY ALL""",
        [track],
    ).fetchall()
    return tuple((model, prompt, selection) for model, prompt, selection in rows)


def read_reference_dice(
    connection: Connection, model: str, prompt: str, selection: str, track: str = "full"
) -> Floats:
    """Return the Dice of each reference of `read_references`, NaN where there is none."""
    found = fetch_columns(
        connection,
        f"""WITH {CHOSEN}
        SELECT o.place, sum({DICE_STEPS})::DOUBLE / count(*) AS dice
        FROM scores s JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
            JOIN reference_order o ON s.reference_id = o.reference_id
        WHERE s.study = 'main' AND s.model = ? AND s.prompt = ? AND s.selection = ?
        GROUP BY o.place""",
        ["main", track, model, prompt, selection],
    )
    count = connection.execute("SELECT count(*) FROM reference_order").fetchone()
    assert count is not None, "an aggregate has one row"
    dice: Floats = np.full(count[0], np.nan)
    dice[found["place"]] = found["dice"] * STEP
    return dice
