"""The random walker (Grady 2006) as the protocol freezes it: beta 130, mode `cg_j`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.classical.base import ClassicalSegmenter, first_positive
from cosmos_board.models.classical.walker_system import (
    BACKGROUND,
    FOREGROUND,
    UNKNOWN,
    Grid,
    Weights,
    build_system,
    measure_weights,
    solve_plainly,
)
from cosmos_board.models.segmenter import Embedding

SEED_RADIUS_PX = 2
TOLERANCE = 1e-3
"""Relative residual at which `cg_j` stops."""


class RandomWalker(ClassicalSegmenter):
    """Gives each pixel to the seed that a random walker reaches first; edges are hard to cross."""

    name = "random-walker"

    def embed(self, pixels: Pixels) -> Embedding:
        """Return how strongly neighbouring pixels are joined."""
        return Embedding(int(pixels.shape[0]), int(pixels.shape[1]), measure_weights(pixels))

    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Return the pixels that the foreground seeds win."""
        assert isinstance(embedding.payload, Weights), "the embedding is another segmenter's"
        return walk(embedding.payload, prompt)


def walk(weights: Weights, prompt: Prompt) -> Mask:
    """Return the pixels that the foreground seeds win, bool, axes (Y, X)."""
    seeds = mark_seeds(weights.right.shape[0], weights.right.shape[1], prompt)
    mask: Mask = seeds == FOREGROUND
    unknown = seeds == UNKNOWN
    if not unknown.any() or not (seeds == BACKGROUND).any():
        mask |= unknown
        return mask
    window = _grow_box(unknown)
    system = build_system(Weights(weights.right[window], weights.down[window]), seeds[window])
    solve = _get_solver()
    background, foreground = (
        solve(system.diagonal, system.right, system.down, side, TOLERANCE)
        for side in (system.background, system.foreground)
    )
    mask[window] |= unknown[window] & (foreground > background)
    return mask


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


def _grow_box(unknown: Mask) -> tuple[slice, slice]:
    """Return the box of the unknown pixels and their neighbours: nothing else takes part."""
    rows, columns = (
        slice(max(int(at[0]) - 1, 0), int(at[-1]) + 2)
        for at in (np.flatnonzero(unknown.any(axis=1)), np.flatnonzero(unknown.any(axis=0)))
    )
    return rows, columns


@cache
def _get_solver() -> Callable[[Grid, Grid, Grid, Grid, float], Grid]:
    """Return the compiled solver where numba is installed (extra `fast`), else the plain one."""
    try:
        from cosmos_board.models.classical.walker_compiled import solve
    except (ImportError, RuntimeError):
        return solve_plainly
    return solve
