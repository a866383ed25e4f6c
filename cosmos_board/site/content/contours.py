"""Masks as outlines: path data for SVG, a third of a kilobyte instead of an image."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask

TOLERANCE_PX = 0.75
"""How far an outline may leave the boundary of its mask."""


def trace(mask: Mask, scale: float = 1.0) -> str:
    """Return the outlines of `mask` (bool, axes (Y, X)) with holes, as SVG path data.

    Pixels are squares: the outline of one pixel at the origin spans (0, 0) to (1, 1). Fill it
    with the even-odd rule.

    Args:
        mask: What to trace; an empty one gives an empty path.
        scale: Size of a pixel in the drawing.

    Example:
        >>> trace(np.array([[True, True], [False, False]]))
        'M0 0v1h2v-1z'
    """
    doubled = np.kron(np.pad(mask, 1).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return "".join(_path(outline[:, 0, :], scale) for outline in outlines)


def _path(outline: NDArray[np.int32], scale: float) -> str:
    # In the doubled and padded grid pixel x has cells 2x + 2 and 2x + 3: the first stands for its
    # left or top edge, the second for its right or bottom one.
    corners = (outline + 1) // 2 - 1
    keep = np.ones(len(corners), bool)
    keep[1:] = (corners[1:] != corners[:-1]).any(axis=1)
    points = corners[keep].astype(np.float32)
    tolerance = TOLERANCE_PX if len(points) > 12 else 0.01
    points = cv2.approxPolyDP(points[:, None, :], tolerance, closed=True)[:, 0, :]
    steps = np.rint(points * scale * 10) / 10
    parts = [f"M{steps[0, 0]:g} {steps[0, 1]:g}"]
    for before, after in pairwise(steps):
        dx, dy = np.rint((after - before) * 10) / 10
        if dx == 0 and dy == 0:
            continue
        parts.append(f"v{dy:g}" if dx == 0 else f"h{dx:g}" if dy == 0 else f"l{dx:g} {dy:g}")
    return "".join(parts) + "z"
