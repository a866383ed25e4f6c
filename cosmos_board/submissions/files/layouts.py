"""The kinds of Parquet file that a submission may hold, and what the footer of each may say.

A footer is checked before any row is decoded: columns, types, encodings and sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    physical: str
    """Parquet's own word for its type."""

    longest_bytes: int = 0
    """Of text and bytes."""

    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file must look like."""

    columns: dict[str, Column]
    most_rows: int
    largest_bytes: int
    batch_rows: int
    unpacked_bytes: int = 8 << 30
    """Most that all pages together may hold."""

    copied_bytes: int = 8 << 30
    """Most that the values of all rows that are copied may take, written out."""

    cpu_s: int = 60
    wall_s: float = 120.0

    @property
    def texts(self) -> list[str]:
        """Return the columns that hold text or bytes."""
        return [name for name, column in self.columns.items() if column.physical == "BYTE_ARRAY"]

    def make_schema(self) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """Return the schema of a clean file as Arrow has it."""
        import pyarrow as pa

        kinds = {"INT32": pa.int32(), "INT64": pa.int64(), "DOUBLE": pa.float64()}
        text = {"rle": pa.binary()}
        return pa.schema(
            [
                (name, kinds.get(column.physical) or text.get(name, pa.string()))
                for name, column in self.columns.items()
            ]
        )


LARGEST_IN_GIT_BYTES = 95 << 20
LARGEST_FOOTER_BYTES = 4 << 20
MOST_GROUPS = 1024
MOST_GROUP_ROWS = 1 << 20
LARGEST_CHUNK_BYTES = 64 << 20
LARGEST_BATCH_BYTES = 64 << 20
CLEAN_GROUP_BYTES = 8 << 20
"""Of a row group of a clean copy, which is what its reader holds at a time; one row may be more."""

LARGEST_RATIO = 200
CODECS = ("SNAPPY", "ZSTD", "UNCOMPRESSED")
ENCODINGS = frozenset({"PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"})
"""Those in which a value takes its own length in the page, or stands in a dictionary."""

MOST_METADATA_KEYS = 64
MOST_METADATA_BYTES = 256 << 10
"""Free words of writers in the footer, such as the schema of Arrow or pandas."""

SAMPLED_PREDICTIONS = "sampled predictions"
"""The layout of `predictions.parquet` on the counts track, of which only a sample is copied."""

_TEXT = Column("BYTE_ARRAY", 200)
_PREDICTIONS = {
    "reference_id": _TEXT,
    "prompt": _TEXT,
    "candidate": Column("INT32"),
    "predicted_iou": Column("DOUBLE", nullable=True),
    "height": Column("INT32"),
    "width": Column("INT32"),
    "rle": Column("BYTE_ARRAY", 4_000_000),
}
LAYOUTS = {
    "predictions.parquet": Layout(
        _PREDICTIONS,
        most_rows=2_000_000,
        largest_bytes=LARGEST_IN_GIT_BYTES,
        batch_rows=2048,
        unpacked_bytes=512 << 20,
        copied_bytes=128 << 20,
    ),
    SAMPLED_PREDICTIONS: Layout(
        _PREDICTIONS,
        most_rows=250_000_000,
        largest_bytes=10 << 30,
        batch_rows=2048,
        unpacked_bytes=64 << 30,
        copied_bytes=128 << 20,
        cpu_s=1200,
        wall_s=1500.0,
    ),
    "counts.parquet": Layout(
        dict.fromkeys(("reference_id", "prompt", "selection"), _TEXT)
        | dict.fromkeys(("tp", "fp", "fn"), Column("INT64")),
        most_rows=80_000_000,
        largest_bytes=2 << 30,
        batch_rows=65_536,
    ),
}
"""By file name, and by `SAMPLED_PREDICTIONS`."""

_SIGNED = "Int(bitWidth={}, isSigned=true)"
_TYPES = {
    "BYTE_ARRAY": ("plain text or bytes", "None", "String"),
    "DOUBLE": ("plain numbers", "None"),
    "INT32": ("plain signed integers", "None", *(_SIGNED.format(bits) for bits in (8, 16, 32))),
    "INT64": ("plain signed integers", "None", _SIGNED.format(64)),
}
"""By physical type: what is wanted, and the logical types, as pyarrow names them, that it may have:
no date, no decimal."""


class ParquetError(ValueError):
    """The file is refused; the text says why, on one line."""


def check_footer(file: Any, layout: Layout, size: int) -> None:  # noqa: ANN401
    """Refuse a file whose footer names other columns, types or sizes than its layout allows.

    Raises:
        ParquetError: With the first thing that is wrong.
    """
    _check_names(file.metadata, layout)
    _check_types(file, layout)
    _check_groups(file.metadata, layout, size)


def _check_names(metadata: Any, layout: Layout) -> None:  # noqa: ANN401
    count = metadata.num_columns
    columns = [metadata.schema.column(number) for number in range(min(count, 40))]
    paths = [column.path for column in columns]
    for column, path in zip(columns, paths, strict=True):
        if column.max_repetition_level or column.max_definition_level > 1 or "." in path:
            raise ParquetError(f"column '{path.split('.')[0]}': nested columns not allowed")
    unknown = [path for path in paths if path not in layout.columns]
    missing = [name for name in layout.columns if name not in paths]
    if missing and count <= len(layout.columns):
        raise ParquetError(f"column '{missing[0]}': missing")
    if count != len(layout.columns):
        text = f"{count} columns, want {len(layout.columns)}"
        raise ParquetError(f"column '{unknown[0]}': unknown" if 0 < len(unknown) < 20 else text)


def _check_types(file: Any, layout: Layout) -> None:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa

    columns = [file.metadata.schema.column(number) for number in range(file.metadata.num_columns)]
    for column in columns:
        physical = layout.columns[column.path].physical
        if column.physical_type != physical:
            raise ParquetError(f"column '{column.path}': {column.physical_type}, want {physical}")
    for column, field in zip(columns, file.schema_arrow, strict=True):
        name, physical, logical = field.name, column.physical_type, str(column.logical_type)
        marked = b"ARROW:extension:name" in (field.metadata or {})
        if marked or isinstance(field.type, pa.BaseExtensionType):
            raise ParquetError(f"column '{name}': extension types not allowed")
        want, *allowed = _TYPES[physical]
        if logical not in allowed:
            raise ParquetError(f"column '{name}': {physical} as {logical}, want {want}")
        if not _is_plain(field.type, physical):
            raise ParquetError(f"column '{name}': {field.type}, want {want}")


def _is_plain(kind: Any, physical: str) -> bool:  # noqa: ANN401 - pyarrow ships no types
    """Return whether Arrow, whose own schema may lie in the file too, reads what it should."""
    import pyarrow.types as types

    if physical == "BYTE_ARRAY":
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return str(kind).removeprefix("large_").removesuffix("_view") in ("string", "binary")
    return bool(types.is_floating(kind) if physical == "DOUBLE" else types.is_signed_integer(kind))


def _check_groups(metadata: Any, layout: Layout, size: int) -> None:  # noqa: ANN401
    if not 0 < metadata.num_rows <= layout.most_rows:
        raise ParquetError(f"{metadata.num_rows} rows, limit {layout.most_rows}")
    words = metadata.metadata or {}
    length = sum(map(len, (*words, *words.values())))
    if len(words) > MOST_METADATA_KEYS or length > MOST_METADATA_BYTES:
        limits = f"{MOST_METADATA_KEYS} keys or {MOST_METADATA_BYTES} bytes"
        raise ParquetError(f"metadata: more than {limits}")
    if metadata.num_row_groups > MOST_GROUPS:
        raise ParquetError(f"{metadata.num_row_groups} row groups, limit {MOST_GROUPS}")
    total = rows = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        rows += group.num_rows
        if not 0 < group.num_rows <= MOST_GROUP_ROWS:
            text = f"row group {number}: {group.num_rows} rows, limit {MOST_GROUP_ROWS}"
            raise ParquetError(text)
        for position in range(group.num_columns):
            chunk = group.column(position)
            if text := _check_chunk(chunk, group.num_rows, size):
                where = f"row group {number} column '{chunk.path_in_schema}'"
                raise ParquetError(f"{where}: {text}")
            total += chunk.total_uncompressed_size
    if rows != metadata.num_rows:
        raise ParquetError(f"row groups hold {rows} rows, footer says {metadata.num_rows}")
    if total > layout.unpacked_bytes:
        raise ParquetError(f"{total} bytes unpacked, limit {layout.unpacked_bytes}")


def _check_chunk(chunk: Any, rows: int, size: int) -> str:  # noqa: ANN401
    """Return what is wrong with one column of a row group; empty where nothing is."""
    unpacked, packed = chunk.total_uncompressed_size, chunk.total_compressed_size
    if chunk.num_values != rows:
        return f"{chunk.num_values} values, {rows} rows"
    if not 0 < unpacked <= LARGEST_CHUNK_BYTES:
        return f"{unpacked} bytes, limit {LARGEST_CHUNK_BYTES}"
    if not 0 < packed <= size:
        return f"{packed} bytes packed in a file of {size}"
    if unpacked > 1 << 20 and unpacked > packed * LARGEST_RATIO:
        return f"ratio {unpacked // packed}, limit {LARGEST_RATIO}"
    if others := sorted(set(chunk.encodings) - ENCODINGS):
        return f"encoding {others[0]} not allowed, want PLAIN or a dictionary"
    return "" if chunk.compression in CODECS else f"codec {chunk.compression} not allowed"
