"""The answers that count in the volume track, `each-box` among them, and the units they are in.

A column of its boards is a model with a propagation, named `MODEL/PROPAGATION`: what a prompt on
one slice gives depends on both. `each-box` has the propagation `each`: nothing is propagated.
"""

from __future__ import annotations

from cosmos_board.core.volumes import EACH_BOX
from cosmos_board.store.queries.connection import (
    Columns,
    Connection,
    fetch_columns,
    has_table,
)
from cosmos_board.store.queries.counted_runs import ensure_counted_runs
from cosmos_board.store.queries.scores import FAILED

EACH = "each"
"""Stands for the propagation of `each-box`."""

_COUNTED = """
    SELECT s.*, c.dataset, c.track, c.tier
    FROM volume_scores s JOIN (
        SELECT r.run_id, r.dataset, r.track, r.tier, a.prompt, a.propagation
        FROM (SELECT run_id, prompt, propagation, count(*) AS rows FROM volume_scores
              GROUP BY ALL) a JOIN runs r USING (run_id)
        WHERE ?::VARCHAR IS NULL OR r.tier = ?
        QUALIFY row_number() OVER (
            PARTITION BY r.model, r.dataset, r.track, a.prompt, a.propagation
            ORDER BY a.rows DESC, r.started_utc DESC, r.run_id DESC) = 1
    ) c USING (run_id, prompt, propagation)"""
"""The rule of `counted_runs`: of several runs the one with the most rows counts, then the later."""

_FAILED_BOX = FAILED.replace("s.", "b.")
_EACH_BOX = f"""
    SELECT * EXCLUDE (voxels), voxels - tp AS fn FROM (
        SELECT b.model, v.volume_reference_id, '{EACH_BOX}' AS prompt, '{EACH}' AS propagation,
            v.voxels, sum(CASE WHEN {_FAILED_BOX} THEN 0 ELSE b.tp END)::BIGINT AS tp,
            sum(CASE WHEN {_FAILED_BOX} THEN 0 ELSE b.fp END)::BIGINT AS fp,
            b.dataset, b.track, min(r.tier) AS tier
        FROM (SELECT *, unnest(box_reference_ids) AS reference_id FROM volume_references) v
            JOIN counted_scores b USING (reference_id) JOIN runs r USING (run_id)
        WHERE b.study = 'main' AND b.prompt = 'box' AND b.selection = 'predicted'
        GROUP BY b.model, b.track, b.dataset, v.volume_reference_id, v.voxels, v.box_reference_ids
        HAVING count(*) = len(v.box_reference_ids))"""
"""Slices without a box are missed; no answer unless the boxes of all other slices were run."""


def ensure_volume_answers(connection: Connection, tier: str | None = None) -> None:
    """Make the temporary tables `volume_unit` and `volume_answers` where they are missing.

    Units are clusters of one target each, numbered by modality, object, dataset and cluster.
    `volume_answers` holds one row per answer that counts: `answerer` (the column of a board),
    `model`, `propagation`, `prompt`, `track`, `tier`, `dataset`, `unit` and the scores. Of
    `each-box` there are the counts alone. With `tier` only runs of that tier count.
    """
    if has_table(connection, "volume_answers", temporary=True):
        return
    ensure_counted_runs(connection)
    connection.execute("""
        CREATE TEMP TABLE volume_unit AS
        SELECT (dense_rank() OVER (ORDER BY modality, object, dataset, cluster_id) - 1)::INTEGER
               AS unit, volume_reference_id, modality, object, dataset, cluster_id, slices,
               box_reference_ids
        FROM volume_references JOIN (SELECT * EXCLUDE (slices) FROM volumes) USING (volume_id)""")
    connection.execute(
        f"""
        CREATE TEMP TABLE volume_answers AS
        SELECT a.*, a.model || '/' || a.propagation AS answerer, u.unit
        FROM (({_COUNTED}) UNION ALL BY NAME ({_EACH_BOX})) a
            JOIN volume_unit u USING (volume_reference_id, dataset)""",
        [tier, tier],
    )
    connection.execute(
        "UPDATE volume_answers SET status = CASE WHEN tp + fp = 0 THEN 'penalised' ELSE 'ok' END"
        " WHERE status IS NULL"
    )


def has_volumes(connection: Connection) -> bool:
    """Return whether the database has scores of volumes; one of an earlier program has none."""
    if not has_table(connection, "volume_scores"):
        return False
    return bool(connection.execute("SELECT 1 FROM volume_scores LIMIT 1").fetchall())


def fetch_volume_units(connection: Connection) -> Columns:
    """Return the units in their order; needs `ensure_volume_answers`.

    Returns:
        `modality`, `object`, `dataset`, `cluster_id`; and how many references each track ranks
        on, as `full`, `core` and `counts`: all of them.
    """
    return fetch_columns(
        connection,
        """SELECT modality, object, dataset, cluster_id, count(*)::INTEGER AS "full",
            count(*)::INTEGER AS core, count(*)::INTEGER AS counts
        FROM volume_unit GROUP BY unit, modality, object, dataset, cluster_id ORDER BY unit""",
    )


def fetch_volume_columns(connection: Connection) -> Columns:
    """Return what each column of the cube is; needs `ensure_volume_answers`.

    Returns:
        `column_id`, `track`, `prompt`, `model` (the answerer), `dataset`, `tier`.
    """
    return fetch_columns(
        connection,
        """SELECT (dense_rank() OVER (ORDER BY track, prompt, answerer) - 1)::INTEGER AS column_id,
            track, prompt, answerer AS model, dataset, min(tier) AS tier
        FROM volume_answers GROUP BY track, prompt, answerer, dataset
        ORDER BY column_id, dataset""",
    )


def fetch_answerers(connection: Connection) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Return (answerer, model, propagation, prompts) of each column; needs the answers."""
    rows = connection.execute(
        """SELECT answerer, model, propagation, list(DISTINCT prompt ORDER BY prompt)
        FROM volume_answers GROUP BY ALL ORDER BY answerer"""
    ).fetchall()
    return [(name, model, way, tuple(prompts)) for name, model, way, prompts in rows]
