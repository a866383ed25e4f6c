"""What git holds of a pack that continuous integration cannot rebuild: its index, no masks.

`submissions/_packs/NAME/` has `pack.json` and `references.parquet`, only where the licence lets ids
be public. Counts are checked and ranked by it; whoever holds the pack audits them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from cosmos_board.core.errors import InputError
from cosmos_board.core.factors import Factors
from cosmos_board.data.catalog.licence import may
from cosmos_board.data.pack import Pack
from cosmos_board.data.pack.info import INFO_NAME, PackInfo, dump_info, read_info
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import iter_rows, write_rows
from cosmos_board.store.schema import SCHEMA_VERSION
from cosmos_board.submissions.checks.sample import Listing

PACKS = "_packs"
"""Folder below that of submissions; no slug begins so."""

_FILE = "references.parquet"
_INDEX = pa.schema(
    [
        *(
            pa.field(name, pa.string(), nullable=False)
            for name in ("reference_id", "image_id", "cluster_id", "modality", "object")
        ),
        *(
            pa.field(name, pa.int32(), nullable=False)
            for name in ("instance", "height", "width", "area_px")
        ),
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)


class PackIndex:
    """The references of a pack as git lists them."""

    def __init__(self, info: PackInfo, path: Path) -> None:
        """Use `read_pack_indices` instead."""
        self.info = info
        self._path = path

    def iter_image_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per image."""
        seen: set[str] = set()
        for row in iter_rows(self._path, _INDEX):
            if row["image_id"] not in seen:
                seen.add(row["image_id"])
                yield {"dataset": self.info.name, **row}

    def iter_reference_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per reference; of its factors only the size is known."""
        factors = dict.fromkeys(Factors.__dataclass_fields__)
        for row in iter_rows(self._path, _INDEX):
            yield {**row, **factors, "size_px": row["area_px"]}


def write_pack_index(root: Path, pack: Pack) -> Path:
    """Write the index of `pack` below the submissions folder `root` and return its folder.

    Raises:
        InputError: If the licence does not let ids of its images be public.
        StorageError: If the disk fails.
    """
    info = pack.info
    if not may(info.name, "publish_row_ids", dict.fromkeys(info.permissions, True)):
        raise InputError(pack.path, "licence", "does not let row ids be public", want="summaries")
    folder = root / PACKS / info.name
    folder.mkdir(parents=True, exist_ok=True)
    images = {row["image_id"]: row for row in pack.iter_image_rows()}
    rows = (
        {**images[row["image_id"]], **row, "area_px": row["size_px"]}
        for row in pack.iter_reference_rows()
    )
    write_rows(folder / _FILE, _INDEX, sorted(rows, key=lambda row: str(row["reference_id"])))
    write_bytes(folder / INFO_NAME, dump_info(info))
    return folder


def read_pack_indices(root: Path) -> tuple[PackIndex, ...]:
    """Return the indices below the submissions folder `root`, by name.

    Raises:
        InputError: If one is damaged.
    """
    folders = sorted(path for path in (root / PACKS).glob("*") if path.is_dir())
    return tuple(PackIndex(read_info(folder), folder / _FILE) for folder in folders)


def list_known(packs: Sequence[Pack], root: Path) -> list[Listing]:
    """Return `packs`, and the indices in the submissions folder `root` of packs that are not here.

    Raises:
        InputError: If an index is damaged.
    """
    here = {pack.info.name for pack in packs}
    return [*packs, *(one for one in read_pack_indices(root) if one.info.name not in here)]
