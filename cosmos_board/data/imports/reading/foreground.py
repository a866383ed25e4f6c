"""Masks of one object: grey levels and colours → foreground, unless they hold codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.spec.models import MaskSpec
from cosmos_board.data.readers.raster import Raster, look_up

ZERO_WANTED = "0 instead of NaN where nothing is drawn"


def find_foreground(spec: MaskSpec, raster: Raster, where: str) -> NDArray[np.bool_]:
    """Return the voxels above the threshold; without one, above half of the range.

    Raises:
        InputError: If a lossy mask has no threshold, or there are codes instead of grey levels.
    """
    values = _take_brightness(raster, where, spec.threshold)
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(where, "mask", "holds values that are no numbers", want=ZERO_WANTED)
    if spec.threshold is not None:
        return values > spec.threshold
    if raster.lossy:
        raise InputError(where, "threshold", "is needed for a mask in a lossy format")
    low, high = min(float(values.min()), 0.0), float(values.max())
    if len(codes := find_areas(values, low, high)) > 1:
        raise InputError(
            where, "object", "stands for several codes",
            got=", ".join(f"{code:g}" for code in codes[:6]), want="labels or threshold",
        )  # fmt: skip
    if high > values.min() > (low + high) / 2:
        raise InputError(
            where, "object", "has no background: all values are in the upper half of their range",
            got=f"{values.min()} … {values.max()}", want="threshold",
        )  # fmt: skip
    return values > (low + high) / 2


def _take_brightness(raster: Raster, where: str, threshold: float | None) -> NDArray[Any]:
    """Return the brightest of each pixel's colours: any colour is foreground, white and a pen's."""
    if raster.palette is not None:
        return _look_up_brightness(raster, raster.palette, where, threshold)
    check_alpha(raster, raster.array, where)
    if not raster.in_colour:
        return raster.array
    if threshold is None and not raster.lossy and raster.array.dtype.kind == "u":
        colours = find_colours(raster.array)
        if len(colours) > 1:
            raise InputError(
                where, "object", "stands for several colours", got=colours[:4],
                want="colours or threshold",
            )  # fmt: skip
    brightness: NDArray[Any] = raster.array.max(axis=-1)
    return brightness


def _look_up_brightness(
    raster: Raster, palette: NDArray[np.uint8], where: str, threshold: float | None
) -> NDArray[Any]:
    """Return grey levels of a grey palette, or the brighter of two colours as viewers show them."""
    check_alpha(raster, look_up(where, raster.array, palette), where)
    used, positions = np.unique(raster.array, return_inverse=True)
    colours = palette[used]
    if len(used) > 2:
        if not (colours == colours[:, :1]).all():
            raise InputError(
                where, "object", "stands for several colours of a palette", got=used[:6].tolist(),
                want="labels (indices) or colours",
            )  # fmt: skip
        grey: NDArray[np.uint8] = palette[raster.array][..., 0]
        return grey
    levels = colours.max(axis=1)
    half = float(levels.max()) / 2 if len(used) == 2 else 127
    drawn = levels > (half if threshold is None else threshold)
    if len(used) == 2 and drawn.all():
        raise InputError(
            where, "object", "stands for several colours of a palette", got=used.tolist(),
            want="labels (indices) or colours",
        )  # fmt: skip
    foreground: NDArray[np.bool_] = drawn[positions.reshape(raster.array.shape)]
    return foreground


def check_alpha(raster: Raster, values: NDArray[Any], where: str) -> None:
    """Refuse a mask that its colours and its alpha channel may show differently.

    `values` are its grey levels or colours, palettes looked up.
    """
    if raster.opaque is None or raster.opaque.all():
        return
    if values[~raster.opaque].any() or not values.any():
        alpha = 3 if values.ndim > raster.opaque.ndim else 1
        raise InputError(
            where, "alpha", "may hold the mask as well as the colours",
            want=f"channels = [{alpha}] for alpha, "
            f"channels = {'[0, 1, 2]' if alpha == 3 else '[0]'} for colours",
        )  # fmt: skip


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
        if all(np.abs(np.subtract(colour, other)).max() > highest * _NEAR for other in distinct):
            distinct.append(colour)
    return distinct


def find_flat(values: NDArray[Any]) -> Mask:
    """Return which pixels are the centre of a square of one value, axes (Y, X)."""
    from scipy.ndimage import maximum_filter, minimum_filter

    flat: Mask = maximum_filter(values, _SIDE_PX) == minimum_filter(values, _SIDE_PX)
    return flat
