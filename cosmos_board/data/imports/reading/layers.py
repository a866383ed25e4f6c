"""Layers: what is drawn on an image, held so that it can be cut into slices one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.spec.rules import Objects
from cosmos_board.data.source import Region
from cosmos_board.data.volumes import PLANES, Plane, take_slice

_LARGEST_PIECES_PX = 1 << 32
"""Of all masks of the connected pieces of one slice, which are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceRegion:
    """One region of one slice."""

    objects: Objects
    """Its objects; several where one lies inside another."""

    key: str
    """Regions of an object with the same key are one reference."""

    mask: Mask


class Layer(Protocol):
    """One file of masks, in the orientation of its image."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the import report should say of it."""

    def cut(self, plane: Plane, index: int) -> Iterator[SliceRegion]:
        """Yield what is drawn on one slice."""


MasksByObject: TypeAlias = dict[str, tuple[Mask, ...]]
"""Masks by object."""

Layers: TypeAlias = dict[str, list[tuple[bool, Layer]]]
"""By observer, each with whether its connected pieces are instances."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelLayer:
    """Codes in a volume."""

    codes: NDArray[Any]
    """Whole numbers, axes (Z, Y, X), oriented."""

    objects_of: Mapping[int, Objects]
    key_of: Mapping[int, str]
    """Codes of an object with the same key are one reference."""

    notes: tuple[str, ...] = ()

    def cut(self, plane: Plane, index: int) -> Iterator[SliceRegion]:
        """Yield one region for each code that stands for objects, in the order of codes."""
        codes = take_slice(self.codes, plane, index)
        for code in np.unique(codes):
            objects = self.objects_of.get(int(code))
            if objects:
                yield SliceRegion(objects, self.key_of[int(code)], codes == code)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLayer:
    """One region of a volume, of which only the box around it is held."""

    drawn: NDArray[np.bool_]
    """Axes (Z, Y, X), oriented: the box."""

    corner: tuple[int, int, int]
    """Where the box begins in the volume."""

    shape: tuple[int, int, int]
    """Of the volume."""

    objects: Objects
    key: str
    notes: tuple[str, ...] = ()

    def cut(self, plane: Plane, index: int) -> Iterator[SliceRegion]:
        """Yield the region as it is on one slice, nothing where the slice misses its box."""
        axis = PLANES.index(plane)
        inside = index - self.corner[axis]
        if not 0 <= inside < self.drawn.shape[axis]:
            return
        box = take_slice(self.drawn, plane, inside)
        # An empty volume of views: nothing of the whole size is held but the slice.
        mask = np.array(take_slice(np.broadcast_to(np.False_, self.shape), plane, index))
        # Slices other than axial ones are seen from head to foot.
        low_z = self.shape[0] - self.corner[0] - self.drawn.shape[0]
        rows = (low_z if plane != "axial" else self.corner[1], box.shape[0])
        columns = (self.corner[1] if plane == "sagittal" else self.corner[2], box.shape[1])
        mask[rows[0] : sum(rows), columns[0] : sum(columns)] = box
        yield SliceRegion(self.objects, self.key, mask)


def make_drawn_layer(
    voxels: NDArray[np.bool_], objects: Objects, key: str, notes: tuple[str, ...] = ()
) -> DrawnLayer:
    """Return the region `voxels` (axes (Z, Y, X), oriented) as a layer."""
    spans = []
    for axis in range(3):
        used = np.flatnonzero(voxels.any(axis=tuple(other for other in range(3) if other != axis)))
        spans.append((int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0))
    box = voxels[tuple(slice(*span) for span in spans)]
    z, y, x = voxels.shape
    corner = (spans[0][0], spans[1][0], spans[2][0])
    return DrawnLayer(np.ascontiguousarray(box), corner, (z, y, x), objects, key, notes)


def draw_slice(layers: list[tuple[bool, Layer]], plane: Plane, index: int) -> MasksByObject:
    """Return what is drawn on one slice as `draw_regions` does, by object."""
    return split_regions(draw_regions(layers, plane, index))


def draw_regions(layers: list[tuple[bool, Layer]], plane: Plane, index: int) -> dict[Region, Mask]:
    """Return what is drawn on one slice: parts of an object with the same key are joined.

    Each layer comes with whether its connected pieces are instances.
    """
    joined: dict[Region, Mask] = {}
    for pieces, layer in layers:
        for region in layer.cut(plane, index):
            for name in region.objects:
                which = Region(name, pieces, "" if pieces else region.key)
                before = joined.get(which)
                joined[which] = region.mask if before is None else before | region.mask
    return joined


def split_regions(regions: Mapping[Region, Mask]) -> MasksByObject:
    """Return the masks of each object, each of its connected pieces where they are instances."""
    drawn: dict[str, list[Mask]] = defaultdict(list)
    for region in sorted(regions):
        mask = regions[region]
        drawn[region.object] += _split(mask) if region.pieces else [mask]
    return {name: tuple(masks) for name, masks in drawn.items()}


def drop_empty(drawn: MasksByObject) -> MasksByObject:
    """Return what has at least one pixel."""
    filled = {name: tuple(mask for mask in masks if mask.any()) for name, masks in drawn.items()}
    return {name: masks for name, masks in filled.items() if masks}


def _split(mask: Mask) -> list[Mask]:
    import cv2

    count, pieces = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    if count * mask.size > _LARGEST_PIECES_PX:
        raise InputError(
            "mask", "instances", "are too many connected pieces", got=count - 1,
            want="a mask without noise, or smaller images",
        )  # fmt: skip
    return [pieces == piece for piece in range(1, count)]
