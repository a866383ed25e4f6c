"""What the database knows of prompts that were displaced."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.store.queries.connection import Connection, fetch_columns
from cosmos_board.store.queries.scores import DICE, STEP, in_steps
from cosmos_board.store.queries.studies import Column, StudyTable
from cosmos_board.store.queries.units import read_units


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


def read_jitter(connection: Connection, track: str = "full") -> JitterSums:
    """Return the jitter study beside the undisturbed scores of the same references."""
    units = len(read_units(connection))
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
        {"track": track},
    )
    table = StudyTable(rows, units)
    return JitterSums(
        table.columns,
        table.counts("rows"),
        table.means("main"),
        table.means("jittered"),
        table.means("within"),
        table.means("squares"),
        table.largest("trials"),
    )
