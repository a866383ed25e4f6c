"""Areas of one value in masks: codes fill some, while the values of blended edges do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask

_FEW = 32
"""Whole numbers up to this that are more than two look like codes, not like grey levels."""

_FEW_LEVELS = 8
"""Up to so many levels between black and white, none is an error of a lossy format."""

_NEAR = 1 / 8
"""Share of the range by which a lossy format may miss black and white."""

_STRIP_ROWS = 256
"""Rows that are looked at together: whole slides are too large for it."""

_SIDE_PX = 5
"""Side of the smallest square that is an area."""


def find_areas(values: NDArray[Any], low: float, high: float) -> list[float]:
    """Return the values that stand for something of their own, without the background.

    Those are the greatest and every one between that fills an area. Whole numbers up to 32 are
    codes even if they fill none.

    `values` are finite, axes (Y, X) or (Z, Y, X); `low` is 0 or the least, `high` the greatest.
    """
    between = (values != low) & (values != high)
    if not between.any():
        return [high]
    if values.dtype.kind in "iu" and high <= _FEW:
        return [float(level) for level in np.unique(values[between])] + [high]
    # Without a zero, the least value is the background.
    between &= values != values.min()
    slices = values.reshape(-1, *values.shape[-2:])
    masks = between.reshape(slices.shape)
    levels: set[float] = set()
    for level, mask in zip(slices, masks, strict=True):
        if mask.any():
            levels.update(level[mask & find_flat(level)].tolist())
    lossy = len(levels) > _FEW_LEVELS
    margin = (high - low) * _NEAR
    least = low + margin if lossy else low
    return [level for level in sorted(levels) if least < level < high - margin] + [high]


def find_colours(colours: NDArray[Any]) -> list[tuple[int, int, int]]:
    """Return one of each of the colours that fill an area, without those of the darker half.

    `colours` are whole numbers, axes (Y, X, 3).
    """
    highest = int(colours.max())
    filled: set[int] = set()
    for top in range(0, len(colours), _STRIP_ROWS):
        strip = colours[top : top + _STRIP_ROWS]
        packed = strip.astype(np.int64) @ [1 << 32, 1 << 16, 1]
        bright = strip.max(axis=-1) > highest / 2
        filled.update(np.unique(packed[bright & find_flat(packed)]).tolist())
    distinct: list[tuple[int, int, int]] = []
    for value in sorted(filled):
        colour = (value >> 32, value >> 16 & 0xFFFF, value & 0xFFFF)
        if all(_differ(colour, other) > highest * _NEAR for other in distinct):
            distinct.append(colour)
    return distinct


def _differ(colour: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(colour, other, strict=True))


def find_flat(values: NDArray[Any]) -> Mask:
    """Return which pixels are the centre of a square of one value, axes (Y, X)."""
    from scipy.ndimage import maximum_filter, minimum_filter

    flat: Mask = maximum_filter(values, _SIDE_PX) == minimum_filter(values, _SIDE_PX)
    return flat
