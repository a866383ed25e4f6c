"""The random walker (Grady 2006) through a volume: scikit-image's, with spacing.

Beta 130 and mode `cg_j`, as on images. Seeds on a slice with a prompt are those of the 2-D walker;
a mask that is given is foreground, the rest of its slice background. The walker works in a region:
twice the box of the prompt along each axis about the same centre, of which the faces are
background; where prompts say on which slices the object ends, it ends there. Nothing is foreground
beyond the region, so that of a large object around a point only a part is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.classical.volume_box import VolumeBox, find_volume_box
from cosmos_board.models.classical.walker_seeds import mark_seeds
from cosmos_board.models.classical.walker_system import BACKGROUND, FOREGROUND, UNKNOWN

BETA = 130
WIDENING = 2.0
"""Sides of the region over those of the box."""

_LABELS = {FOREGROUND: 1, BACKGROUND: 2, UNKNOWN: 0}
"""What scikit-image calls the seeds of the 2-D walker."""

_Region = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class WalkerVolume:
    """The volume that is walked through."""

    voxels: NDArray[np.uint8]
    spacing_mm: SpacingMm

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (slice, row, column)."""
        slices, rows, columns = self.voxels.shape
        return slices, rows, columns


def walk_volume(volume: WalkerVolume, prompts: Sequence[SlicePrompt]) -> VolumeMask:
    """Return the voxels that the foreground seeds win, bool, axes (slice, row, column)."""
    from skimage.segmentation import random_walker

    box = find_volume_box(prompts, volume.shape, volume.spacing_mm)
    region = _find_region(box, volume.shape)
    labels = _mark_labels(volume.shape, region, box, prompts)
    if (labels == 0).any() and (labels == 1).any():
        labels = random_walker(
            volume.voxels[region].astype(np.float64) / 255,
            labels,
            beta=BETA,
            mode="cg_j",
            prob_tol=1.0,  # only who wins counts, so nobody need hear of 1.0001
            spacing=volume.spacing_mm,
        )
    mask = np.zeros(volume.shape, np.bool_)
    mask[region] = labels == 1
    return mask


def _find_region(box: VolumeBox, shape: tuple[int, int, int]) -> _Region:
    x, y = box.centre_xy
    across, down = (WIDENING * radius for radius in box.radii_xy)
    wider = 1.0 if box.is_closed else WIDENING
    ends = (
        (box.slice_index - wider * box.reach[0], box.slice_index + wider * box.reach[1]),
        (y - down, y + down),
        (x - across, x + across),
    )
    slices, rows, columns = (
        slice(max(ceil(first), 0), min(floor(last) + 1, count))
        for (first, last), count in zip(ends, shape, strict=True)
    )
    return slices, rows, columns


def _mark_labels(
    shape: tuple[int, int, int], region: _Region, box: VolumeBox, prompts: Sequence[SlicePrompt]
) -> NDArray[np.int64]:
    """Return the seeds of the region as scikit-image has them: 1 foreground, 2 background."""
    slices, rows, columns = region
    labels = np.zeros([part.stop - part.start for part in region], np.int64)
    if not box.is_closed:
        labels[[0, -1]] = 2
    for part in prompts:
        if part.mask is not None:
            seeds = np.where(part.mask.decode(), FOREGROUND, BACKGROUND)
        else:
            seeds = mark_seeds(shape[1], shape[2], part.prompt)
        own = labels[part.slice_index - slices.start]
        for seed, label in _LABELS.items():
            own[seeds[rows, columns] == seed] = label
    for side in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        side[side == 0] = 2
    return labels
