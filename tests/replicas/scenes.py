"""Small pictures with shapes whose size, outline and contrast differ from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask

Bytes = NDArray[np.uint8]


def draw_scene(name: str, shapes: int, side_px: int = 64) -> tuple[Bytes, list[Mask]]:
    """Return a grey picture and its shapes, which do not touch; equal for equal names.

    Args:
        name: Seeds what is drawn.
        shapes: How many, at most four: one in each quarter, or one in the middle.
        side_px: Height and width.
    """
    rng = np.random.default_rng(crc32(name.encode()))
    rows, columns = np.mgrid[:side_px, :side_px]
    pixels = rng.normal(90, 12, (side_px, side_px))
    masks = []
    for y, x, room_px in _find_places(shapes, side_px):
        radius_px = room_px * rng.uniform(0.55, 0.9)
        angle = np.arctan2(rows - y, columns - x)
        waves, depth = rng.integers(2, 8), rng.uniform(0, 0.3)
        outline_px = radius_px * (1 - depth * (1 + np.cos(waves * angle + rng.uniform(0, 6))) / 2)
        mask = np.hypot(rows - y, columns - x) <= outline_px
        pixels[mask] += rng.uniform(15, 120)
        masks.append(mask)
    return np.clip(pixels, 0, 255).astype(np.uint8), masks


def join_codes(masks: Sequence[Mask], codes: Sequence[int]) -> Bytes:
    """Return a picture of codes on 0."""
    drawn = np.zeros(masks[0].shape, np.uint8)
    for mask, code in zip(masks, codes, strict=True):
        drawn[mask] = code
    return drawn


def _find_places(shapes: int, side_px: int) -> list[tuple[float, float, float]]:
    """Return (y, x, radius) of as many circles that do not touch."""
    if shapes == 1:
        return [(side_px / 2, side_px / 2, side_px * 0.4)]
    quarter = side_px / 4
    centres = [(quarter, quarter), (quarter, 3 * quarter), (3 * quarter, quarter),
               (3 * quarter, 3 * quarter)]  # fmt: skip
    return [(y, x, quarter * 0.85) for y, x in centres[:shapes]]
