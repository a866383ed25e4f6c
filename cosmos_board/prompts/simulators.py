"""Simulated prompts: a box and points, computed from a reference by fixed rules, not at random."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from cosmos_board.core.arrays import Int32s, Ints
from cosmos_board.core.masks import Mask

Box: TypeAlias = tuple[int, int, int, int]
"""[min x, min y, max x, max y] in pixels, maxima inclusive."""


def tight_box(reference: Mask) -> Box:
    """Return the tight box of a mask (bool, axes (Y, X), not empty).

    Example:
        >>> mask = np.zeros((4, 5), bool)
        >>> mask[1, 2:4] = True
        >>> tight_box(mask)
        (2, 1, 3, 1)
    """
    ys = np.flatnonzero(reference.any(axis=1))
    xs = np.flatnonzero(reference.any(axis=0))
    return int(xs[0]), int(ys[0]), int(xs[-1]), int(ys[-1])


def positive_points(reference: Mask, count: int) -> Int32s:
    """Return points inside the reference.

    The first is the centre of mass where that lies inside; the others are evenly spaced in the
    row-major list of the reference's pixels (Huang et al. 2024, section 3.3).

    Args:
        reference: bool, axes (Y, X), not empty.
        count: Number of points; all pixels where the reference has fewer.

    Returns:
        Coordinates (x, y), int32, shape (n, 2).
    """
    ys, xs = _list_pixels(reference)
    x, y = _find_centre(ys, xs)
    first = [(x, y)] if reference[y, x] else []
    picks = even_picks(len(xs), count - len(first))
    points = np.stack([xs[picks], ys[picks]], axis=1)
    return np.concatenate([np.asarray(first, np.int32).reshape(-1, 2), points]).astype(np.int32)


def negative_points(reference: Mask, count: int) -> Int32s:
    """Return points outside the reference, but near it.

    They are evenly spaced in the row-major list of the pixels that do not belong to the reference
    and whose centres lie in the box of twice its width and height about the same centre.

    Args:
        reference: bool, axes (Y, X), not empty.
        count: Number of points; all pixels where there are fewer.

    Returns:
        Coordinates (x, y), int32, shape (n, 2).
    """
    box = tight_box(reference)
    x_low, x_high = _doubled(box[0], box[2], reference.shape[1])
    y_low, y_high = _doubled(box[1], box[3], reference.shape[0])
    ys, xs = np.nonzero(~reference[y_low : y_high + 1, x_low : x_high + 1])
    picks = even_picks(len(xs), count)
    return np.stack([xs[picks] + x_low, ys[picks] + y_low], axis=1).astype(np.int32)


def even_picks(length: int, count: int) -> Ints:
    """Return `count` evenly spaced indices of a list: floor((i + 0.5) length / count).

    All indices where the list has fewer items.

    Example:
        >>> even_picks(10, 4).tolist()
        [1, 3, 6, 8]
    """
    if length <= count:
        return np.arange(length)
    return (2 * np.arange(count, dtype=np.int64) + 1) * length // (2 * count)


def _find_centre(ys: Ints, xs: Ints) -> tuple[int, int]:
    """Return the centre of mass (x, y) of some pixels, rounded half up."""
    n = len(xs)
    return (2 * int(xs.sum()) + n) // (2 * n), (2 * int(ys.sum()) + n) // (2 * n)


def _list_pixels(reference: Mask) -> tuple[Ints, Ints]:
    """Return y and x of every pixel of the reference, row by row."""
    # Only its box is searched: an image may have thousands of small references.
    left, top, right, bottom = tight_box(reference)
    ys, xs = np.nonzero(reference[top : bottom + 1, left : right + 1])
    return ys + top, xs + left


def _doubled(low: int, high: int, extent: int) -> tuple[int, int]:
    """Return the pixels whose centres lie in [low, high] at twice its width, clipped."""
    width = high - low + 1
    first = -((2 * width - low - high) // 2)
    last = (low + high + 2 * width) // 2
    return max(first, 0), min(last, extent - 1)
