"""Contrast of a reference: mean grey inside versus mean grey around (luma of ITU-R BT.601)."""

from __future__ import annotations

import cv2
import numpy as np

from cosmos_board.core.masks import Mask, Pixels


def measure_intensity_difference(pixels: Pixels, mask: Mask, extent: tuple[slice, slice]) -> float:
    """Return |mean inside − mean of the surround| in BT.601 grey levels, in [0, 255].

    The surround is the box grown on each side by 10 % of that axis (rounded half up, at least
    1 px, clipped to the image) without the reference. NaN where the surround has no pixel.

    Args:
        pixels: uint8, axes (Y, X) grey or (Y, X, 3) RGB.
        mask: bool, axes (Y, X); not empty.
        extent: The mask's tight box as slices (Y, X).
    """
    window = tuple(_grow(side, limit) for side, limit in zip(extent, mask.shape, strict=True))
    around, inside = pixels[window], mask[window]
    area, total = int(np.count_nonzero(inside)), inside.size
    if area == total:
        return float("nan")
    summed = _sum_grey(around)
    summed_inside = _sum_grey(cv2.bitwise_and(around, around, mask=inside.view(np.uint8)))
    # Integers up to the last step: the mean of the luma is the luma of the sums.
    difference = summed_inside * (total - area) - (summed - summed_inside) * area
    return abs(difference) / (1000 * area * (total - area))


def _grow(side: slice, limit: int) -> slice:
    reach = max(1, (side.stop - side.start + 5) // 10)
    return slice(max(0, side.start - reach), min(limit, side.stop + reach))


def _sum_grey(pixels: Pixels) -> int:
    """Return the sum of the luma in thousandths of a grey level."""
    red, green, blue, _ = (int(total) for total in cv2.sumElems(pixels))
    return red * 1000 if pixels.ndim == 2 else red * 299 + green * 587 + blue * 114
