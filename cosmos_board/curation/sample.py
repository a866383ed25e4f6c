"""Some of what a dataset holds, evenly over it: enough for a board, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import cv2
import numpy as np

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.data.pack.check import SMALLEST_PX
from cosmos_board.data.source import SourceImage, SourceUnit

HALF = 128
"""Of the 255 that a pixel has which lies wholly in a mask."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How much of a dataset is taken; None takes all."""

    units: int | None = None
    """Pictures or volumes, evenly over their names."""

    slices: int | None = None
    """Slices of each volume, evenly over those with a reference."""

    longest_side_px: int | None = None
    """Larger pictures are reduced to it: the time of classical methods grows with the area."""


def sample_units(units: Sequence[SourceUnit], sample: Sample) -> tuple[SourceUnit, ...]:
    """Return the units of a sample, in the order of the plan, which is that of their names."""
    return tuple(
        replace(unit, key=f"{unit.key} {sample}", read=partial(_read_some, unit.read, sample))
        for unit in take_evenly(units, sample.units)
    )


def take_evenly(items: Sequence[_Item], most: int | None) -> tuple[_Item, ...]:
    """Return `most` of the items at equal distances, or all where there are no more.

    Example:
        >>> take_evenly("abcdefgh", 3)
        ('b', 'e', 'g')
    """
    if most is None or most >= len(items):
        return tuple(items)
    return tuple(items[(2 * place + 1) * len(items) // (2 * most)] for place in range(most))


def _read_some(read: Callable[[], Iterable[SourceImage]], sample: Sample) -> Iterator[SourceImage]:
    images: Iterable[SourceImage] = read()
    if sample.slices is None and sample.longest_side_px is None:
        yield from images
        return
    # What is left of a volume is none.
    images = (replace(image, volume=None) for image in images if not image.serves_volume_only)
    if sample.slices is not None:
        images = take_evenly([image for image in images if _has_reference(image)], sample.slices)
    for image in images:
        yield (
            image if sample.longest_side_px is None else reduce_image(image, sample.longest_side_px)
        )


def reduce_image(image: SourceImage, longest_side_px: int) -> SourceImage:
    """Return an image whose longer side has at most so many pixels; smaller ones stay.

    Pixels are means of what they cover; a mask's pixel is in it where at least half of it was.
    """
    height, width = image.pixels.shape[:2]
    scale = longest_side_px / max(height, width)
    if scale >= 1:
        return image
    size = (max(round(width * scale), 1), max(round(height * scale), 1))

    def shrink(drawn: Mapping[str, tuple[Mask, ...]]) -> dict[str, tuple[Mask, ...]]:
        return {
            name: tuple(_shrink(255 * mask.astype(np.uint8), size) >= HALF for mask in masks)
            for name, masks in drawn.items()
        }

    return replace(
        image,
        pixels=_shrink(image.pixels, size),
        masks=shrink(image.masks),
        observers={name: shrink(drawn) for name, drawn in image.observers.items()},
    )


def _shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    shrunk: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _has_reference(image: SourceImage) -> bool:
    masks = (mask for drawn in image.masks.values() for mask in drawn)
    return any(np.count_nonzero(mask) >= SMALLEST_PX for mask in masks)
