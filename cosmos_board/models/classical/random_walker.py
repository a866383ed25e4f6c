"""The random walker (Grady 2006) as the protocol freezes it: beta 130, mode `cg_j`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.classical.base import ClassicalSegmenter
from cosmos_board.models.classical.volume_box import ASKED
from cosmos_board.models.classical.volume_walker import WalkerVolume, walk_volume
from cosmos_board.models.classical.walker_seeds import mark_seeds
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

TOLERANCE = 1e-3
"""Relative residual at which `cg_j` stops."""


class RandomWalker(ClassicalSegmenter):
    """Gives each pixel to the seed that a random walker reaches first; edges are hard to cross."""

    name = "random-walker"
    volume_prompts = ASKED

    def embed(self, pixels: Pixels) -> Embedding:
        """Return how strongly neighbouring pixels are joined."""
        return Embedding(int(pixels.shape[0]), int(pixels.shape[1]), measure_weights(pixels))

    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Return the pixels that the foreground seeds win."""
        assert isinstance(embedding.payload, Weights), "the embedding is another segmenter's"
        return walk(embedding.payload, prompt)

    def open_volume(self, voxels: NDArray[np.uint8], spacing_mm: SpacingMm) -> object:
        """Return the volume itself."""
        return WalkerVolume(voxels, spacing_mm)

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> VolumeMask:
        """Return the voxels that the foreground seeds win; see `walk_volume`."""
        assert isinstance(volume, WalkerVolume), "the volume is another segmenter's"
        return walk_volume(volume, prompts)


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
