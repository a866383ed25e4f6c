"""Positive and negative points, read off a reference by a fixed rule without chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from cosmos_board.prompts.box import Box, tight_box


def even_picks(count: int, wanted: int) -> NDArray[np.int64]:
    """Return `wanted` even positions in a list of `count`: floor((i + 0.5) count / wanted).

    All positions where there are fewer than wanted.

    Example:
        >>> even_picks(10, 4).tolist()
        [1, 3, 6, 8]
    """
    if count <= wanted:
        return np.arange(count)
    return (2 * np.arange(wanted, dtype=np.int64) + 1) * count // (2 * wanted)


def _find_centre(ys: NDArray[np.int64], xs: NDArray[np.int64]) -> tuple[int, int]:
    """Return the centre of mass (x, y) of some pixels, rounded half up."""
    n = len(xs)
    return (2 * int(xs.sum()) + n) // (2 * n), (2 * int(ys.sum()) + n) // (2 * n)


def _list_pixels(reference: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return y and x of every pixel of the reference, row by row."""
    # Only its box is looked at: an image may hold thousands of small references.
    left, top, right, bottom = tight_box(reference)
    ys, xs = np.nonzero(reference[top : bottom + 1, left : right + 1])
    return ys + top, xs + left


def positive_points(reference: Mask, wanted: int) -> NDArray[np.int32]:
    """Return points inside the reference.

    The first is the centre of mass where that lies inside; the others are even in the
    row-major list of the reference's pixels (Huang et al. 2024, section 3.3).

    Args:
        reference: bool, axes (Y, X), not empty.
        wanted: How many points; all pixels where the reference has fewer.

    Returns:
        Coordinates (x, y), int32, shape (n, 2).
    """
    ys, xs = _list_pixels(reference)
    x, y = _find_centre(ys, xs)
    first = [(x, y)] if reference[y, x] else []
    picks = even_picks(len(xs), wanted - len(first))
    points = np.stack([xs[picks], ys[picks]], axis=1)
    return np.concatenate([np.asarray(first, np.int32).reshape(-1, 2), points]).astype(np.int32)


def _doubled(low: int, high: int, extent: int) -> tuple[int, int]:
    """Return the pixels whose centres lie in [low, high] at twice its width, clipped."""
    width = high - low + 1
    first = -((2 * width - low - high) // 2)
    last = (low + high + 2 * width) // 2
    return max(first, 0), min(last, extent - 1)


def negative_points(reference: Mask, wanted: int) -> NDArray[np.int32]:
    """Return points outside the reference, but near it.

    Even in the row-major list of the pixels that do not belong to the reference and whose
    centres lie in the box of twice its width and height about the same centre.

    Args:
        reference: bool, axes (Y, X), not empty.
        wanted: How many points; all there are where that is fewer.

    Returns:
        Coordinates (x, y), int32, shape (n, 2).
    """
    box: Box = tight_box(reference)
    x_low, x_high = _doubled(box[0], box[2], reference.shape[1])
    y_low, y_high = _doubled(box[1], box[3], reference.shape[0])
    ys, xs = np.nonzero(~reference[y_low : y_high + 1, x_low : x_high + 1])
    picks = even_picks(len(xs), wanted)
    return np.stack([xs[picks] + x_low, ys[picks] + y_low], axis=1).astype(np.int32)
