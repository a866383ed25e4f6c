"""The volumes of a pack, read one at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.volumes import Volume, VolumePrompt, VolumeReference
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.pack.pack import Pack
from cosmos_board.data.pack.png import decode_png, hash_pixels, make_image_id, make_volume_id
from cosmos_board.data.pack.volume_rows import make_reference, make_volume_prompts
from cosmos_board.store.parquet import Row, count_rows, iter_batches
from cosmos_board.store.schema import (
    PACK_SLICES,
    PACK_VOLUME_PROMPTS,
    PACK_VOLUME_REFERENCES,
    PACK_VOLUMES,
)

VOLUME_TABLES = {
    "volumes": PACK_VOLUMES,
    "slices": PACK_SLICES,
    "volume_references": PACK_VOLUME_REFERENCES,
    "volume_prompts": PACK_VOLUME_PROMPTS,
}
"""Schema of each folder; row group n of a file holds what belongs to the volume of row n."""


@dataclass(frozen=True, slots=True, eq=False)
class VolumeItem:
    """One volume with everything that a pack holds about it."""

    volume: Volume
    references: tuple[VolumeReference, ...]
    """In the order of object and instance; never empty."""

    prompts: Mapping[str, Mapping[str, VolumePrompt]]
    """By volume reference id, then by prompt name."""


@dataclass(frozen=True, slots=True)
class _Place:
    part: str
    group: int


class PackVolumes:
    """The volumes of a pack that keeps them; none of a pack that does not."""

    def __init__(self, pack: Pack) -> None:
        """Nothing is read before it is asked for."""
        self.pack = pack
        self._places: tuple[_Place, ...] | None = None

    def __len__(self) -> int:
        return len(self._find_places())

    def iter_rows(self) -> Iterator[Row]:
        """Yield the rows of `volumes/`."""
        for place in self._find_places():
            yield from self._read(place, "volumes")

    def iter_reference_rows(self) -> Iterator[Row]:
        """Yield the rows of `volume_references/`, without masks."""
        columns = [name for name in PACK_VOLUME_REFERENCES.names if name != "rles"]
        for place in self._find_places():
            yield from self._read(place, "volume_references", columns)

    def iter_items(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        on_bad: Callable[[str, InputError], None] | None = None,
    ) -> Iterator[VolumeItem]:
        """Yield volumes `start` … `stop` − 1 in the order of the pack, one at a time.

        Args:
            start: Position of the first volume.
            stop: Position after the last volume; None for the end.
            on_bad: Called with volume id and error for a volume that cannot be used, which is then
                left out. Without it the error is raised.

        Raises:
            InputError: If a file is damaged, or a volume is and `on_bad` is None.
        """
        for place in self._find_places()[start:stop]:
            (row,) = self._read(place, "volumes")
            try:
                item = self._make_item(row, place)
            except InputError as error:
                if on_bad is None:
                    raise
                on_bad(row["volume_id"], error)
                continue
            yield item
            del item  # before the next is read: never two at a time

    def _make_item(self, row: Row, place: _Place) -> VolumeItem:
        where = self.pack.path
        name, _, number = row["cluster_id"].rpartition("-")
        known = {self.pack.info.name}
        if {row["dataset"], name} != known or not (number.isascii() and number.isdigit()):
            raise InputError(where, row["volume_id"], "names another dataset")
        references = tuple(
            make_reference(each, row, where) for each in self._read(place, "volume_references")
        )
        if not references:
            raise InputError(where, row["volume_id"], "has no reference")
        by_reference = {
            key: list(rows)
            for key, rows in groupby(
                self._read(place, "volume_prompts"), itemgetter("volume_reference_id")
            )
        }
        ids = {reference.volume_reference_id for reference in references}
        if strays := sorted(by_reference.keys() - ids):
            raise InputError(where, strays[0], "is no reference of its volume")
        slice_, row_, column = row["spacing_mm"]
        volume = Volume(
            row["volume_id"], row["dataset"], row["modality"], row["cluster_id"],
            self._read_voxels(row, place), (slice_, row_, column),
        )  # fmt: skip
        prompts = {
            reference.volume_reference_id: make_volume_prompts(
                by_reference.get(reference.volume_reference_id, []), reference
            )
            for reference in references
        }
        return VolumeItem(volume, references, prompts)

    def _read_voxels(self, row: Row, place: _Place) -> NDArray[np.uint8]:
        volume_id, height, width = row["volume_id"], row["height"], row["width"]
        check_size(volume_id, (row["slices"], height, width), LARGEST_VOLUME_PX)
        voxels = np.empty((row["slices"], height, width), np.uint8)
        hashes: list[str] = []
        elsewhere: dict[str, list[int]] = defaultdict(list)
        for slice_ in self._read(place, "slices"):
            index, image_id, sha256 = len(hashes), slice_["image_id"], slice_["sha256"]
            if slice_["volume_id"] != volume_id or slice_["slice_index"] != index:
                raise InputError(self.pack.path, volume_id, "has slices of another order")
            if image_id != make_image_id(sha256) or index >= row["slices"]:
                raise InputError(self.pack.path, volume_id, "has other slices", got=image_id)
            hashes.append(sha256)
            if slice_["png"] is None:
                elsewhere[image_id].append(index)
            else:
                voxels[index] = _decode(image_id, slice_["png"], sha256, height, width)
        if len(hashes) != row["slices"] or make_volume_id(hashes) != volume_id:
            raise InputError(self.pack.path, volume_id, "is not the id of its slices")
        for image_id, png in self.pack.iter_pictures(elsewhere):
            indices = elsewhere[image_id]
            voxels[indices] = _decode(image_id, png, hashes[indices[0]], height, width)
        return voxels

    def _find_places(self) -> tuple[_Place, ...]:
        if self._places is None:
            self._places = tuple(_list_places(self.pack.path))
        return self._places

    def _read(self, place: _Place, folder: str, columns: list[str] | None = None) -> Iterator[Row]:
        path = self.pack.path / folder / place.part
        groups: dict[str, Any] = {"rows_per_batch": 64, "row_groups": [place.group]}
        for batch in iter_batches(path, VOLUME_TABLES[folder], columns, **groups):
            yield from batch.to_pylist()


def _list_places(path: Path) -> Iterator[_Place]:
    for file in sorted((path / "volumes").glob("part-*.parquet")):
        sizes = {
            folder: count_rows(path / folder / file.name, schema)
            for folder, schema in VOLUME_TABLES.items()
        }
        groups = len(sizes["volumes"])
        if set(sizes["volumes"]) - {1} or any(len(each) != groups for each in sizes.values()):
            raise InputError(file, "", "does not match the slices and references of the same name")
        yield from (_Place(file.name, group) for group in range(groups))


def _decode(image_id: str, png: bytes, sha256: str, height: int, width: int) -> NDArray[np.uint8]:
    pixels = decode_png(image_id, png, height, width)
    if pixels.ndim != 2 or hash_pixels(pixels) != sha256:
        raise InputError(image_id, "png", "has other pixels than when it was curated")
    return pixels
