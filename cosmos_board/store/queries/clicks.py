"""What the database knows of clicks, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.store.queries.scores import STEP, Connection, fetch_columns
from cosmos_board.store.queries.studies import (
    CHOSEN,
    DICE,
    DICE_STEPS,
    NSD_STEPS,
    Column,
    Floats,
    Integers,
    count_rows,
    ensure_chosen,
    place_rows,
    read_units,
    spread_values,
)


@dataclass(frozen=True, slots=True, eq=False)
class ClickSums:
    """Per unit, over references whose trajectory has all its clicks."""

    columns: tuple[Column, ...]
    """Sorted by model and selection; one per trajectory, click −1."""

    references: Integers
    """shape (columns, units)."""

    dice: Floats
    """Mean Dice after each click, shape (columns, clicks, units); NaN where there is none."""

    nsd: Floats
    """Mean NSD after each click, shape (columns, clicks, units); NaN where there is none."""

    reached: dict[float, Floats]
    """By goal: share of references whose first Dice at the goal is at each click, shape
    (columns, clicks, units); NaN where there is none."""


def read_clicks(
    connection: Connection, goals: Sequence[float], *, limit: int = 10, track: str = "full"
) -> ClickSums:
    """Return the clicks study.

    Args:
        connection: An open board database.
        goals: Dice values for which the first click that reaches them is counted.
        limit: Clicks of a whole trajectory; shorter ones are left out.
        track: Runs of which track count.
    """
    width = len(read_units(connection))
    ensure_chosen(connection)
    steps = {"dice": DICE_STEPS, "nsd": NSD_STEPS}
    clicks = range(1, limit + 1)
    inner = [
        f"sum({value}) FILTER (s.click = {click})::DOUBLE AS {name}_{click}"
        for name, value in steps.items()
        for click in clicks
    ]
    inner += [
        f"min(s.click) FILTER ({DICE} >= {goal}) AS first_{index}"
        for index, goal in enumerate(goals)
    ]
    outer = [f"sum({name}_{click}) AS {name}_{click}" for name in steps for click in clicks]
    outer += [
        f"count(*) FILTER (first_{index} = {click}) AS reached_{index}_{click}"
        for index in range(len(goals))
        for click in clicks
    ]
    found = fetch_columns(
        connection,
        f"""
        WITH {CHOSEN},
        trajectories AS (
            SELECT s.model, s.prompt, s.selection, s.reference_id, {", ".join(inner)}
            FROM scores s JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
            WHERE s.study = ? AND s.click <= {limit} GROUP BY ALL
            HAVING count(DISTINCT s.click) = {limit})
        SELECT model, prompt, selection, -1 AS jitter_level, '' AS jitter_mode, -1 AS click,
            u.unit, count(*) AS rows, {", ".join(outer)}
        FROM trajectories JOIN unit_of u USING (reference_id) GROUP BY ALL
        """,
        ["clicks", track, "clicks"],
    )
    columns, place = place_rows(found)
    shape = (len(columns), width)

    def curve(name: str, step: float) -> Floats:
        parts = [
            spread_values(found[f"{name}_{click}"] * step / found["rows"], place, shape)
            for click in range(1, limit + 1)
        ]
        return np.stack(parts, axis=1)

    return ClickSums(
        columns,
        count_rows(found["rows"], place, shape),
        curve("dice", STEP),
        curve("nsd", STEP),
        {goal: curve(f"reached_{index}", 1.0) for index, goal in enumerate(goals)},
    )
