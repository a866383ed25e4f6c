"""What the database knows of single references: their factors, and their Dice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from cosmos_board.core.factors import Factors
from cosmos_board.store.queries.scores import STEP, Connection, fetch_columns
from cosmos_board.store.queries.studies import (
    CHOSEN,
    DICE_STEPS,
    Floats,
    Integers,
    ensure_chosen,
    ensure_units,
    has_temporary,
)

FACTORS = tuple(field.name for field in fields(Factors))
"""The factors that a pack stores, by column of `reference_masks`."""


class FactorColumns(Mapping[str, Floats]):
    """The factors of the numbered references by name, each read when it is first asked for."""

    def __init__(self, connection: Connection, count: int) -> None:
        """Read from a connection whose references are numbered."""
        self._connection = connection
        self._count = count
        self._read: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        """Return the values of a factor, shape (references,)."""
        if name not in _EXPRESSIONS:
            raise KeyError(name)
        if name not in self._read:
            found = fetch_columns(
                self._connection,
                f"""SELECT o.place, ({_EXPRESSIONS[name]})::DOUBLE AS value
                FROM reference_order o JOIN reference_masks m USING (reference_id)
                    JOIN images i USING (image_id)""",
            )
            values: Floats = np.full(self._count, np.nan)
            values[found["place"]] = found["value"]
            self._read[name] = values
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_EXPRESSIONS)

    def __len__(self) -> int:
        return len(_EXPRESSIONS)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceTable:
    """Every reference that has all its factors, in the order of this connection.

    The order is nobody's business: sums over references are exact in any.
    """

    unit: Integers
    """Number of the unit, shape (references,)."""

    factors: FactorColumns


_EXPRESSIONS = {
    "area_share": "m.size_px / (i.height::DOUBLE * i.width)",
    **{name: f"m.{name}" for name in FACTORS},
}


def read_references(connection: Connection) -> ReferenceTable:
    """Number the references, once for a connection.

    Leaves the temporary table `reference_order` for `prepare_reference_dice`.
    """
    if not has_temporary(connection, "reference_order"):
        ensure_units(connection)
        known = " AND ".join(f"m.{name} IS NOT NULL AND NOT isnan(m.{name})" for name in FACTORS)
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE reference_order AS
            SELECT (row_number() OVER () - 1)::INTEGER AS place, m.reference_id, u.unit
            FROM reference_masks m JOIN unit_of u USING (reference_id) WHERE u.listed AND {known}
        """)
    found = fetch_columns(connection, "SELECT unit FROM reference_order ORDER BY place")
    unit = found["unit"].astype(np.int64)
    return ReferenceTable(unit, FactorColumns(connection, len(unit)))


def prepare_reference_dice(
    connection: Connection, track: str = "full", *, prompts: Sequence[str] | None = None
) -> tuple[tuple[str, str, str], ...]:
    """Place the Dice of every model beside the references of `read_references`.

    Leaves the temporary tables `reference_column` and `reference_dice`, and does nothing where
    they hold the same already.

    Args:
        connection: After `read_references`.
        track: Runs of which track count.
        prompts: Only these prompts; all by default.

    Returns:
        The (model, prompt, selection) that there are, sorted.
    """
    asked = f"{track}: {'all' if prompts is None else sorted(set(prompts))}"
    if _prepared(connection) != asked:
        _place_dice(connection, track, prompts, asked)
    rows = connection.execute(
        "SELECT model, prompt, selection FROM reference_column ORDER BY number"
    ).fetchall()
    return tuple((model, prompt, selection) for model, prompt, selection in rows)


def _prepared(connection: Connection) -> str | None:
    if not has_temporary(connection, "reference_asked"):
        return None
    found = connection.execute("SELECT asked FROM reference_asked").fetchone()
    return None if found is None else str(found[0])


def _place_dice(
    connection: Connection, track: str, prompts: Sequence[str] | None, asked: str
) -> None:
    ensure_chosen(connection)
    condition = "TRUE" if prompts is None else "list_contains(?, s.prompt)"
    wanted = [] if prompts is None else [list(prompts)]
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE reference_column AS
        WITH {CHOSEN}
        SELECT *, (row_number() OVER (ORDER BY model, prompt, selection) - 1)::USMALLINT AS number
        FROM (SELECT DISTINCT s.model, s.prompt, s.selection
              FROM scores s JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
              WHERE s.study = 'main' AND {condition})""",
        ["main", track, *wanted],
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE reference_dice AS
        WITH {CHOSEN}
        SELECT n.number, o.place, ({DICE_STEPS}) AS dice
        FROM scores s JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
            JOIN reference_order o ON s.reference_id = o.reference_id
            JOIN reference_column n ON s.model = n.model AND s.prompt = n.prompt
                AND s.selection = n.selection
        WHERE s.study = 'main' AND {condition}""",
        ["main", track, *wanted],
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE reference_asked (asked VARCHAR)")
    connection.execute("INSERT INTO reference_asked VALUES (?)", [asked])


def read_reference_dice(connection: Connection, model: str, prompt: str, selection: str) -> Floats:
    """Return the Dice of each reference of `read_references`, NaN where there is none.

    Needs `prepare_reference_dice`.
    """
    found = fetch_columns(
        connection,
        """SELECT d.place, d.dice::DOUBLE AS dice
        FROM reference_dice d JOIN reference_column n USING (number)
        WHERE n.model = ? AND n.prompt = ? AND n.selection = ?""",
        [model, prompt, selection],
    )
    count = connection.execute("SELECT count(*) FROM reference_order").fetchone()
    assert count is not None, "an aggregate has one row"
    place = found["place"].astype(np.int64)
    sums = np.bincount(place, found["dice"], count[0])
    times = np.bincount(place, minlength=count[0])
    with np.errstate(invalid="ignore"):
        dice: Floats = sums / times * STEP
    return dice
