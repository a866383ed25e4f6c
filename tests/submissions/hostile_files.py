"""Parquet files made to break their reader; every one is a few kilobytes at most."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def to_bytes(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401 - options of pyarrow
    """Return the file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def with_columns(table: pa.Table, **columns: Any) -> pa.Table:  # noqa: ANN401 - arrays of pyarrow
    """Return `table` with columns replaced or added; None drops one."""
    for name, values in columns.items():
        if name in table.column_names:
            place = table.column_names.index(name)
            table = table.remove_column(place)
        else:
            place = table.num_columns
        if values is not None:
            table = table.add_column(place, name, [values])
    return table


def many_rows(rows: int) -> bytes:
    """Return millions of rows of one constant; the file stays small."""
    sink = io.BytesIO()
    schema = pa.schema(
        [
            ("reference_id", pa.dictionary(pa.int32(), pa.string())),
            ("prompt", pa.dictionary(pa.int32(), pa.string())),
            ("candidate", pa.int32()),
            ("predicted_iou", pa.float64()),
            ("height", pa.int32()),
            ("width", pa.int32()),
            ("rle", pa.dictionary(pa.int32(), pa.binary())),
        ]
    )
    step = 500_000
    zeros = np.zeros(step, np.int32)
    columns = []
    for field in schema:
        if pa.types.is_dictionary(field.type):
            values = pa.array(["box"] if field.name != "rle" else [b"4"], field.type.value_type)
            columns.append(pa.DictionaryArray.from_arrays(pa.array(zeros), values))
        else:
            columns.append(pa.array(zeros, field.type))
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    with pq.ParquetWriter(sink, schema, compression="zstd", store_schema=False) as writer:
        for _ in range(rows // step):
            writer.write_batch(batch, row_group_size=step)
    return sink.getvalue()


def long_words(table: pa.Table, rows: int, size: int) -> bytes:
    """Return one value of `size` bytes repeated `rows` times, written once as a dictionary."""
    word = pa.array(["x" * size])
    repeated = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), word)
    longer = pa.concat_tables([table.slice(0, 1)] * rows).combine_chunks()
    made = with_columns(longer, prompt=None)
    made = made.add_column(1, "prompt", [repeated])
    return to_bytes(made, compression="zstd", store_schema=False, dictionary_pagesize_limit=1 << 30)


def cut_footer(data: bytes, length: int) -> bytes:
    """Return `data` with another length of the footer."""
    return data[:-8] + length.to_bytes(4, "little") + b"PAR1"


def rename_in_footer(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return `data` with a name in its footer replaced by one of the same length."""
    footer = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - footer] + data[-8 - footer :].replace(old, new)
