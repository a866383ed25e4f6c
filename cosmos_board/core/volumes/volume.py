"""Volumes and their references: what the volume track segments.

Every array and every triple of this track has one axis order: slice, row, column.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Rle

VolumeMask: TypeAlias = NDArray[np.bool_]
"""A region of one volume: bool, axes (slice, row, column)."""

SpacingMm: TypeAlias = tuple[float, float, float]
"""Distance between the centres of neighbouring voxels along (slice, row, column), in mm."""

SMALLEST_SLICE_PX = 51
"""Least pixels of a slice's part of a reference that a box of `each-box` is drawn around."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A curated stack of parallel slices."""

    volume_id: str
    """From the hashes of its slices, in order; carries nothing of the source."""

    dataset: str
    modality: str
    cluster_id: str
    """The patient, or the volume where no patient is known."""

    voxels: NDArray[np.uint8]
    """Grey levels, uint8, axes (slice, row, column)."""

    spacing_mm: SpacingMm

    def __post_init__(self) -> None:
        if not all(0 < length < inf for length in self.spacing_mm):
            problem = "is no distance of voxels"
            raise InputError(self.volume_id, "spacing_mm", problem, got=self.spacing_mm)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (slice, row, column)."""
        slices, rows, columns = self.voxels.shape
        return slices, rows, columns


@dataclass(frozen=True, slots=True)
class VolumeReference:
    """All voxels of one object, or one instance of it, in one volume; never empty."""

    volume_reference_id: str
    volume_id: str
    object: str

    instance: int
    """0 where an object has one reference per volume, else 0 … n−1 in order of first voxels."""

    slice_count: int
    """Number of slices of the volume."""

    slices: tuple[tuple[int, Rle], ...]
    """(slice index, mask on that slice) of every slice with a voxel, in rising order."""

    box_reference_ids: tuple[str, ...] = ()
    """References of the 2-D study whose boxes make up `each-box`, one for each slice of at least
    `SMALLEST_SLICE_PX` pixels; empty where one of these slices has no such reference."""

    def __post_init__(self) -> None:
        indices = [index for index, _ in self.slices]
        sizes = {(rle.height, rle.width) for _, rle in self.slices}
        rising = indices == sorted(set(indices)) and len(sizes) == 1
        if not rising or not 0 <= indices[0] <= indices[-1] < self.slice_count:
            problem = "are not slices of one volume in rising order"
            raise InputError(self.volume_reference_id, "slices", problem, got=indices[:5])

    @property
    def voxels(self) -> int:
        """Number of its voxels."""
        return sum(rle.area_px for _, rle in self.slices)

    @property
    def first_slice(self) -> int:
        """Index of the first slice with a voxel."""
        return self.slices[0][0]

    @property
    def last_slice(self) -> int:
        """Index of the last slice with a voxel."""
        return self.slices[-1][0]

    @property
    def prompt_slice(self) -> int:
        """Index of the slice with most voxels, the lowest on a tie."""
        return find_prompt_slice((index, rle.area_px) for index, rle in self.slices)

    def slice_mask(self, index: int) -> Mask:
        """Return the mask on one slice, bool, axes (row, column); empty beyond the reference."""
        for position, rle in self.slices:
            if position == index:
                return rle.decode()
        _, first = self.slices[0]
        return np.zeros((first.height, first.width), np.bool_)

    def mask(self) -> VolumeMask:
        """Return the mask, bool, axes (slice, row, column)."""
        _, first = self.slices[0]
        mask = np.zeros((self.slice_count, first.height, first.width), np.bool_)
        for index, rle in self.slices:
            mask[index] = rle.decode()
        return mask


def find_prompt_slice(sizes: Iterable[tuple[int, int]]) -> int:
    """Return the slice that prompts are given on, from (slice index, voxels) of each slice.

    Example:
        >>> find_prompt_slice([(3, 7), (4, 9), (5, 9)])
        4
    """
    return min(sizes, key=lambda slice_: (-slice_[1], slice_[0]))[0]
