"""Composite objects: parts within them, vessels across them, one side with a weak edge.

An optic disc has a cup and is crossed by vessels, a ventricle has papillary muscles, a gland a
lumen, and most organs lose their edge next to similar tissue. A model trained on homogeneous
objects follows the strongest edge, which is then not the outline. Here such edges are drawn into
images without a change of the references, so that prompt and shape must decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.phantoms.shapes import SHAPES
from cosmos_board.phantoms.textures import blur, to_pixels

Planes = NDArray[np.float32]
"""Grey levels, float32 in [0, 255], axes (Y, X, C)."""

_PARTS = 0.7
_FADES = 0.45
_MOST_OBJECTS = 4
_ROUND = ("ellipse", "blob", "blob")
_LONG = ("tube", "tree")


def compose(rng: np.random.Generator, pixels: Pixels, masks: Sequence[Mask]) -> Pixels:
    """Return a square image in which some of the objects have parts, or a side without an edge.

    Pixels are uint8, grey or RGB; the masks of the objects, bool, axes (Y, X), stay valid.

    Example:
        >>> plain = np.full((64, 64), 100, np.uint8)
        >>> disc = np.hypot(*np.mgrid[-32:32, -32:32]) < 20
        >>> bool((compose(np.random.default_rng(0), plain, [disc]) != plain).any())
        True
    """
    colour = pixels.ndim == 3
    planes = (pixels if colour else pixels[..., None]).astype(np.float32)
    for at in rng.permutation(len(masks))[:_MOST_OBJECTS]:
        box = cv2.boundingRect(masks[at].view(np.uint8))
        if min(box[2:]) < 6:
            continue
        if rng.random() < _PARTS:
            planes = _add_parts(rng, planes, masks[at], box)
        if rng.random() < _FADES:
            planes = _fade_side(rng, planes, masks[at], box)
    return to_pixels(planes, colour=colour)


def _add_parts(rng: np.random.Generator, planes: Planes, mask: Mask, box: Sequence[int]) -> Planes:
    """Return `planes` with brighter and darker parts in an object, or vessels across it."""
    side, size = len(mask), max(box[2:])
    ys, xs = np.nonzero(mask)
    contrast = float(np.exp(rng.uniform(np.log(10), np.log(110))) * rng.choice([-1, 1]))
    for _ in range(int(rng.integers(1, 5))):
        across = rng.random() < 0.35
        names = _LONG if across else _ROUND
        at = int(rng.integers(len(xs)))
        radius = size * (rng.uniform(0.4, 0.9) if across else rng.uniform(0.08, 0.42))
        shape = SHAPES[names[int(rng.integers(len(names)))]]
        part = shape(rng, side, (float(xs[at]), float(ys[at])), float(radius))
        if rng.random() < 0.7:
            part = part & mask
        soft = blur(part.astype(np.float32), float(np.exp(rng.uniform(-0.7, 0.9))))
        planes = planes + contrast * rng.uniform(0.5, 1.1) * soft[..., None]
    return planes


def _fade_side(rng: np.random.Generator, planes: Planes, mask: Mask, box: Sequence[int]) -> Planes:
    """Return `planes` in which an object has the grey level of its surround on one side."""
    x, y, width, height = box
    turn = rng.uniform(0, 2 * np.pi)
    yy, xx = np.ogrid[: len(mask), : len(mask)]
    along = (xx - x - width / 2) / width * np.cos(turn) + (yy - y - height / 2) / height * np.sin(
        turn
    )
    share = np.clip(3 * (along - rng.uniform(-0.25, 0.25)) + 0.5, 0, 1).astype(np.float32)
    reach = max(3, round(0.12 * max(width, height)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inner = mask & (share > 0.5)
    rim = cv2.dilate(inner.view(np.uint8), kernel).view(np.bool_) & ~mask & (share > 0.5)
    if not (inner.any() and rim.any()):
        return planes
    step = planes[rim].mean(0) - planes[inner].mean(0)
    alike = planes + rng.uniform(0.7, 1) * (share * mask)[..., None] * step
    outline = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    near = share * np.clip(2 * blur(outline.astype(np.float32), 2), 0, 1)
    smooth = blur(alike, rng.uniform(2, 5))
    grain = np.roll(planes - blur(planes, 1.2), len(mask) // 3, (0, 1))
    return np.asarray(alike + near[..., None] * (smooth + grain - alike), np.float32)
