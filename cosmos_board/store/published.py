"""What the website publishes for others to query: every score of every board, as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.store.schema import SCHEMA_VERSION

CELLS = pa.schema(
    [
        pa.field("track", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # overall, modality, object, target, dataset
        pa.field("slice", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("selection", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("low", pa.float32()),  # null under 10 clusters
        pa.field("high", pa.float32()),
        pa.field("rank", pa.int32()),  # null where the model is not ranked
        pa.field("references", pa.int32(), nullable=False),
        pa.field("clusters", pa.int32(), nullable=False),
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)
"""One row per model and board."""

DECIMALS = 4
"""Decimals of scores: few enough values for a dictionary, finer than any difference that counts."""

ROWS_PER_GROUP = 100_000


def pack_cells(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Return `columns` (by name, as in `CELLS`) as one Parquet file.

    Snappy, because a reader in the browser has it built in; the same columns give the same bytes.
    """
    table = pa.table([pa.array(columns[field.name], field.type) for field in CELLS], schema=CELLS)
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="snappy",
        use_dictionary=True,
        row_group_size=ROWS_PER_GROUP,
        write_statistics=True,
    )
    packed: bytes = sink.getvalue().to_pybytes()
    return packed
