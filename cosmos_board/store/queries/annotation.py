"""Readers' annotations in the board database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from cosmos_board.store.queries.connection import Columns, Connection, count_rows, fetch_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One reader's mask of one reference in one arm; a row of the table `annotations`."""

    reader: str
    image: str
    reference_id: str
    arm: str
    """`unaided` or `assisted`."""

    seconds: float
    """What this reference took."""

    tp: int
    fp: int
    fn: int
    hce: float | None
    """Human correction effort of the mask, in clicks; None where only counts are known."""


def read_sizes(connection: Connection) -> dict[str, tuple[str, int | None]]:
    """Return image id and size in pixels of every reference by id."""
    rows = connection.execute(
        "SELECT reference_id, image_id, size_px FROM reference_masks"
    ).fetchall()
    return {reference: (image, size) for reference, image, size in rows}


def write_annotations(connection: Connection, annotations: Sequence[Annotation]) -> None:
    """Add annotations; one of the same reader, reference and arm takes the place of the old."""
    connection.execute("BEGIN")
    for row in annotations:
        connection.execute(
            "DELETE FROM annotations WHERE reader = ? AND reference_id = ? AND arm = ?",
            [row.reader, row.reference_id, row.arm],
        )
    if annotations:
        connection.executemany(
            "INSERT INTO annotations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [list(astuple(row)) for row in annotations],
        )
    connection.execute("COMMIT")


def read_paired_annotations(connection: Connection) -> Columns:
    """Return reader, reference and image where both arms are there, sorted.

    Returns:
        `reader`, `image`, `dataset`, `cluster_id`, `target`, `reference_id`; for each of the
        arms `dice_`, `seconds_` and `hce_` (NaN where unknown).
    """
    return fetch_columns(
        connection,
        """
        WITH scored AS (
            SELECT *, 2.0 * tp / (2 * tp + fp + fn) AS dice FROM annotations),
        unaided AS (SELECT * FROM scored WHERE arm = 'unaided'),
        assisted AS (SELECT * FROM scored WHERE arm = 'assisted')
        SELECT u.reader, i.image_id AS image, i.dataset, i.cluster_id,
            i.modality || '.' || m.object AS target, u.reference_id,
            u.dice AS dice_unaided, a.dice AS dice_assisted,
            u.seconds AS seconds_unaided, a.seconds AS seconds_assisted,
            u.hce AS hce_unaided, a.hce AS hce_assisted
        FROM unaided u JOIN assisted a USING (reader, reference_id)
            JOIN reference_masks m USING (reference_id) JOIN images i USING (image_id)
            JOIN datasets d ON d.dataset = i.dataset
        -- nor synthetic data beside real data
        WHERE NOT d.synthetic OR NOT EXISTS (FROM datasets WHERE NOT synthetic)
        ORDER BY i.dataset, i.cluster_id, i.image_id, u.reader, u.reference_id
        """,
    )


def count_unpaired(connection: Connection) -> int:
    """Return how many annotations have no partner in the other arm."""
    return count_rows(
        connection,
        """annotations a WHERE NOT EXISTS (FROM annotations b WHERE b.reader = a.reader
            AND b.reference_id = a.reference_id AND b.arm <> a.arm)""",
    )
