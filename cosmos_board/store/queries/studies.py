"""The studies of clicks and of displaced prompts: arrays by column and unit.

A column is how a score came about: model, prompt, selection and what the study varies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.tracks import FULL
from cosmos_board.store.queries.connection import Columns, Connection, count_rows, fetch_columns
from cosmos_board.store.queries.scores import DICE, FAILED, IOU, LOW, NSD, STEP, in_steps
from cosmos_board.store.queries.units import ensure_units

CLICKS = 10
"""Clicks of a whole trajectory."""

_HIGHEST = 1000
"""Predicted IoU beyond this is no estimate; a few regressors go a little beyond 1."""


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """How a score came about."""

    model: str
    prompt: str
    selection: str
    jitter_level: int = -1
    """−1 outside the jitter study."""

    jitter_mode: str = ""
    """Empty outside the jitter study."""

    click: int = -1
    """−1 outside the clicks study."""


class StudyTable:
    """Rows of a query by column and unit, laid out as arrays.

    Args:
        rows: With the fields of `Column` that the study has, `unit` and one column a value.
        units: Number of units.
    """

    def __init__(self, rows: Columns, units: int) -> None:
        self._rows = rows
        names = [name for name in Column.__slots__ if name in rows]
        keys = [
            Column(**dict(zip(names, key, strict=True)))
            for key in zip(*(rows[name].tolist() for name in names), strict=True)
        ]
        self.columns = tuple(sorted(set(keys)))
        numbers = {column: number for number, column in enumerate(self.columns)}
        self._place = np.array([numbers[key] for key in keys], np.int64), rows["unit"].astype(int)
        self._shape = len(self.columns), units

    def counts(self, name: str) -> Ints:
        """Return a column of numbers, shape (columns, units); 0 where there is no row."""
        counts: Ints = np.zeros(self._shape, np.int64)
        counts[self._place] = self._rows[name].astype(np.int64)
        return counts

    def means(self, name: str, *, over: str = "rows", step: float = STEP) -> Floats:
        """Return sums `name` over counts `over`, shape (columns, units); NaN where no row is."""
        means: Floats = np.full(self._shape, np.nan)
        means[self._place] = self._rows[name] * step / self._rows[over]
        return means


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


def read_clicks(connection: Connection, goals: Sequence[float]) -> ClickSums:
    """Return the clicks study of full runs; trajectories without all their clicks are left out.

    For each of `goals` (Dice) the first click that reaches it is counted.
    """
    ensure_units(connection)
    steps = {"dice": in_steps(DICE), "nsd": in_steps(NSD)}
    clicks = range(1, CLICKS + 1)
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
            WHERE s.study = 'clicks' AND s.track = ? AND s.click <= {CLICKS} GROUP BY ALL
            HAVING count(DISTINCT s.click) = {CLICKS})
        SELECT model, prompt, selection, u.unit, count(*) AS rows, {", ".join(outer)}
        FROM trajectories JOIN unit_of u USING (reference_id) GROUP BY ALL
        """,
        [FULL],
    )
    table = StudyTable(rows, count_rows(connection, "unit_table"))

    def curve(name: str, step: float = STEP) -> Floats:
        return np.stack([table.means(f"{name}_{click}", step=step) for click in clicks], axis=1)

    return ClickSums(
        table.columns,
        table.counts("rows"),
        curve("dice"),
        curve("nsd"),
        {goal: curve(f"reached_{index}", 1.0) for index, goal in enumerate(goals)},
    )


@dataclass(frozen=True, slots=True, eq=False)
class JitterSums:
    """Per unit, over references that have both a jittered and an undisturbed score."""

    columns: tuple[Column, ...]
    """Sorted."""

    references: Ints
    """shape (columns, units)."""

    main: Floats
    """Mean undisturbed Dice, shape (columns, units); NaN where there is none."""

    jittered: Floats
    """Mean Dice over references and trials, shape (columns, units); NaN where there is none."""

    within: Floats
    """Mean over references of the variance between trials, shape (columns, units)."""

    squares: Floats
    """Mean over references of the squared mean over trials, shape (columns, units)."""

    trials: Ints
    """Trials per reference, shape (columns,)."""


