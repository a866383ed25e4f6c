"""Boundary and inner band of a mask. Pixels beyond the image count as background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask

BAND_PASSES = 2
"""Passes of the 3×3 square that leave a mask without its inner band."""

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_SQUARE = np.ones((3, 3), np.uint8)


def get_extent(mask: Mask) -> tuple[slice, slice] | None:
    """Return the tight box of `mask` as slices (Y, X), or None when it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (slice(y, y + height), slice(x, x + width)) if width else None


def find_boundary_yx(mask: Mask) -> NDArray[np.int32]:
    """Return the pixels of `mask` with a 4-neighbour outside, in row order.

    Returns:
        (y, x), int32, shape (n, 2).

    Example:
        >>> len(find_boundary_yx(np.ones((3, 3), dtype=np.bool_)))
        8
    """
    return np.argwhere(_draw_boundary(mask)).astype(np.int32)


def count_boundary(mask: Mask) -> int:
    """Return how many pixels `find_boundary_yx` lists.

    Example:
        >>> count_boundary(np.ones((3, 3), dtype=np.bool_))
        8
    """
    return int(cv2.countNonZero(_draw_boundary(mask)))


def _draw_boundary(mask: Mask) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    boundary: NDArray[np.uint8] = pixels - _erode(pixels, _CROSS, passes=1)
    return boundary


def find_band(mask: Mask) -> Mask:
    """Return `mask` without its erosion by two passes of the 3×3 square, bool, axes (Y, X).

    The band of Cheng et al., Boundary IoU, CVPR 2021, at a fixed width of two pixels.

    Example:
        >>> int(find_band(np.ones((6, 6), dtype=np.bool_)).sum())
        32
    """
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    band: NDArray[np.uint8] = pixels - _erode(pixels, _SQUARE, passes=BAND_PASSES)
    return band.view(np.bool_)


def _erode(
    pixels: NDArray[np.uint8], element: NDArray[np.uint8], *, passes: int
) -> NDArray[np.uint8]:
    eroded: NDArray[np.uint8] = cv2.erode(
        pixels, element, iterations=passes, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return eroded
