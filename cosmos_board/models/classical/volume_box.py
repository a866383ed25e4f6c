"""Where an object lies in a volume as far as prompts on its slices say it; nobody looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.volumes import EACH_BOX, VOLUME_PROMPTS, SlicePrompt, SpacingMm
from cosmos_board.models.classical.base import first_positive

ASKED = tuple(name for name in VOLUME_PROMPTS if name != EACH_BOX)
"""The volume prompts that a model is asked."""

POINT_SHARE = 1 / 8
"""Radius around a point over the short side of the slice, as that of the 2-D box prior."""


@dataclass(frozen=True, slots=True)
class VolumeBox:
    """An ellipse on one slice, and how far the object reaches along the slices."""

    slice_index: int
    centre_xy: tuple[float, float]
    radii_xy: tuple[float, float]
    """Half of the sides of the box, pixels; a box counts both of its edges."""

    reach: tuple[float, float]
    """Slices towards the first and towards the last slice of the volume."""

    is_closed: bool
    """Whether prompts say where it ends: then it lies on no slice beyond them."""


def find_volume_box(
    prompts: Sequence[SlicePrompt], shape: tuple[int, int, int], spacing_mm: SpacingMm
) -> VolumeBox:
    """Return the box of an object; a mask counts as its tight box, a point as a disc.

    The reach along the slices is the mean of both half sides in mm. Of boxes on several slices the
    largest counts (the lowest slice on a tie), and the object ends half a slice beyond the others.

    Raises:
        InputError: If a prompt is empty.
    """
    ellipses = {part.slice_index: _find_ellipse(part, shape) for part in prompts}
    middle = min(
        ellipses, key=lambda index: (-ellipses[index][1][0] * ellipses[index][1][1], index)
    )
    centre_xy, (across, down) = ellipses[middle]
    if len(ellipses) > 1:
        reach = (middle - min(ellipses) + 0.5, max(ellipses) - middle + 0.5)
    else:
        slice_mm, row_mm, column_mm = spacing_mm
        slices = (across * column_mm + down * row_mm) / 2 / slice_mm
        reach = (slices, slices)
    return VolumeBox(middle, centre_xy, (across, down), reach, len(ellipses) > 1)


def _find_ellipse(
    part: SlicePrompt, shape: tuple[int, int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return centre and radii, (x, y) each, of what is given on one slice."""
    box = part.prompt.box_xyxy if part.mask is None else _find_tight_box(part)
    if box is None:
        return _find_disc(part.prompt, shape)
    left, top, right, bottom = box
    centre = ((left + right) / 2, (top + bottom) / 2)
    return centre, ((right - left + 1) / 2, (bottom - top + 1) / 2)


def _find_disc(
    prompt: Prompt, shape: tuple[int, int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    radius = min(shape[1:]) * POINT_SHARE
    return first_positive(prompt), (radius, radius)


def _find_tight_box(part: SlicePrompt) -> tuple[int, int, int, int]:
    assert part.mask is not None, "only parts with a mask come here"
    mask = part.mask.decode()
    if not mask.any():
        raise InputError("prompt", "mask", "is empty")
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(xs[0]), int(ys[0]), int(xs[-1]), int(ys[-1])
