"""Reads one submitted Parquet file in a process of its own and writes a clean copy.

`python -I -m cosmos_board.submissions.files.reader_child LAYOUT MOST_ROWS FILE COPY [WANTED]`:
one JSON line on stdout, `{"rows": n}` or `{"refused": reason}`. WANTED is a JSON file, a
list of reference ids for each prompt: only those rows are copied. pyarrow can be made to abort by
a few bytes of a footer, so whoever calls this takes any other end as a refusal.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cosmos_board.core.rle import LARGEST_SIDE, MOST_PIXELS, check_size
from cosmos_board.submissions.files.layouts import (
    CLEAN_GROUP_BYTES,
    LARGEST_BATCH_BYTES,
    LAYOUTS,
    Layout,
    ParquetError,
    check_footer,
)

MEMORY_BYTES = 448 << 20
"""Of data; the interpreter's own code comes on top."""

LARGEST_COPY_BYTES = 4 << 30
MOST_PER_KEY = 3


def main() -> None:
    """Limit this process, read, answer."""
    name, most_rows, path, copy, *listed = sys.argv[1:]
    layout = replace(LAYOUTS[name], most_rows=min(LAYOUTS[name].most_rows, int(most_rows)))
    for what, most in (
        (resource.RLIMIT_CPU, layout.cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_COPY_BYTES),
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_AS, 4 << 30),
    ):
        resource.setrlimit(what, (most, most))
    try:
        wanted = None
        if listed:
            texts = json.loads(Path(listed[0]).read_text("utf-8"))
            wanted = {prompt: set(ids) for prompt, ids in texts.items()}
        answer: dict[str, object] = {"rows": _copy(path, copy, layout, wanted)}
    except ParquetError as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": f"needs more than {MEMORY_BYTES >> 20} MiB to read"}
    except UnicodeDecodeError:
        answer = {"refused": "schema: column name is not UTF-8"}
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:80]
        answer = {"refused": f"unreadable: {type(error).__name__}: {reason}"}
    print(json.dumps(answer))  # noqa: T201 - the answer to the parent
    sys.stdout.flush()
    os._exit(0)  # what pyarrow holds need not be taken down in order


_Wanted: TypeAlias = dict[str, set[str]]
"""Reference ids by prompt."""


def _copy(path: str, copy: str, layout: Layout, wanted: _Wanted | None) -> int:
    with _open(path) as file:
        check_footer(file, layout, os.stat(path).st_size)
    schema = layout.make_schema()
    rows = copied = size = 0
    most = None if wanted is None else MOST_PER_KEY * sum(map(len, wanted.values()))
    with (
        _open(path, read_dictionary=layout.texts) as file,  # so that a value is held once
        pq.ParquetWriter(copy, schema, compression="zstd", compression_level=1) as writer,
    ):
        for batch in _iter_checked(file, layout):
            rows += batch.num_rows
            if wanted is not None:
                batch = _choose(batch, wanted)
            columns = [_plain(batch.column(field.name), field.type) for field in schema]
            clean = pa.RecordBatch.from_arrays(columns, schema=schema)
            copied += clean.num_rows
            size += clean.nbytes
            if most is not None and copied > most:
                raise ParquetError(f"more than {most} rows for the sample")
            if size > layout.copied_bytes:
                raise ParquetError(f"more than {layout.copied_bytes} bytes written out")
            for part in _cut(clean):
                writer.write_batch(part)
        if rows != file.metadata.num_rows:
            raise ParquetError(f"{rows} rows decoded, footer says {file.metadata.num_rows}")
    return rows


def _cut(batch: Any) -> Iterator[Any]:  # noqa: ANN401 - pyarrow ships no types
    """Yield the rows of a batch in parts of `CLEAN_GROUP_BYTES` at most, or of one row."""
    if batch.num_rows > 1 and batch.nbytes > CLEAN_GROUP_BYTES:
        half = batch.num_rows // 2
        yield from _cut(batch.slice(0, half))
        yield from _cut(batch.slice(half))
    elif batch.num_rows:
        yield batch


