"""The seeds of the random walker on an image or on a slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.prompts import Prompt
from cosmos_board.models.classical.base import first_positive
from cosmos_board.models.classical.walker_system import BACKGROUND, FOREGROUND, UNKNOWN

SEED_RADIUS_PX = 2


def mark_seeds(height: int, width: int, prompt: Prompt) -> NDArray[np.uint8]:
    """Return the seeds, axes (Y, X).

    Discs of radius 2 at the points; where discs of both kinds overlap, the later point wins,
    but never a point's own pixel. The outside of a box is background, whatever a disc says, and
    the centre of a box stands in for a missing positive point. Without a box and without a
    negative point the border of the image is background, except where a disc reaches it.
    """
    seeds = np.full((height, width), UNKNOWN, np.uint8)
    points, labels = prompt.points_xy, np.where(prompt.labels == 1, FOREGROUND, BACKGROUND)
    if prompt.box_xyxy is None:
        first_positive(prompt)
        if not (labels == BACKGROUND).any():
            seeds[[0, -1]] = BACKGROUND
            seeds[:, [0, -1]] = BACKGROUND
    elif not (labels == FOREGROUND).any():
        left, top, right, bottom = prompt.box_xyxy
        centre = ((left + right + 1) // 2, (top + bottom + 1) // 2)
        points, labels = np.vstack([[centre], points]), np.append(FOREGROUND, labels)
    for (x, y), label in zip(points.tolist(), labels.tolist(), strict=True):
        _draw_disc(seeds, x, y, label)
    seeds[points[:, 1], points[:, 0]] = labels
    if prompt.box_xyxy is not None:
        left, top, right, bottom = prompt.box_xyxy
        outside = np.ones(seeds.shape, np.bool_)
        outside[top : bottom + 1, left : right + 1] = False
        seeds[outside] = BACKGROUND
    return seeds


def _draw_disc(seeds: NDArray[np.uint8], x0: int, y0: int, label: int) -> None:
    radius = SEED_RADIUS_PX
    top, left = max(y0 - radius, 0), max(x0 - radius, 0)
    part = seeds[top : y0 + radius + 1, left : x0 + radius + 1]
    y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    part[(x - x0) ** 2 + (y - y0) ** 2 <= radius**2] = label
