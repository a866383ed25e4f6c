"""Units: clusters as each target sees them, the smallest things that are averaged over."""

from __future__ import annotations

from cosmos_board.store.queries.board_references import listed_references
from cosmos_board.store.queries.connection import Columns, Connection, fetch_columns, has_table
from cosmos_board.store.queries.counted_runs import ensure_counted_runs


def ensure_units(connection: Connection) -> None:
    """Make the temporary tables `unit_table` and `unit_of` where this connection lacks them.

    Units are numbered in the order of modality, object, dataset and cluster, so that equal data
    gives equal numbers whatever the order of rows. `unit_of` holds (reference_id, unit, diagonal,
    listed, core) for every reference: `listed` says whether boards rank on it, `core` whether a
    core run scored it, which is what the core track ranks on. `reference_count` counts the listed.
    """
    if has_table(connection, "unit_of", temporary=True):
        return
    ensure_counted_runs(connection)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE listed_of AS {listed_references(connection)}")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE unit_table AS
        SELECT (row_number() OVER (ORDER BY modality, object, dataset, cluster_id) - 1)::INTEGER
               AS unit, *
        FROM (SELECT i.modality, r.object, i.dataset, i.cluster_id,
                     count(l.reference_id)::INTEGER AS reference_count
              FROM reference_masks r JOIN images i USING (image_id)
              LEFT JOIN listed_of l USING (reference_id) GROUP BY ALL)
    """)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE unit_of AS
        SELECT r.reference_id, u.unit,
               sqrt(i.height::DOUBLE * i.height + i.width::DOUBLE * i.width) AS diagonal,
               l.reference_id IS NOT NULL AS listed, c.reference_id IS NOT NULL AS core
        FROM reference_masks r JOIN images i USING (image_id)
        JOIN unit_table u USING (modality, object, dataset, cluster_id)
        LEFT JOIN listed_of l USING (reference_id)
        LEFT JOIN (SELECT DISTINCT reference_id FROM counted_scores
                   WHERE study = 'main' AND track = 'core') c USING (reference_id)
    """)


def forget_prepared(connection: Connection) -> None:
    """Drop what was prepared before the connection was told to leave rows out."""
    for table in ("counted_runs", "unit_of"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def fetch_units(connection: Connection) -> Columns:
    """Return the units in their order.

    Returns:
        `modality`, `object`, `dataset`, `cluster_id`; how many references boards rank on, as
        `reference_count`, and how many core runs scored, as `core_count`.
    """
    ensure_units(connection)
    return fetch_columns(
        connection,
        """SELECT u.* EXCLUDE (unit), coalesce(c.references, 0)::INTEGER AS core_count
           FROM unit_table u LEFT JOIN (SELECT unit, count(*) AS references FROM unit_of
                                        WHERE core GROUP BY unit) c USING (unit)
           ORDER BY u.unit""",
    )
