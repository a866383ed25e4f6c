"""Small phantoms whose objects differ in size, outline and contrast from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from cosmos_board.phantoms.controlled import PhantomSpec, draw_phantom

Bytes = NDArray[np.uint8]

_SHARE_OF_ROOM = (0.2, 0.6)
"""Area of an object over that of the picture, or of its quarter where there are several."""


def draw_scene(name: str, objects: int, side_px: int = 64) -> tuple[Bytes, list[Mask]]:
    """Return a grey picture and its objects, which do not overlap; equal for equal names.

    Args:
        name: Seeds what is drawn.
        objects: How many, at most four: one in each quarter, or one in the middle.
        side_px: Height and width.
    """
    rng = np.random.default_rng(crc32(name.encode()))
    room_px = side_px**2 if objects == 1 else side_px**2 / 4
    specs = tuple(_draw_spec(rng, f"object {number}", room_px) for number in range(objects))
    image = draw_phantom(crc32(name.encode()), specs, side_px)
    drawn = dict(image.references)
    empty = np.zeros((side_px, side_px), np.bool_)
    return image.pixels, [drawn.get(spec.object, empty) for spec in specs]


def _draw_spec(rng: np.random.Generator, name: str, room_px: float) -> PhantomSpec:
    return PhantomSpec(
        object=name,
        size_px=round(room_px * rng.uniform(*_SHARE_OF_ROOM)),
        aspect_ratio=rng.uniform(0.6, 1),
        contrast=rng.uniform(20, 110) * rng.choice([-1, 1]),
        harmonics=int(rng.integers(2, 8)),
        roughness=rng.uniform(0.02, 0.4),
    )


def join_codes(masks: Sequence[Mask], codes: Sequence[int]) -> Bytes:
    """Return a picture of codes on 0."""
    drawn = np.zeros(masks[0].shape, np.uint8)
    for mask, code in zip(masks, codes, strict=True):
        drawn[mask] = code
    return drawn