def _choose(batch: Any, wanted: _Wanted) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the rows of a batch whose reference is asked for under its prompt."""
    ids, prompts = (  # decoded row by row: a dictionary may hold far more than the batch
        _plain(batch.column(name), pa.string()).to_pylist() for name in ("reference_id", "prompt")
    )
    keep = [name in wanted.get(prompt, ()) for name, prompt in zip(ids, prompts, strict=True)]
    return batch.filter(pa.array(keep, pa.bool_()))


def _open(path: str, **options: object) -> Any:  # noqa: ANN401 - pyarrow ships no types
    return pq.ParquetFile(
        path,
        pre_buffer=False,
        buffer_size=1 << 16,
        memory_map=False,
        thrift_string_size_limit=1 << 20,
        thrift_container_size_limit=100_000,
        arrow_extensions_enabled=False,
        **options,
    )


def _plain(column: Any, wanted: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(wanted)


def _iter_checked(file: Any, layout: Layout) -> Iterator[Any]:  # noqa: ANN401
    first = 0
    # Group by group: what a dictionary holds of one must not be kept while the next is read.
    for group in range(file.metadata.num_row_groups):
        for batch in file.iter_batches(layout.batch_rows, row_groups=[group], use_threads=False):
            batch.validate(full=True)
            batch = _encode_texts(batch, layout)
            size = sum(_check_values(name, batch.column(name), layout, first)
                       for name in layout.columns)  # fmt: skip
            if size > LARGEST_BATCH_BYTES:
                raise ParquetError(f"row {first}: {size} bytes in {batch.num_rows} rows")
            if "rle" in layout.columns:
                _check_lengths(batch, first)
            yield batch
            first += batch.num_rows


def _encode_texts(batch: Any, layout: Layout) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the batch with every text in a dictionary, also where the file asks for no such."""
    for number, field in enumerate(batch.schema):
        if field.name in layout.texts and not pa.types.is_dictionary(field.type):
            column = batch.column(number).cast(pa.binary()).dictionary_encode()
            batch = batch.set_column(number, field.name, column)
    return batch


def _check_values(name: str, column: Any, layout: Layout, first: int) -> int:  # noqa: ANN401
    """Return the bytes of the values once they are written out."""
    rules = layout.columns[name]
    if column.null_count and not rules.nullable:
        row = first + int(pc.index(column.is_null(), True).as_py())
        raise ParquetError(f"row {row}: {name}: null")
    if rules.physical != "BYTE_ARRAY":
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    longest = pc.max(lengths).as_py() or 0
    if longest > rules.longest_bytes:
        row = first + int(pc.index(lengths, longest).as_py())
        what = "counts length" if name == "rle" else "length"
        bound = f"outside 1..{rules.longest_bytes}"
        raise ParquetError(f"row {row}: {name}: {what} {longest} {bound}")
    return int(pc.sum(pc.cast(lengths, "int64")).as_py() or 0)


def _check_lengths(batch: Any, first: int) -> None:  # noqa: ANN401 - pyarrow ships no types
    """Refuse images of no size, and counts that are longer than those of any mask of theirs."""
    height, width = (batch.column(name).to_numpy().astype(np.int64) for name in ("height", "width"))
    rle = batch.column("rle")
    length = pc.binary_length(rle.dictionary).take(rle.indices).to_numpy()
    sides = np.stack([height, width])
    pixels = height * width  # of int32: no overflow
    wrong = (sides < 1).any(axis=0) | (sides > LARGEST_SIDE).any(axis=0) | (pixels > MOST_PIXELS)
    wrong |= (length < 1) | (length > pixels + 1)
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    try:
        check_size(int(height[row]), int(width[row]))
    except ValueError as error:
        raise ParquetError(f"row {first + row}: rle: {error}") from None
    bound = f"outside 1..{pixels[row] + 1}"
    raise ParquetError(f"row {first + row}: rle: counts length {length[row]} {bound}")


if __name__ == "__main__":
    main()
