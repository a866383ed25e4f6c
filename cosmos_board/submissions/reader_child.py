"""Reads one submitted Parquet file in a process of its own and writes a clean copy.

`python -I -m cosmos_board.submissions.reader_child LAYOUT FILE COPY [WANTED]`: one JSON line on
stdout, `{"rows": n}` or `{"refused": reason}`. WANTED is a JSON file, a list of reference ids for
each prompt: only those rows are copied. pyarrow can be made to abort by a few bytes of a footer, so
whoever calls this takes any other end as a refusal.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any, TypeAlias

from cosmos_board.submissions.footer import RefusedError, check_footer
from cosmos_board.submissions.layouts import LARGEST_BATCH_BYTES, LAYOUTS, Layout

MEMORY_BYTES = 448 << 20
"""Of data; the interpreter's own code comes on top."""

LARGEST_COPY_BYTES = 4 << 30
LARGEST_SAMPLE_BYTES = 256 << 20
MOST_PER_KEY = 3


def main() -> None:
    """Limit this process, read, answer."""
    layout, path, copy = LAYOUTS[sys.argv[1]], sys.argv[2], sys.argv[3]
    _limit(layout.cpu_s)
    import pyarrow as pa

    try:
        wanted = _read_wanted(sys.argv[4]) if len(sys.argv) > 4 else None
        answer: dict[str, object] = {"rows": _copy(path, copy, layout, wanted)}
    except RefusedError as error:
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


def _limit(cpu_s: int) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_COPY_BYTES),
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_AS, 4 << 30),
    ):
        resource.setrlimit(what, (most, most))


_Wanted: TypeAlias = dict[str, set[str]]
"""Reference ids by prompt."""


def _read_wanted(path: str) -> _Wanted:
    with open(path, encoding="utf-8") as file:
        return {prompt: set(ids) for prompt, ids in json.load(file).items()}


def _copy(path: str, copy: str, layout: Layout, wanted: _Wanted | None) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _open(path) as file:
        check_footer(file, layout, os.stat(path).st_size)
    words = [name for name, column in layout.columns.items() if column.physical == "BYTE_ARRAY"]
    schema = pa.schema([(name, _type_of(name, layout)) for name in layout.columns])
    rows = kept = size = 0
    most = None if wanted is None else MOST_PER_KEY * sum(map(len, wanted.values()))
    with (
        _open(path, read_dictionary=words) as file,  # so that a value is held once
        pq.ParquetWriter(copy, schema, compression="zstd", compression_level=1) as writer,
    ):
        for batch in _iter_checked(file, layout):
            rows += batch.num_rows
            if wanted is not None:
                batch = _choose(batch, wanted)
            columns = [
                _plain(batch.column(name), schema.field(name).type) for name in layout.columns
            ]
            clean = pa.RecordBatch.from_arrays(columns, schema=schema)
            kept += clean.num_rows
            size += clean.nbytes
            if most is not None and (kept > most or size > LARGEST_SAMPLE_BYTES):
                raise RefusedError(f"more than {most} rows or {size} bytes for the sample")
            if clean.num_rows:
                writer.write_batch(clean)
        if rows != file.metadata.num_rows:
            raise RefusedError(f"{rows} rows decoded, footer says {file.metadata.num_rows}")
    return rows


def _choose(batch: Any, wanted: _Wanted) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the rows of a batch whose reference is asked for under its prompt."""
    import pyarrow as pa

    ids, prompts = (  # decoded row by row: a dictionary may hold far more than the batch
        _plain(batch.column(name), pa.string()).to_pylist() for name in ("reference_id", "prompt")
    )
    keep = [one in wanted.get(prompt, ()) for one, prompt in zip(ids, prompts, strict=True)]
    return batch.filter(pa.array(keep, pa.bool_()))


def _open(path: str, **options: object) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow.parquet as pq

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


def _type_of(name: str, layout: Layout) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa

    kinds = {"INT32": pa.int32(), "INT64": pa.int64(), "DOUBLE": pa.float64()}
    text = pa.binary() if name == "rle" else pa.string()
    return kinds.get(layout.columns[name].physical, text)


def _plain(column: Any, wanted: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(wanted)


def _iter_checked(file: Any, layout: Layout) -> Iterator[Any]:  # noqa: ANN401
    first = 0
    # Group by group: what a dictionary holds of one must not be kept while the next is read.
    groups = ([number] for number in range(file.metadata.num_row_groups))
    for batch in (
        batch
        for group in groups
        for batch in file.iter_batches(layout.batch_rows, row_groups=group, use_threads=False)
    ):
        batch.validate(full=True)
        size = 0
        for name in layout.columns:
            size += _check_values(name, batch.column(name), layout, first)
        if size > LARGEST_BATCH_BYTES:
            raise RefusedError(f"row {first}: {size} bytes in {batch.num_rows} rows")
        yield batch
        first += batch.num_rows


def _check_values(name: str, column: Any, layout: Layout, first: int) -> int:  # noqa: ANN401
    """Return the bytes of the values once they are written out."""
    import pyarrow.compute as pc

    rules = layout.columns[name]
    if column.null_count and not rules.nullable:
        row = first + int(pc.index(column.is_null(), True).as_py())
        raise RefusedError(f"row {row}: {name}: null")
    if rules.physical != "BYTE_ARRAY":
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    longest = pc.max(lengths).as_py() or 0
    if longest > rules.longest_bytes:
        row = first + int(pc.index(lengths, longest).as_py())
        what = "counts length" if name == "rle" else "length"
        bound = f"outside 1..{rules.longest_bytes}"
        raise RefusedError(f"row {row}: {name}: {what} {longest} {bound}")
    return int(pc.sum(pc.cast(lengths, "int64")).as_py() or 0)


if __name__ == "__main__":
    main()
