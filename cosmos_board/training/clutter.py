"""What makes an outline hard to see: edges that are lost, and edges of other things.

A model that has met only whole outlines follows whatever edge is strongest. Real organs lose theirs
to neighbours alike, and have vessels, ribs and texture across them; there the prompt and the shape
known so far must fill in.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Pixels
from cosmos_board.phantoms.shapes import SHAPES
from cosmos_board.phantoms.textures import noise_field, to_pixels
from cosmos_board.training.regions import Partitioned, view

Planes = NDArray[np.float32]
"""Grey levels, float32 in [0, 255], axes (Y, X, C)."""

_VEILED = 0.55
_OVERLAID = 0.45
_ON_A_PICTURE = 0.3


def clutter(rng: np.random.Generator, pixels: Pixels, real: Sequence[Partitioned] = ()) -> Pixels:
    """Return a square image in which outlines are partly lost and things that are no objects show.

    Args:
        rng: Source of what happens and where.
        pixels: uint8, axes (Y, X) or (Y, X, 3).
        real: Pictures whose structure may shine through.

    Example:
        >>> plain = np.full((64, 64), 100, np.uint8)
        >>> clutter(np.random.default_rng(0), plain).shape
        (64, 64)
    """
    colour = pixels.ndim == 3
    planes = (pixels if colour else pixels[..., None]).astype(np.float32)
    if rng.random() < _VEILED:
        planes = _veil(rng, planes)
    if rng.random() < _OVERLAID:
        planes = _overlay(rng, planes)
    if real and rng.random() < _ON_A_PICTURE:
        planes = _shine_through(rng, planes, real[int(rng.integers(len(real)))])
    return to_pixels(planes, colour=colour)


def _veil(rng: np.random.Generator, planes: Planes) -> Planes:
    """Return `planes` without edges in some places; their grain stays, moved off the edges."""
    side = planes.shape[0]
    where = noise_field(rng, side, side / rng.uniform(2, 7)) - rng.uniform(-0.3, 0.9)
    share = (rng.uniform(0.6, 1) * np.clip(2 * where, 0, 1))[..., None]
    grain = planes - _blur(planes, 1.2)
    shift = tuple(int(rng.integers(side // 8, side // 2)) for _ in range(2))
    plain = _blur(planes, side * rng.uniform(0.02, 0.07)) + np.roll(grain, shift, (0, 1))
    return np.asarray(planes + share * (plain - planes), np.float32)


def _overlay(rng: np.random.Generator, planes: Planes) -> Planes:
    """Return `planes` with brighter and darker shapes that let what is below show through."""
    side = planes.shape[0]
    shapes = tuple(SHAPES.values())
    for _ in range(int(rng.integers(1, 6))):
        centre = (side * rng.uniform(0, 1), side * rng.uniform(0, 1))
        radius = float(np.exp(rng.uniform(np.log(side / 30), np.log(side / 3))))
        mask = shapes[int(rng.integers(len(shapes)))](rng, side, centre, radius)
        soft = _blur(mask.astype(np.float32)[..., None], float(np.exp(rng.uniform(-0.7, 1.4))))
        contrast = float(np.exp(rng.uniform(np.log(6), np.log(50))) * rng.choice([-1, 1]))
        planes = planes + contrast * soft
    return planes


def _shine_through(rng: np.random.Generator, planes: Planes, picture: Partitioned) -> Planes:
    seen, _ = view(picture, rng, planes.shape[0])
    grey = (seen if seen.ndim == 2 else seen.mean(2)).astype(np.float32)
    return np.asarray(planes + rng.uniform(0.08, 0.35) * (grey - grey.mean())[..., None])


def _blur(planes: Planes, sigma_px: float) -> Planes:
    blurred: Planes = cv2.GaussianBlur(planes, (0, 0), sigma_px)
    return blurred if blurred.ndim == 3 else blurred[..., None]
