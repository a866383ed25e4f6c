"""Checks that an adapter keeps the rules of `VolumeSegmenter`, on a small drawn volume."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, encode_mask
from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.volumes import SlicePrompt, VolumeMask
from cosmos_board.models.segmenter import VolumeSegmenter

SHAPE = (12, 64, 96)
"""Slices, rows, columns."""

SPACING_MM = (2.0, 1.0, 1.0)
BRIGHT, FAINT = (4, 20, 60), (7, 44, 24)
"""Centres (slice, row, column) of two balls."""

RADIUS_MM = 8.0
MINIMUM_DICE = 0.5


def check_volumes(segmenter: VolumeSegmenter) -> Iterator[str]:
    """Yield every rule of `VolumeSegmenter` that the adapter breaks."""
    voxels, bright = _draw_volume(), _draw_ball(BRIGHT)
    volume = segmenter.open_volume(voxels.copy(), SPACING_MM)
    for name in segmenter.volume_prompts:
        if name == "each-box":
            continue  # summed from boxes of the 2-D study; never asked
        masks = segmenter.predict_volume(volume, _list_prompts(name, bright))
        if masks.dtype != np.bool_ or masks.shape != SHAPE:
            got = f"{masks.dtype} of shape {masks.shape}"
            yield f"masks are {got}, expected bool of {SHAPE} ({name})"
            continue
        middle = BRIGHT[0]
        shared = 2 * int((masks[middle] & bright[middle]).sum())
        dice = shared / int(masks[middle].sum() + bright[middle].sum())
        if dice < MINIMUM_DICE:
            yield f"a bright ball is not found on the prompt slice: Dice {dice:.2f} ({name})"
        again = segmenter.predict_volume(volume, _list_prompts(name, bright))
        if not np.array_equal(masks, again):
            yield f"the same question gets another answer ({name})"
        other = segmenter.predict_volume(volume, _list_prompts(name, _draw_ball(FAINT)))
        if np.array_equal(masks, other):
            yield f"two distant objects get the same masks ({name})"


def _draw_volume() -> NDArray[np.uint8]:
    voxels = np.random.default_rng(0).integers(32, 48, SHAPE, np.uint8)
    for centre, step in ((BRIGHT, 150), (FAINT, 60)):
        voxels[_draw_ball(centre)] += np.uint8(step)
    return voxels


def _draw_ball(centre: tuple[int, int, int]) -> VolumeMask:
    away_mm = [
        (np.arange(length) - middle) * step_mm
        for length, middle, step_mm in zip(SHAPE, centre, SPACING_MM, strict=True)
    ]
    z, y, x = np.ix_(*away_mm)
    ball: VolumeMask = z**2 + y**2 + x**2 <= RADIUS_MM**2
    return ball


def _list_prompts(name: str, ball: VolumeMask) -> list[SlicePrompt]:
    """Return a volume prompt for a ball; its prompt slice is the middle one."""
    slices = np.flatnonzero(ball.any(axis=(1, 2)))
    middle = int(slices[len(slices) // 2])
    if name == "slice-mask":
        return [SlicePrompt(middle, make_prompt(), encode_mask(ball[middle]))]
    if name == "slice-point":
        y, x = (int(np.median(axis)) for axis in np.nonzero(ball[middle]))
        return [SlicePrompt(middle, make_prompt([(x, y)]))]
    indices = [middle] if name == "slice-box" else [int(slices[0]), middle, int(slices[-1])]
    return [SlicePrompt(index, make_prompt(box_xyxy=_find_box(ball[index]))) for index in indices]


def _find_box(mask: Mask) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(mask)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())