_STEPS = in_steps(DICE)


def read_jitter(connection: Connection) -> JitterSums:
    """Return the jitter study of full runs beside undisturbed scores of the same references."""
    ensure_units(connection)
    rows = fetch_columns(
        connection,
        f"""
        WITH jittered AS MATERIALIZED (
            SELECT s.model, s.prompt, s.selection, s.jitter_level, s.jitter_mode,
                s.reference_id, count(*) AS n, sum({_STEPS})::DOUBLE AS total,
                sum(({_STEPS})::HUGEINT * ({_STEPS}))::DOUBLE AS squares
            FROM counted_scores s WHERE s.study = 'jitter' AND s.track = $track GROUP BY ALL),
        wanted AS (SELECT DISTINCT model, prompt, selection, reference_id FROM jittered),
        undisturbed AS (
            SELECT w.model, w.prompt, w.selection, w.reference_id, avg({_STEPS}) AS main
            FROM counted_scores s
                JOIN wanted w ON s.reference_id = w.reference_id AND s.model = w.model
                    AND s.prompt = w.prompt AND s.selection = w.selection
            WHERE s.study = 'main' AND s.track = $track GROUP BY ALL),
        both_scored AS (
            SELECT *, total / n AS mean,
                CASE WHEN n > 1 THEN greatest(squares - total * total / n, 0) / (n - 1) END
                    AS within
            FROM jittered JOIN undisturbed USING (model, prompt, selection, reference_id))
        SELECT model, prompt, selection, jitter_level, jitter_mode, u.unit,
            count(*) AS rows, max(n) AS trials, sum(round(main)::BIGINT)::DOUBLE AS main,
            sum(round(mean)::BIGINT)::DOUBLE AS jittered,
            sum(round(within * {STEP})::BIGINT)::DOUBLE AS within,
            sum(round(mean * mean * {STEP})::BIGINT)::DOUBLE AS squares
        FROM both_scored JOIN unit_of u USING (reference_id) GROUP BY ALL
        """,
        {"track": FULL},
    )
    table = StudyTable(rows, count_rows(connection, "unit_table"))
    return JitterSums(
        table.columns,
        table.counts("rows"),
        table.means("main"),
        table.means("jittered"),
        table.means("within"),
        table.means("squares"),
        table.counts("trials").max(axis=1, initial=0),
    )


def read_own_scores(connection: Connection) -> Iterator[tuple[str, str, Columns]]:
    """Yield what models think of their own masks, one model and prompt of full runs at a time.

    Candidates that the model itself chose, in answers that did not fail and have a predicted IoU.

    Yields:
        Model, prompt and, of each unit and level: `unit`, `level` (predicted IoU in thousandths),
        `rows`, `low` (rows with a Dice under 0.5), `dice` and `iou` (sums). Sorted by unit and
        level; empty where a model gives no score.
    """
    ensure_units(connection)
    asked = connection.execute(
        """SELECT DISTINCT column_id, model, prompt FROM counted_runs
        WHERE study = 'main' AND track = ? AND prompt <> 'everything' ORDER BY prompt, model""",
        [FULL],
    ).fetchall()
    for prompt, columns in groupby(asked, key=itemgetter(2)):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE own_scores AS
            SELECT s.column_id, u.unit, round(s.predicted_iou * 1000)::INTEGER AS level,
                count(*)::INTEGER AS rows, count(*) FILTER ({LOW})::INTEGER AS low,
                sum({in_steps(DICE)})::DOUBLE AS dice, sum({in_steps(IOU)})::DOUBLE AS iou
            FROM counted_scores s JOIN unit_of u USING (reference_id)
            WHERE s.study = 'main' AND s.track = ? AND s.prompt = ? AND s.selection = 'predicted'
                AND u.listed AND NOT {FAILED} AND abs(s.predicted_iou) <= {_HIGHEST}
            GROUP BY ALL""",
            [FULL, prompt],
        )
        for column, model, _ in columns:
            cells = fetch_columns(
                connection,
                """SELECT unit, level, rows, low, dice, iou FROM own_scores WHERE column_id = ?
                ORDER BY unit, level""",
                [column],
            )
            yield model, prompt, cells
