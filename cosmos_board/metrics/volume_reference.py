"""A volume reference with everything that depends on it alone, and surfaces in 3-D."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.spatial import cKDTree

from cosmos_board.core.arrays import Bools, Ints
from cosmos_board.core.errors import InputError
from cosmos_board.core.volumes import SpacingMm, VolumeMask, find_prompt_slice

Extent = tuple[slice, slice, slice]
"""A box of voxels as slices along (slice, row, column)."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The voxels of a mask of which one of six neighbours is outside the mask or the volume."""

    extent: Extent
    """The tight box of the mask."""

    drawn: Bools
    """Which voxels of the box belong to the surface, bool, axes (slice, row, column)."""

    voxels: Ints
    """Their indices (slice, row, column) in the volume, int64, shape (n, 3), in their order."""


@dataclass(frozen=True, eq=False)
class PreparedVolumeReference:
    """A volume reference for scoring predictions against it."""

    mask: VolumeMask
    """bool, axes (slice, row, column), contiguous; never empty."""

    spacing_mm: SpacingMm
    slice_px: Ints
    """Voxels on each slice, shape (slices,)."""

    @property
    def voxels(self) -> int:
        """Number of its voxels."""
        return int(self.slice_px.sum())

    @property
    def prompt_slice(self) -> int:
        """Index of the slice with most voxels, the lowest on a tie."""
        return find_prompt_slice(enumerate(self.slice_px.tolist()))

    @property
    def diagonal_mm(self) -> float:
        """Diagonal of the volume: the distance that an empty prediction gets."""
        sides = zip(self.mask.shape, self.spacing_mm, strict=True)
        return sqrt(sum((count * step) ** 2 for count, step in sides))

    @cached_property
    def surface(self) -> Surface:
        """Its surface."""
        found = find_surface(self.mask, self.slice_px)
        assert found is not None, "a reference is never empty"
        return found

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree over its surface, in mm."""
        return cKDTree(self.surface.voxels * np.asarray(self.spacing_mm))


def prepare_volume_reference(mask: VolumeMask, spacing_mm: SpacingMm) -> PreparedVolumeReference:
    """Return `mask` (bool, axes (slice, row, column)) prepared for scoring.

    `spacing_mm` is along the same axes.

    Raises:
        InputError: If the mask is empty or not three-dimensional.

    Example:
        >>> prepare_volume_reference(np.ones((2, 3, 4), dtype=np.bool_), (5.0, 1.0, 1.0)).voxels
        24
    """
    if mask.ndim != 3:
        want = "(slice, row, column)"
        raise InputError("reference", "mask", "is no 3-D mask", got=mask.shape, want=want)
    mask = np.ascontiguousarray(mask, dtype=np.bool_)
    slice_px = count_by_slice(mask)
    if not slice_px.any():
        raise InputError("reference", "mask", "is empty", got="0 voxels", want="at least 1")
    return PreparedVolumeReference(mask, spacing_mm, slice_px)


def count_by_slice(mask: VolumeMask) -> Ints:
    """Return the number of voxels on each slice, shape (slices,)."""
    # Slice by slice: over several axes at once, numpy first makes an integer of each voxel.
    return np.array([np.count_nonzero(drawn) for drawn in mask], np.int64)


def find_surface(mask: VolumeMask, slice_px: Ints) -> Surface | None:
    """Return the surface of a mask with `slice_px` voxels a slice; None where it is empty."""
    filled = np.flatnonzero(slice_px)
    if not len(filled):
        return None
    first, last = int(filled[0]), int(filled[-1])
    shown = np.asarray(mask[first : last + 1].any(axis=0))
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    extent = (
        slice(first, last + 1),
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
    inside = mask[extent]
    # No voxel of the mask lies beyond its tight box, so that cropping changes no neighbour.
    interior = np.zeros_like(inside)
    interior[1:-1, 1:-1, 1:-1] = inside[1:-1, 1:-1, 1:-1]
    middle = interior[1:-1, 1:-1, 1:-1]
    for axis in range(3):
        for side in (slice(None, -2), slice(2, None)):
            around = [slice(1, -1)] * 3
            around[axis] = side
            middle &= inside[tuple(around)]
    drawn = inside & ~interior
    corner = [part.start for part in extent]
    return Surface(extent, drawn, np.argwhere(drawn) + corner)
