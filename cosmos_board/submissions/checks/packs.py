"""The packs that a submission names: known here, of that version, and open to public rows.

`submissions/_packs/NAME/` holds the index of a pack that continuous integration cannot rebuild:
`pack.json` and `references.parquet`, no masks, and only where the licence lets ids be public.
Counts are checked and ranked by it; whoever holds the pack audits them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.targets import Factors
from cosmos_board.data.catalog.licence import may
from cosmos_board.data.pack import Pack
from cosmos_board.data.pack.info import INFO_NAME, PackInfo, dump_info, read_info
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import iter_rows, write_rows
from cosmos_board.store.schema import SCHEMA_VERSION
from cosmos_board.submissions.checks.references import Listing, ReferenceIndex
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem

PACKS = "_packs"
"""Folder below that of submissions; no slug begins so."""

_PUBLIC = ("publish_row_ids", "publish_predictions")
_FILE = "references.parquet"
_TEXTS = ("reference_id", "image_id", "cluster_id", "modality", "object")
_NUMBERS = ("instance", "height", "width", "area_px")
_INDEX = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS),
        *(pa.field(name, pa.int32(), nullable=False) for name in _NUMBERS),
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)


class PackIndex:
    """The references of a pack as git lists them."""

    def __init__(self, folder: Path) -> None:
        """Read what `write_pack_index` wrote.

        Raises:
            InputError: If it is damaged.
        """
        self.info: PackInfo = read_info(folder)
        self._path = folder / _FILE

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


def list_known(packs: Sequence[Pack], root: Path) -> list[Listing]:
    """Return `packs`, and the indices in the submissions folder `root` of packs that are not here.

    Raises:
        InputError: If an index is damaged.
    """
    here = {pack.info.name for pack in packs}
    folders = sorted(path for path in (root / PACKS).glob("*") if path.is_dir())
    indices = [PackIndex(folder) for folder in folders]
    return [*packs, *(index for index in indices if index.info.name not in here)]


def check_packs(
    manifest: Manifest, indices: Iterable[ReferenceIndex], place: str
) -> Iterator[Problem]:
    """Yield what is wrong with the packs that a manifest names; `indices` are those known here."""
    known = {index.pack: index for index in indices}
    for number, use in enumerate(manifest.packs):
        name = f"packs[{number}]"
        index = known.get(use.name)
        declared = None if index is None else dict.fromkeys(index.permissions, True)
        try:
            public = all(may(use.name, action, declared) for action in _PUBLIC)
        except UnknownNameError:
            text = f"'{use.name}' unknown, see: cosmos-board data list"
            yield Problem(place, f"{name}.name", text)
            continue
        if not public:
            text = f"rows from '{use.name}': public rows not permitted, use the summary route"
            yield Problem(place, f"{name}.name", text)
        elif index is None:
            text = f"no pack '{use.name}' here to check against; held for who has it"
            yield Problem(place, f"{name}.name", text, "held")
        else:
            for key, got, want in (
                ("content_sha256", use.content_sha256, index.content_sha256),
                ("prompts_sha256", use.prompts_sha256, index.prompts_sha256),
                ("sample_sha256", use.sample_sha256, index.sha256),
            ):
                if got != want:
                    text = f"{got[:12]}... retired or unknown, want {want[:12]}..."
                    yield Problem(place, f"{name}.{key}", text)
