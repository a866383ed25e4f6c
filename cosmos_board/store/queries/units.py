"""Units: clusters as each target sees them, the smallest things that are averaged over."""

from __future__ import annotations

from cosmos_board.core.tracks import CORE, COUNTS, FULL
from cosmos_board.store.queries.board_references import listed_references, track_lists
from cosmos_board.store.queries.connection import Columns, Connection, fetch_columns, has_table
from cosmos_board.store.queries.counted_runs import ensure_counted_runs

LISTED = {FULL: "listed", CORE: "core", COUNTS: "counts"}
"""By track: the column of `unit_of` that says whether the track ranks on a reference."""


def ensure_units(connection: Connection) -> None:
    """Make the temporary tables `unit_table` and `unit_of` where this connection lacks them.

    Units are numbered in the order of modality, object, dataset and cluster, so that equal data
    gives equal numbers whatever the order of rows. `unit_of` holds (reference_id, unit, diagonal,
    listed, core, counts) for every reference: `listed` says whether studies and the full track
    count it, `core` and `counts` whether these tracks rank on it.
    """
    if has_table(connection, "unit_of", temporary=True):
        return
    ensure_counted_runs(connection)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE unit_table AS
        SELECT (row_number() OVER (ORDER BY modality, object, dataset, cluster_id) - 1)::INTEGER
               AS unit, *
        FROM (SELECT DISTINCT i.modality, r.object, i.dataset, i.cluster_id
              FROM reference_masks r JOIN images i USING (image_id))
    """)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE unit_of AS
        WITH tracks AS ({track_lists(connection)}),
            core_list AS (SELECT reference_id FROM tracks WHERE track = 'core'),
            counts_list AS (SELECT reference_id FROM tracks WHERE track = 'counts'),
            full_list AS ({listed_references(connection)})
        SELECT r.reference_id, u.unit,
               sqrt(i.height::DOUBLE * i.height + i.width::DOUBLE * i.width) AS diagonal,
               r.reference_id IN (FROM full_list) AS listed,
               r.reference_id IN (FROM core_list) AS core,
               r.reference_id IN (FROM counts_list) AS counts
        FROM reference_masks r JOIN images i USING (image_id)
        JOIN unit_table u USING (modality, object, dataset, cluster_id)
    """)


def forget_prepared(connection: Connection) -> None:
    """Drop what was prepared before the connection was told to leave rows out."""
    for table in ("counted_runs", "unit_of"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def fetch_units(connection: Connection) -> Columns:
    """Return the units in their order.

    Returns:
        `modality`, `object`, `dataset`, `cluster_id`; and how many references each track ranks
        on, as `full`, `core` and `counts`.
    """
    ensure_units(connection)
    return fetch_columns(
        connection,
        """SELECT u.* EXCLUDE (unit), o."full", o.core, o.counts
           FROM unit_table u JOIN (
               SELECT unit, count(*) FILTER (listed)::INTEGER AS "full",
                   count(*) FILTER (core)::INTEGER AS core,
                   count(*) FILTER (counts)::INTEGER AS counts
               FROM unit_of GROUP BY unit) o USING (unit)
           ORDER BY u.unit""",
    )
