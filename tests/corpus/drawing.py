"""What the images and masks of the corpus show: nothing that looks the same when it is turned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from tests.corpus.case import Slice

SHAPE = (6, 40, 52)
"""Of a volume, axes (Z, Y, X); no two are equal."""

DRAWN = (1, 2, 3, 4)
"""Slices of a volume with something drawn on them."""


def draw_noise(shape: tuple[int, ...] = SHAPE[1:], seed: int = 0) -> NDArray[np.uint8]:
    """Return values of 0 … 255 that differ from pixel to pixel; both ends occur."""
    noise = np.random.default_rng(seed).integers(1, 255, shape, dtype=np.uint8)
    noise.flat[0], noise.flat[-1] = 255, 0
    return noise


def draw_letter(shape: tuple[int, int] = SHAPE[1:], top: int = 5, left: int = 8) -> Mask:
    """Return a letter F of 20 x 14 pixels: no turn or mirror image of it is the same."""
    drawn = np.zeros(shape, np.bool_)
    drawn[top : top + 20, left : left + 4] = True
    drawn[top : top + 4, left : left + 14] = True
    drawn[top + 8 : top + 12, left : left + 10] = True
    return drawn


def draw_letters(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.bool_]:
    """Return letters that move down and to the right from slice to slice, axes (Z, Y, X)."""
    drawn = np.zeros(shape, np.bool_)
    for z in range(1, shape[0] - 1):
        drawn[z] = draw_letter(shape[1:], *place_letter(z))
    return drawn


def cut_slices(
    voxels: NDArray[np.uint8],
    drawn: NDArray[np.bool_],
    *,
    cluster: str = "",
    name: str = "lesion",
) -> tuple[Slice, ...]:
    """Return the slices along the first axis on which something is drawn."""
    return tuple(
        Slice(np.ascontiguousarray(pixels), {name: (mask,)}, cluster)
        for pixels, mask in zip(voxels, drawn, strict=True)
        if mask.any()
    )


def one_slice(pixels: Pixels, mask: Mask | None = None, name: str = "lesion") -> tuple[Slice, ...]:
    """Return the one slice of a picture with one mask."""
    return (Slice(pixels, {name: (draw_letter() if mask is None else mask,)}),)


def trace_letter(top: int = 5, left: int = 8) -> NDArray[np.float64]:
    """Return the corners (x, y) of a letter's outline; centres of pixels are whole numbers."""
    columns, rows = (0, 14, 14, 4, 4, 10, 10, 4, 4, 0), (0, 0, 4, 4, 8, 8, 12, 12, 20, 20)
    corners: NDArray[np.float64] = np.add(np.stack([columns, rows], 1), (left - 0.5, top - 0.5))
    return corners


def place_letter(z: int) -> tuple[int, int]:
    """Return (top, left) of the letter in slice `z` of `draw_letters`."""
    return 2 + 3 * (z % 5), 4 + 6 * (z % 5)
