"""What a run was asked to score: images and references without pixels or masks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cosmos_board.core.hashes import hash_file
from cosmos_board.data.pack import Pack
from cosmos_board.store.parquet import Row, write_rows
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES

_ROWS_HELD = 2048
"""Rows are written in groups of so many, so that a large pack takes no more memory than a small."""


def hash_index(folder: Path, run_id: str) -> dict[str, str]:
    """Return the sha256 of the `images` and `references` of an entry; of those that are there."""
    paths = {kind: _path(folder, run_id, kind) for kind in ("images", "references")}
    return {kind: hash_file(path) for kind, path in paths.items() if path.is_file()}


def _path(folder: Path, run_id: str, kind: str) -> Path:
    return folder / f"{run_id}.{kind}.parquet"


def write_index(folder: Path, run_id: str, pack: Pack, images: int) -> dict[str, str]:
    """Write the first `images` images of a pack, and their references, into `folder`.

    Returns:
        What `hash_index` finds of them.
    """
    kept: set[str] = set()

    def image_rows() -> Iterator[Row]:
        for row in islice(pack.iter_image_rows(), images):
            kept.add(row["image_id"])
            yield {name: row[name] for name in RUN_IMAGES.names}

    write_rows(_path(folder, run_id, "images"), RUN_IMAGES, image_rows(), rows_per_group=_ROWS_HELD)
    write_rows(
        _path(folder, run_id, "references"),
        RUN_REFERENCES,
        (
            {name: row[name] for name in RUN_REFERENCES.names}
            for row in pack.iter_reference_rows()
            if row["image_id"] in kept
        ),
        rows_per_group=_ROWS_HELD,
    )
    return hash_index(folder, run_id)
