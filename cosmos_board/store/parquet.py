"""Parquet files: written whole or not at all, read only when they are what they claim to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.store.files import open_whole
from cosmos_board.store.schema import SCHEMA_VERSION, list_columns

Row: TypeAlias = dict[str, Any]
"""One row by column name; its types are those of the schema."""

ROWS_PER_GROUP = 1 << 16
"""Rows that are held at once where the caller does not say otherwise."""

_LARGEST_GROUP_BYTES = 1 << 30


def make_table(schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return `rows` as a table of `schema`; every row names every column.

    Example:
        >>> from cosmos_board.store.schema import QUARANTINE
        >>> make_table(QUARANTINE, []).num_rows
        0
    """
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def write_table(path: Path, table: pa.Table) -> None:
    """Write `table` to `path`, whole or not at all; equal tables give equal bytes.

    Like all that writes here, it raises StorageError where the disk is full, read-only or gone.
    """
    write_batches(path, table.schema, table.to_batches(ROWS_PER_GROUP))


def write_rows(
    path: Path,
    schema: pa.Schema,
    rows: Iterable[Mapping[str, Any]],
    *,
    rows_per_group: int = ROWS_PER_GROUP,
) -> None:
    """Write `rows` to `path` as they come, holding one row group at a time."""
    write_batches(path, schema, _chunk(schema, rows, rows_per_group))


def write_batches(
    path: Path, schema: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]
) -> None:
    """Write one row group per batch to `path`, whole or not at all."""
    # Floats and counts hardly repeat, and pictures and masks never do: a dictionary would cost
    # half of the time and a quarter of the space.
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    rare = (pa.float64(), pa.int64(), pa.binary())
    words = [field.name for field in schema if field.type not in rare]
    with (
        open_whole(path) as file,
        pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=words,
            use_byte_stream_split=floats,
            write_page_checksum=True,
        ) as writer,
    ):
        for batch in batches:
            _refuse_nulls(path, schema, batch)
            writer.write(batch)


def iter_batches(
    path: Path,
    schema: pa.Schema,
    columns: Sequence[str] | None = None,
    *,
    rows_per_batch: int = ROWS_PER_GROUP,
    row_groups: Sequence[int] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `path`, or `columns` of them, or those of `row_groups`, in order.

    A column that an older file lacks comes as null.

    Raises:
        InputError: If the file is absent, damaged, newer than us or has other columns.
        StorageError: If the disk fails.
    """
    with _reading(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        present = _refuse_other_schema(path, file.schema_arrow, schema)
        _refuse_huge_groups(path, file.metadata)
        wanted = [name for name in schema.names if columns is None or name in columns]
        for batch in file.iter_batches(
            rows_per_batch,
            row_groups=row_groups,
            columns=[name for name in wanted if name in present],
            use_threads=False,
        ):
            batch.validate(full=True)
            _refuse_nulls(path, schema, batch)
            yield _fill(batch, schema, wanted)


def iter_rows(
    path: Path,
    schema: pa.Schema,
    columns: Sequence[str] | None = None,
    *,
    rows_per_batch: int = 256,
) -> Iterator[Row]:
    """Yield the rows of `path` in order, holding one batch at a time; errors as `iter_batches`."""
    for batch in iter_batches(path, schema, columns, rows_per_batch=rows_per_batch):
        yield from batch.to_pylist()


def count_rows(path: Path, schema: pa.Schema) -> tuple[int, ...]:
    """Return the rows of each row group of `path`, from its footer; errors as `iter_batches`."""
    with _reading(path), pq.ParquetFile(path) as file:
        _refuse_other_schema(path, file.schema_arrow, schema)
        return tuple(
            file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)
        )


def count_rows_of(path: Path, schema: pa.Schema) -> int:
    """Return the rows of a file that has at least the columns of its version, from its footer.

    Raises:
        InputError: If the file is absent, damaged, newer than us or lacks a column.
        StorageError: If the disk fails.
    """
    with _reading(path), pq.ParquetFile(path) as file:
        version = _read_version(path, file.schema_arrow) or SCHEMA_VERSION
        wanted = list_columns(schema, version)
        if missing := [name for name in wanted if name not in file.schema_arrow.names]:
            raise InputError(path, missing[0], "this column is missing")
        return int(file.metadata.num_rows)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    # pyarrow says OSError both for a failing disk (with errno) and for damaged pages (without).
    if not path.exists():
        raise InputError(path, "", "does not exist")
    if not path.is_file():
        raise InputError(path, "", "is no file but a folder, a pipe or a device")
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise describe_os_error(path, "read", error) from error
        raise InputError(path, "", f"is damaged: {error}") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(path, "", f"is damaged or no Parquet file: {error}") from error


def _refuse_other_schema(path: Path, given: pa.Schema, schema: pa.Schema) -> list[str]:
    """Refuse a file that is not as its version declares it; return its columns."""
    if not (version := _read_version(path, given)):
        raise InputError(path, "schema_version", "is missing", want=SCHEMA_VERSION)
    wanted = list_columns(schema, version)
    if given.names != wanted:
        others = sorted(set(given.names) ^ set(wanted)) or given.names
        problem = f"are not the expected ones: {', '.join(others)}"
        raise InputError(path, "columns", problem, want=wanted)
    for name in wanted:
        if (kind := given.field(name).type) != (want := schema.field(name).type):
            raise InputError(path, name, "has another type", got=kind, want=want)
    return wanted


def _read_version(path: Path, given: pa.Schema) -> int:
    """Return the version of a file, 0 where it does not say; refuse one of a newer program."""
    stamp = (given.metadata or {}).get(b"schema_version", b"").decode(errors="replace")
    if stamp.isdecimal() and int(stamp) > SCHEMA_VERSION:
        problem = "is newer than this program"
        raise InputError(path, "schema_version", problem, got=stamp, want=SCHEMA_VERSION)
    return int(stamp) if stamp.isdecimal() else 0


def _refuse_huge_groups(path: Path, metadata: Any) -> None:  # noqa: ANN401
    for group in range(metadata.num_row_groups):
        if (size := metadata.row_group(group).total_byte_size) > _LARGEST_GROUP_BYTES:
            got, want = f"{size} bytes", f"at most {_LARGEST_GROUP_BYTES}"
            raise InputError(path, f"row group {group}", "is too large to read", got=got, want=want)


def _refuse_nulls(path: Path, schema: pa.Schema, batch: pa.Table | pa.RecordBatch) -> None:
    for name in batch.schema.names:
        if not schema.field(name).nullable and batch.column(name).null_count:
            raise InputError(path, name, "has a row without a value")


def _fill(batch: pa.RecordBatch, schema: pa.Schema, wanted: Sequence[str]) -> pa.RecordBatch:
    """Return a batch with the `wanted` columns of `schema`; null where it has none."""
    if len(wanted) == batch.num_columns:
        return batch
    columns = [
        batch.column(name)
        if name in batch.schema.names
        else pa.nulls(batch.num_rows, schema.field(name).type)
        for name in wanted
    ]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([schema.field(n) for n in wanted]))


def _chunk(
    schema: pa.Schema, rows: Iterable[Mapping[str, Any]], rows_per_group: int
) -> Iterator[pa.Table]:
    remaining = iter(rows)
    while group := list(islice(remaining, rows_per_group)):
        yield make_table(schema, group)
