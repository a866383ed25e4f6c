"""What a run was asked to score: images and references without pixels or masks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cosmos_board.data.pack import Pack
from cosmos_board.store.parquet import Row, write_rows
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES

_ROWS_HELD = 2048
"""Rows are written in groups of so many, so that a large pack takes no more memory than a small."""


def write_index(folder: Path, run_id: str, pack: Pack, images: int) -> None:
    """Write the first `images` images of a pack, and their references, into `folder`."""
    kept: set[str] = set()

    def image_rows() -> Iterator[Row]:
        for row in islice(pack.iter_image_rows(), images):
            kept.add(row["image_id"])
            yield {name: row[name] for name in RUN_IMAGES.names}

    write_rows(
        folder / f"{run_id}.images.parquet", RUN_IMAGES, image_rows(), rows_per_group=_ROWS_HELD
    )
    write_rows(
        folder / f"{run_id}.references.parquet",
        RUN_REFERENCES,
        (
            {name: row[name] for name in RUN_REFERENCES.names}
            for row in pack.iter_reference_rows()
            if row["image_id"] in kept
        ),
        rows_per_group=_ROWS_HELD,
    )
