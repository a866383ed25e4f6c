"""What the database knows of clicks, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.store.queries.connection import Connection, fetch_columns
from cosmos_board.store.queries.scores import DICE, NSD, STEP, in_steps
from cosmos_board.store.queries.studies import Column, StudyTable
from cosmos_board.store.queries.units import read_units


@dataclass(frozen=True, slots=True, eq=False)
class ClickSums:
    """Per unit, over references whose trajectory has all its clicks."""

    columns: tuple[Column, ...]
    """Sorted by model and selection; one per trajectory, click −1."""

    references: Ints
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
    units = len(read_units(connection))
    steps = {"dice": in_steps(DICE), "nsd": in_steps(NSD)}
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
    rows = fetch_columns(
        connection,
        f"""
        WITH trajectories AS (
            SELECT s.model, s.prompt, s.selection, s.reference_id, {", ".join(inner)}
            FROM counted_scores s
            WHERE s.study = 'clicks' AND s.track = ? AND s.click <= {limit} GROUP BY ALL
            HAVING count(DISTINCT s.click) = {limit})
        SELECT model, prompt, selection, u.unit, count(*) AS rows, {", ".join(outer)}
        FROM trajectories JOIN unit_of u USING (reference_id) GROUP BY ALL
        """,
        [track],
    )
    table = StudyTable(rows, units)

    def curve(name: str, step: float = STEP) -> Floats:
        return np.stack([table.means(f"{name}_{click}", step=step) for click in clicks], axis=1)

    return ClickSums(
        table.columns,
        table.counts("rows"),
        curve("dice"),
        curve("nsd"),
        {goal: curve(f"reached_{index}", 1.0) for index, goal in enumerate(goals)},
    )
