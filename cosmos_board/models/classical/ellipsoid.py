"""The baseline of the volume track that never looks: a useful model scores higher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.classical.base import ClassicalSegmenter
from cosmos_board.models.classical.volume_box import ASKED, VolumeBox, find_volume_box
from cosmos_board.models.segmenter import Embedding

_EDGE = 1 + 1e-9
"""A voxel on the surface is inside, whatever its rounding."""


@dataclass(frozen=True, slots=True)
class _Size:
    shape: tuple[int, int, int]
    spacing_mm: SpacingMm


class Ellipsoid(ClassicalSegmenter):
    """Draws an ellipsoid: two axes are those of the box, the third is the mean of both in mm.

    With boxes on several slices it reaches to the outermost of them.
    """

    name = "ellipsoid"
    volume_prompts = ASKED

    def embed(self, pixels: Pixels) -> Embedding:
        """Return the size of the image."""
        return Embedding(int(pixels.shape[0]), int(pixels.shape[1]), None)

    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Raise `InputError`: it is asked about volumes alone."""
        raise InputError(self.name, "prompt", "is none on an image", want="--study volumes")

    def open_volume(self, voxels: NDArray[np.uint8], spacing_mm: SpacingMm) -> object:
        """Return the size of the volume, which is all that is used of it."""
        slices, rows, columns = voxels.shape
        return _Size((slices, rows, columns), spacing_mm)

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> VolumeMask:
        """Return the ellipsoid, bool, axes (slice, row, column)."""
        assert isinstance(volume, _Size), "the volume is another segmenter's"
        box = find_volume_box(prompts, volume.shape, volume.spacing_mm)
        return draw_ellipsoid(box, volume.shape)


def draw_ellipsoid(box: VolumeBox, shape: tuple[int, int, int]) -> VolumeMask:
    """Return the ellipsoid in a box, bool, axes (slice, row, column).

    Example:
        >>> box = VolumeBox(1, (1.0, 1.0), (1.5, 1.5), (1.5, 1.5), False)
        >>> draw_ellipsoid(box, (3, 3, 3)).sum(axis=(1, 2)).tolist()
        [5, 9, 5]
    """
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    away = (z - box.slice_index).astype(np.float64)
    along = away / np.where(away < 0, *box.reach)
    across = (x - box.centre_xy[0]) / box.radii_xy[0]
    down = (y - box.centre_xy[1]) / box.radii_xy[1]
    inside: VolumeMask = across**2 + down**2 + along**2 <= _EDGE
    return inside
