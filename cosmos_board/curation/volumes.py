"""Curated volumes: the slices of a unit, as they come → volumes with their references."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle, encode_mask
from cosmos_board.core.volumes import SpacingMm
from cosmos_board.curation.pieces import PieceJoiner
from cosmos_board.curation.records import hash_cluster
from cosmos_board.data.pack.png import encode_png, hash_pixels, make_volume_id
from cosmos_board.data.source import Region, SourceImage, VolumeSlice

NOTHING_DRAWN = "bare volume: nothing is drawn in it"
FLAT = "flat volume: it has one slice"
NO_SPACING = "volume of unknown spacing: spacing_mm in the import file states it"
DUPLICATE_VOLUME = "twice: the same volume came more than once and was merged"


@dataclass(frozen=True, slots=True, order=True)
class CuratedVolumeReference:
    """One reference of a volume; its instance number is given when the pack is put together."""

    object: str
    first_slice: int
    first_px: int
    """Position of its first pixel there in row order, by which instances are numbered."""

    slices: tuple[tuple[int, bytes], ...]
    """(slice index, run lengths) of every slice with a voxel, in rising order."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CuratedVolume:
    """One kept volume with its references, sorted by object and first voxel."""

    modality: str
    cluster: str
    """A hash of the cluster key; replaced by a number when the pack is put together."""

    height: int
    width: int
    spacing_mm: SpacingMm
    slices: tuple[str, ...]
    """sha256 of the pixels of each slice, in order."""

    pngs: Mapping[str, bytes]
    """PNG files by sha256, of the slices that are no images of the 2-D study."""

    references: tuple[CuratedVolumeReference, ...]

    @property
    def volume_id(self) -> str:
        """The id of the volume, from its slices."""
        return make_volume_id(self.slices)


class VolumeCollector:
    """Takes the slices of a unit as they come and gives its volumes back.

    Of the slices only PNG files, hashes and run lengths are held.
    """

    def __init__(self) -> None:
        self._volumes: list[_Collected] = []

    def add(self, source: SourceImage, part: VolumeSlice, sha256: str | None) -> None:
        """Take in the next slice.

        `sha256` is the hash of its pixels if it is an image of the 2-D study, which holds them.

        Raises:
            InputError: If it does not follow on the slice before, or has another size.
        """
        if part.index == 0:
            self._volumes.append(_Collected(source, part))
        if not self._volumes or not self._volumes[-1].fits(source, part):
            raise InputError(source.origin, "slice", "does not follow on the one before")
        self._volumes[-1].add(source, part, sha256)

    def finish(self, dropped: Counter[str]) -> Iterator[CuratedVolume]:
        """Yield the volumes that are kept; `dropped` counts the others, by rule."""
        for collected in self._volumes:
            if not (references := collected.list_references()):
                dropped[NOTHING_DRAWN] += 1
            elif len(collected.slices) == 1:
                dropped[FLAT] += 1
            elif collected.part.spacing_mm is None:
                dropped[NO_SPACING] += 1
            else:
                yield collected.finish(collected.part.spacing_mm, references)


class _Collected:
    """One volume, of which some slices have been seen."""

    def __init__(self, first: SourceImage, part: VolumeSlice) -> None:
        self.part = part
        self.slices: list[str] = []
        self._modality, self._cluster = first.modality, hash_cluster(first.cluster_key)
        self._size = first.pixels.shape
        self._pngs: dict[str, bytes] = {}
        self._whole: dict[Region, dict[int, Rle]] = defaultdict(dict)
        self._in_pieces: dict[Region, PieceJoiner] = defaultdict(PieceJoiner)

    def fits(self, source: SourceImage, part: VolumeSlice) -> bool:
        """Return whether a slice is the next one."""
        return part.index == len(self.slices) and source.pixels.shape == self._size

    def add(self, source: SourceImage, part: VolumeSlice, sha256: str | None) -> None:
        """Take in the next slice."""
        if sha256 is None:
            sha256 = hash_pixels(source.pixels)
            if sha256 not in self._pngs:
                self._pngs[sha256] = encode_png(source.pixels)
        self.slices.append(sha256)
        for region, mask in part.regions.items():
            if region.pieces:
                self._in_pieces[region].add(part.index, mask)
            elif mask.any():
                self._whole[region][part.index] = encode_mask(mask)

    def list_references(self) -> tuple[CuratedVolumeReference, ...]:
        """Return its references, each once, in the order of a pack."""
        pieces = (
            (region, masks)
            for region, joiner in self._in_pieces.items()
            for masks in joiner.list_joined()
        )
        drawn = [_make_reference(region.object, masks) for region, masks in self._whole.items()]
        return tuple(sorted({*drawn, *(_make_reference(r.object, masks) for r, masks in pieces)}))

    def finish(
        self, spacing_mm: SpacingMm, references: tuple[CuratedVolumeReference, ...]
    ) -> CuratedVolume:
        """Return the volume with these references."""
        height, width = self._size
        return CuratedVolume(
            modality=self._modality,
            cluster=self._cluster,
            height=height,
            width=width,
            spacing_mm=spacing_mm,
            slices=tuple(self.slices),
            pngs=self._pngs,
            references=references,
        )


def merge_volumes(volumes: Sequence[CuratedVolume], dropped: Counter[str]) -> CuratedVolume:
    """Return one volume for several that have the same slices, with all their references.

    The order of `volumes` makes no difference.
    """
    dropped[DUPLICATE_VOLUME] += len(volumes) - 1
    first = min(volumes, key=lambda volume: (volume.modality, volume.spacing_mm))
    every = {reference for volume in volumes for reference in volume.references}
    pngs = {sha256: png for volume in volumes for sha256, png in volume.pngs.items()}
    return replace(first, references=tuple(sorted(every)), pngs=pngs)


def _make_reference(name: str, masks: Mapping[int, Rle]) -> CuratedVolumeReference:
    slices = tuple((index, masks[index].counts) for index in sorted(masks))
    first = min(masks)
    return CuratedVolumeReference(name, first, int(np.argmax(masks[first].decode())), slices)
