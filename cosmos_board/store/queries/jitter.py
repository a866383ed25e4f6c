"""What the database knows of prompts that were disturbed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.store.queries.scores import STEP, Connection, fetch_columns
from cosmos_board.store.queries.studies import (
    CHOSEN,
    DICE_STEPS,
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
class JitterSums:
    """Per unit, over references that have both a jittered and an undisturbed score."""

    columns: tuple[Column, ...]
    """Sorted."""

    references: Integers
    """shape (columns, units)."""

    main: Floats
    """Mean undisturbed Dice, shape (columns, units); NaN where there is none."""

    jittered: Floats
    """Mean Dice over references and trials, shape (columns, units); NaN where there is none."""

    within: Floats
    """Mean over references of the variance between trials, shape (columns, units)."""

    squares: Floats
    """Mean over references of the squared mean over trials, shape (columns, units)."""

    trials: Integers
    """Trials per reference, shape (columns,)."""


def read_jitter(connection: Connection, track: str = "full") -> JitterSums:
    """Return the jitter study beside the undisturbed scores of the same references."""
    width = len(read_units(connection))
    ensure_chosen(connection)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE jittered AS
        WITH {CHOSEN}
        SELECT s.model, s.prompt, s.selection, s.jitter_level, s.jitter_mode,
            s.reference_id, count(*) AS n, sum({DICE_STEPS})::DOUBLE AS total,
            sum(({DICE_STEPS})::HUGEINT * ({DICE_STEPS}))::DOUBLE AS squares
        FROM scores s JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
        WHERE s.study = 'jitter' GROUP BY ALL
        """,
        ["jitter", track],
    )
    found = fetch_columns(
        connection,
        f"""
        WITH {CHOSEN},
        wanted AS (SELECT DISTINCT model, prompt, selection, reference_id FROM jittered),
        undisturbed AS (
            SELECT w.model, w.prompt, w.selection, w.reference_id, avg({DICE_STEPS}) AS main
            FROM scores s JOIN chosen c ON s.run_id = c.run_id AND s.prompt = c.prompt
                JOIN wanted w ON s.reference_id = w.reference_id AND s.model = w.model
                    AND s.prompt = w.prompt AND s.selection = w.selection
            WHERE s.study = 'main' GROUP BY ALL),
        both_scored AS (
            SELECT *, total / n AS mean,
                CASE WHEN n > 1 THEN greatest(squares - total * total / n, 0) / (n - 1) END
                    AS within
            FROM jittered JOIN undisturbed USING (model, prompt, selection, reference_id))
        SELECT model, prompt, selection, jitter_level, jitter_mode, -1 AS click, u.unit,
            count(*) AS rows, max(n) AS trials, sum(round(main)::BIGINT)::DOUBLE AS main,
            sum(round(mean)::BIGINT)::DOUBLE AS jittered,
            sum(round(within * {STEP})::BIGINT)::DOUBLE AS within,
            sum(round(mean * mean * {STEP})::BIGINT)::DOUBLE AS squares
        FROM both_scored JOIN unit_of u USING (reference_id) GROUP BY ALL
        """,
        ["main", track],
    )
    connection.execute("DROP TABLE jittered")
    columns, place = place_rows(found)
    shape = (len(columns), width)
    trials = np.zeros(len(columns), np.int64)
    np.maximum.at(trials, place[0], found["trials"].astype(np.int64))

    def mean(name: str) -> Floats:
        return spread_values(found[name] * STEP / found["rows"], place, shape)

    return JitterSums(
        columns,
        count_rows(found["rows"], place, shape),
        mean("main"),
        mean("jittered"),
        mean("within"),
        mean("squares"),
        trials,
    )
