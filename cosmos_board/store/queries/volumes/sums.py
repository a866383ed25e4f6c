"""Answers of the volume track summed for boards; sums are over integers, so no order matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosmos_board.core.volumes import DISTANCE_PARTS
from cosmos_board.store.queries.connection import (
    Columns,
    Connection,
    fetch_columns,
    iterate_columns,
)
from cosmos_board.store.queries.scores import FAILED, LOW, Measure, in_steps, list_values

_MEANS = {
    "volume_error": "(s.fp - s.fn)::DOUBLE / (s.tp + s.fn)",
    "overrun_slices": "s.overrun_slices",
    "missed_slices": "s.missed_slices",
    **{f"part_{part}": f"s.dice_part_{part}" for part in range(1, DISTANCE_PARTS + 1)},
}
"""What is a mean over clusters, by name."""


def iterate_volume_scores(
    connection: Connection, track: str, prompt: str, measures: Sequence[Measure]
) -> Iterator[Columns]:
    """Yield what `iterate_scores` does, of answers on volumes; needs `ensure_volume_answers`."""
    return iterate_columns(
        connection,
        f"""
        WITH columns AS (
            SELECT answerer, prompt, track,
                (dense_rank() OVER (ORDER BY track, prompt, answerer) - 1)::INTEGER AS column_id
            FROM (SELECT DISTINCT track, prompt, answerer FROM volume_answers))
        SELECT c.column_id, false AS oracle, s.unit, true AS first,
               s.status = 'penalised' AS penalised, {FAILED} AS failed, {LOW} AS low
               {list_values(measures)}
        FROM (SELECT *, nsd_2mm AS nsd FROM volume_answers) s
            JOIN columns c USING (track, prompt, answerer)
        WHERE s.prompt = ? AND s.track = ?""",
        [prompt, track],
    )


def fetch_volume_means(connection: Connection, track: str, prompt: str) -> Columns:
    """Return sums and counts of what boards show beside scores; needs `ensure_volume_answers`.

    Returns:
        One line per answerer and unit, by both: `answerer`, `target`, `dataset`, and for each of
        `volume_error`, `overrun_slices`, `missed_slices`, `part_1` … `part_5` the sum in steps of
        `STEP`, and as `n_…` the number of answers behind it.
    """
    sums = "".join(
        f", sum({in_steps(value)})::DOUBLE AS {name}, count({value})::DOUBLE AS n_{name}"
        for name, value in _MEANS.items()
    )
    return fetch_columns(
        connection,
        f"""
        SELECT s.answerer, u.modality || '.' || u.object AS target, u.dataset {sums}
        FROM volume_answers s JOIN volume_unit u USING (volume_reference_id)
        WHERE s.track = ? AND s.prompt = ?
        GROUP BY s.answerer, s.unit, target, u.dataset ORDER BY s.answerer, s.unit""",
        [track, prompt],
    )


def fetch_volume_medians(
    connection: Connection, track: str, prompt: str, datasets: Sequence[str]
) -> Columns:
    """Return what boards show as medians over answers; needs `ensure_volume_answers`.

    Returns:
        One line per answerer and target: `hd95_mm` over drawn masks, `first_slice_s`, `volume_s`,
        the greatest `peak_bytes`, and `box_clicks`: the median clicks of a box on every slice.
    """
    return fetch_columns(
        connection,
        """
        SELECT s.answerer, u.modality || '.' || u.object AS target,
            median(s.hd95_mm) FILTER (s.status = 'ok') AS hd95_mm,
            median(s.first_slice_s) AS first_slice_s, median(s.volume_s) AS volume_s,
            max(s.peak_bytes)::DOUBLE AS peak_bytes,
            median(2 * len(u.box_reference_ids))::DOUBLE AS box_clicks
        FROM volume_answers s JOIN volume_unit u USING (volume_reference_id)
        WHERE s.track = ? AND s.prompt = ? AND list_contains(?, u.dataset)
        GROUP BY s.answerer, target ORDER BY s.answerer, target""",
        [track, prompt, list(datasets)],
    )
