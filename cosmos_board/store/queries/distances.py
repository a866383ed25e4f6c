"""Distances between boundaries, as medians over the masks that were drawn.

An empty mask has no boundary: what stands in its row is the image's diagonal, a rule. It is
counted elsewhere and left out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cosmos_board.core.scores import OK
from cosmos_board.store.queries.connection import Connection, fetch_columns
from cosmos_board.store.queries.restricted_rows import closed_datasets
from cosmos_board.store.queries.units import ensure_units

FEWEST_CLOSED = 10
"""Patients of restricted datasets that a published median rests on at the least."""


class DistanceKey(NamedTuple):
    """Of which masks a median is taken."""

    model: str
    selection: str
    target: str
    """Such as `ct.liver`."""

    dataset: str = ""
    """Empty for all datasets of the target: the real ones, where there are some."""


@dataclass(frozen=True, slots=True)
class Distances:
    """Medians over the drawn masks of one model, in pixels."""

    hd95_px: float
    assd_px: float
    masks: int
    """Drawn masks: references times trials, without empty and failed answers."""


def read_distances(connection: Connection, track: str, prompt: str) -> dict[DistanceKey, Distances]:
    """Return the median distances of every model on every target with one prompt, in order of key.

    They are of the references that boards rank on. Where a model drew nothing there is no key, nor
    where a run has no distances (the track `counts`). Once the connection sees only what may be
    published, nor where under ten patients of restricted datasets stand behind a median.
    """
    ensure_units(connection)
    closed = closed_datasets(connection)
    enough = f"count(DISTINCT unit) FILTER (closed) NOT BETWEEN 1 AND {FEWEST_CLOSED - 1}"
    rows = fetch_columns(
        connection,
        f"""
        WITH asked AS (
            SELECT DISTINCT unit FROM unit_of WHERE listed OR ($track = 'core' AND core)),
        places AS (
            SELECT unit, modality || '.' || object AS target, dataset,
                list_contains($closed, dataset) AS closed,
                NOT synthetic OR bool_and(synthetic) OVER (PARTITION BY modality, object) AS pooled,
                dense_rank() OVER (ORDER BY modality, object) AS pool,
                dense_rank() OVER (ORDER BY modality, object, dataset) AS stratum
            FROM asked JOIN unit_table USING (unit) JOIN datasets USING (dataset)
            WHERE dataset IN (
                SELECT dataset FROM counted_runs WHERE study = 'main' AND track = $track)),
        drawn AS (
            SELECT s.column_id, s.selection, s.hd95_px, s.assd_px, p.unit, p.closed, p.stratum,
                CASE WHEN p.pooled THEN p.pool END AS pool
            FROM counted_scores s JOIN unit_of u USING (reference_id) JOIN places p USING (unit)
            WHERE s.study = 'main' AND s.track = $track AND s.prompt = $prompt AND s.status = $ok
                AND (u.listed OR s.track = 'core') AND s.hd95_px IS NOT NULL),
        medians AS (
            SELECT column_id, selection, stratum, pool, median(hd95_px) AS hd95_px,
                median(assd_px) AS assd_px, count(*) AS masks
            FROM drawn GROUP BY GROUPING SETS (
                (column_id, selection, stratum), (column_id, selection, pool))
            {f"HAVING {enough}" if closed else ""}),
        columns AS (SELECT DISTINCT column_id, model FROM counted_runs WHERE study = 'main'),
        names AS (
            SELECT DISTINCT stratum, NULL AS pool, target, dataset FROM places
            UNION ALL SELECT DISTINCT NULL, pool, target, '' FROM places)
        SELECT model, selection, target, dataset, hd95_px, assd_px, masks
        FROM medians m JOIN columns USING (column_id)
            JOIN names n ON (n.stratum, n.pool) IS NOT DISTINCT FROM (m.stratum, m.pool)
        ORDER BY model, selection, target, dataset""",
        {"track": track, "prompt": prompt, "ok": OK, "closed": closed},
    )
    names = zip(*(rows[name] for name in DistanceKey._fields), strict=True)
    values = zip(*(rows[name].tolist() for name in Distances.__slots__), strict=True)
    return {DistanceKey(*key): Distances(*value) for key, value in zip(names, values, strict=True)}
