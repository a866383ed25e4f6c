"""Units: clusters as each target sees them, the smallest things that are averaged over."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.store.queries.board_references import listed_references
from cosmos_board.store.queries.connection import (
    Columns,
    Connection,
    fetch_columns,
    fetch_rows,
    has_temporary,
)
from cosmos_board.store.queries.counted_runs import ensure_counted_runs


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One cluster as one target sees it."""

    modality: str
    object: str
    dataset: str
    cluster_id: str


def prepare_units(connection: Connection) -> None:
    """Make the temporary tables `unit_table` and `unit_of`.

    Units are numbered in the order of modality, object, dataset and cluster, so that equal data
    gives equal numbers whatever the order of rows. `unit_of` holds (reference_id, unit, diagonal,
    listed, core) for every reference: `listed` says whether boards rank on it, `core` whether a
    core run scored it, which is what the core track ranks on. `reference_count` counts the listed.
    """
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


def ensure_units(connection: Connection) -> None:
    """Make the temporary tables of units unless this connection has them."""
    if not has_temporary(connection, "unit_of"):
        prepare_units(connection)


def forget_prepared(connection: Connection) -> None:
    """Drop what was prepared before the connection was told to leave rows out."""
    for table in ("counted_runs", "unit_of"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def read_units(connection: Connection) -> tuple[Unit, ...]:
    """Return the units of the database in their order, preparing them where nobody did."""
    ensure_units(connection)
    query = "SELECT modality, object, dataset, cluster_id FROM unit_table ORDER BY unit"
    return fetch_rows(connection, Unit, query)


def fetch_units(connection: Connection) -> Columns:
    """Return the units in their order: modality, object, dataset, cluster_id, reference_count."""
    return fetch_columns(connection, "SELECT * EXCLUDE (unit) FROM unit_table ORDER BY unit")


def fetch_core_references(connection: Connection) -> Columns:
    """Return how many references of each unit core runs scored: unit, references."""
    return fetch_columns(
        connection,
        """SELECT unit, count(*)::INTEGER AS references FROM unit_of WHERE core
           GROUP BY unit ORDER BY unit""",
    )
