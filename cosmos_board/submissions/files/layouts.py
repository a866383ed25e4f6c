"""The two kinds of Parquet file that a submission may hold, and the limits of each."""

from __future__ import annotations

from dataclasses import dataclass


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

    kept_bytes: int = 8 << 30
    """Most that the values of all rows that are kept may take, written out."""

    cpu_s: int = 60
    wall_s: float = 120.0


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

FULL_PREDICTIONS = "full predictions"
"""The layout of `predictions.parquet` on the full track, of which only a sample is ever kept."""

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
        kept_bytes=128 << 20,
    ),
    FULL_PREDICTIONS: Layout(
        _PREDICTIONS,
        most_rows=250_000_000,
        largest_bytes=10 << 30,
        batch_rows=2048,
        unpacked_bytes=64 << 30,
        kept_bytes=128 << 20,
        cpu_s=1200,
        wall_s=1500.0,
    ),
    "counts.parquet": Layout(
        {
            "reference_id": _TEXT,
            "prompt": _TEXT,
            "selection": _TEXT,
            "tp": Column("INT64"),
            "fp": Column("INT64"),
            "fn": Column("INT64"),
        },
        most_rows=80_000_000,
        largest_bytes=2 << 30,
        batch_rows=65_536,
    ),
}
"""By file name, and by `FULL_PREDICTIONS`."""
