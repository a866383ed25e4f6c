"""What the website publishes for others to query: every score of every board, as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cosmos_board.store.schema import SCHEMA_VERSION

NUMBER = pa.decimal128(9, 4)
"""Four decimals, finer than any difference that counts; kept as small differences of integers."""

CELLS = pa.schema(
    [
        pa.field("track", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # overall, modality, object, target, dataset
        pa.field("slice", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("selection", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("score", NUMBER, nullable=False),
        pa.field("low", NUMBER),  # null under 10 clusters
        pa.field("high", NUMBER),
        pa.field("rank", pa.int32()),  # null where the model is not ranked
        pa.field("references", pa.int32(), nullable=False),
        pa.field("clusters", pa.int32(), nullable=False),
        pa.field("synthetic", pa.bool_(), nullable=False),  # never averaged with real images
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)
"""One row per model and board."""

ROWS_PER_GROUP = 100_000


def pack_cells(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Return `columns` (by name, as in `CELLS`) as one Parquet file.

    Snappy, because a reader in the browser has it built in; the same columns give the same bytes.
    """
    arrays = [_array(columns[field.name], field.type) for field in CELLS]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(arrays, schema=CELLS),
        sink,
        compression="snappy",
        use_dictionary=[field.name for field in CELLS if pa.types.is_string(field.type)],
        column_encoding={
            field.name: "DELTA_BINARY_PACKED"
            for field in CELLS
            if not pa.types.is_string(field.type) and not pa.types.is_boolean(field.type)
        },
        store_decimal_as_integer=True,
        row_group_size=ROWS_PER_GROUP,
        write_statistics=True,
    )
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_decimal(kind):
        return pa.array(values, kind)
    rounded = pc.round(pa.array(values, pa.float64()), kind.scale)
    return rounded.cast(kind, safe=False)
