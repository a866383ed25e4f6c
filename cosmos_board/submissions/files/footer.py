"""What the footer of a submitted Parquet file may say, looked at before any row is decoded."""

from __future__ import annotations

from typing import Any

from cosmos_board.submissions.files.layouts import (
    CODECS,
    LARGEST_CHUNK_BYTES,
    LARGEST_RATIO,
    MOST_GROUP_ROWS,
    MOST_GROUPS,
    Layout,
)

_SIGNED = "Int(bitWidth={}, isSigned=true)"
_MEANINGS = {
    "BYTE_ARRAY": ("None", "String"),
    "DOUBLE": ("None",),
    "INT32": ("None", *(_SIGNED.format(bits) for bits in (8, 16, 32))),
    "INT64": ("None", _SIGNED.format(64)),
}
"""What a value of a physical type may stand for, as pyarrow names it: no date, no decimal."""

_WANT = {"BYTE_ARRAY": "plain text or bytes", "DOUBLE": "plain numbers"} | dict.fromkeys(
    ("INT32", "INT64"), "plain signed integers"
)
ENCODINGS = frozenset({"PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"})
"""Those in which a value takes its own length in the page, or stands in a dictionary."""

MOST_NOTES_BYTES = 256 << 10
MOST_NOTES = 64
"""Free words of writers in the footer, such as the schema of Arrow or pandas."""


class RefusedError(ValueError):
    """The file is refused; the text says why."""


def check_footer(file: Any, layout: Layout, size: int) -> None:  # noqa: ANN401
    """Refuse a file whose footer names other columns, types or sizes than its layout allows.

    Args:
        file: An open `pyarrow.parquet.ParquetFile`, which has no types.
        layout: What the file must look like.
        size: Of the file in bytes.

    Raises:
        RefusedError: With the first thing that is wrong.
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
            raise RefusedError(f"column '{path.split('.')[0]}': nested columns not allowed")
    unknown = [path for path in paths if path not in layout.columns]
    missing = [name for name in layout.columns if name not in paths]
    if missing and count <= len(layout.columns):
        raise RefusedError(f"column '{missing[0]}': missing")
    if count != len(layout.columns):
        text = f"{count} columns, want {len(layout.columns)}"
        raise RefusedError(f"column '{unknown[0]}': unknown" if 0 < len(unknown) < 20 else text)


def _check_types(file: Any, layout: Layout) -> None:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa

    for number in range(file.metadata.num_columns):
        column = file.metadata.schema.column(number)
        wanted = layout.columns[column.path].physical
        if column.physical_type != wanted:
            raise RefusedError(f"column '{column.path}': {column.physical_type}, want {wanted}")
    for number, field in enumerate(file.schema_arrow):
        marked = b"ARROW:extension:name" in (field.metadata or {})
        if marked or isinstance(field.type, pa.BaseExtensionType):
            raise RefusedError(f"column '{field.name}': extension types not allowed")
        column = file.metadata.schema.column(number)
        wanted, said = column.physical_type, str(column.logical_type)
        if said not in _MEANINGS[wanted]:
            raise RefusedError(f"column '{field.name}': {wanted} as {said}, want {_WANT[wanted]}")
        if not _is_plain(field.type, wanted):
            raise RefusedError(f"column '{field.name}': {field.type}, want {_WANT[wanted]}")


def _is_plain(kind: Any, physical: str) -> bool:  # noqa: ANN401 - pyarrow ships no types
    """Return whether Arrow, whose own schema may lie in the file too, reads what it should."""
    import pyarrow.types as types

    if physical != "BYTE_ARRAY":
        number = types.is_floating if physical == "DOUBLE" else types.is_signed_integer
        return bool(number(kind))
    kind = kind.value_type if types.is_dictionary(kind) else kind
    views = types.is_string_view(kind) or types.is_binary_view(kind)
    texts = types.is_string(kind) or types.is_large_string(kind)
    return bool(views or texts or types.is_binary(kind) or types.is_large_binary(kind))


def _check_groups(metadata: Any, layout: Layout, size: int) -> None:  # noqa: ANN401
    if not 0 < metadata.num_rows <= layout.most_rows:
        raise RefusedError(f"{metadata.num_rows} rows, limit {layout.most_rows}")
    notes = metadata.metadata or {}
    if len(notes) > MOST_NOTES or sum(map(len, (*notes, *notes.values()))) > MOST_NOTES_BYTES:
        raise RefusedError(f"metadata: more than {MOST_NOTES} keys or {MOST_NOTES_BYTES} bytes")
    if metadata.num_row_groups > MOST_GROUPS:
        raise RefusedError(f"{metadata.num_row_groups} row groups, limit {MOST_GROUPS}")
    total = rows = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        rows += group.num_rows
        if not 0 < group.num_rows <= MOST_GROUP_ROWS:
            raise RefusedError(
                f"row group {number}: {group.num_rows} rows, limit {MOST_GROUP_ROWS}"
            )
        for position in range(group.num_columns):
            total += _check_chunk(number, group, group.column(position), size)
    if rows != metadata.num_rows:
        raise RefusedError(f"row groups hold {rows} rows, footer says {metadata.num_rows}")
    if total > layout.unpacked_bytes:
        raise RefusedError(f"{total} bytes unpacked, limit {layout.unpacked_bytes}")


def _check_chunk(number: int, group: Any, chunk: Any, size: int) -> int:  # noqa: ANN401
    where = f"row group {number} column '{chunk.path_in_schema}'"
    if chunk.num_values != group.num_rows:
        raise RefusedError(f"{where}: {chunk.num_values} values, {group.num_rows} rows")
    unpacked, packed = chunk.total_uncompressed_size, chunk.total_compressed_size
    if not 0 < unpacked <= LARGEST_CHUNK_BYTES:
        raise RefusedError(f"{where}: {unpacked} bytes, limit {LARGEST_CHUNK_BYTES}")
    if not 0 < packed <= size:
        raise RefusedError(f"{where}: {packed} bytes packed in a file of {size}")
    if unpacked > 1 << 20 and unpacked > packed * LARGEST_RATIO:
        raise RefusedError(f"{where}: ratio {unpacked // packed}, limit {LARGEST_RATIO}")
    if others := sorted(set(chunk.encodings) - ENCODINGS):
        raise RefusedError(f"{where}: encoding {others[0]} not allowed, want PLAIN or a dictionary")
    if chunk.compression not in CODECS:
        raise RefusedError(f"{where}: codec {chunk.compression} not allowed")
    return int(unpacked)
