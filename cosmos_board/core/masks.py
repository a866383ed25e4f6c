"""Masks and their run-length form, the two ways to store a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from cosmos_board.core.errors import InputError
from cosmos_board.core.rle import read_runs

Mask: TypeAlias = NDArray[np.bool_]
"""A region of one image: bool, axes (Y, X)."""

Pixels: TypeAlias = NDArray[np.uint8]
"""A curated image: uint8, axes (Y, X) grey or (Y, X, 3) RGB."""


@dataclass(frozen=True, slots=True)
class Rle:
    """A mask as COCO-compressed run lengths (column-major, as `pycocotools` writes them)."""

    height: int
    width: int
    counts: bytes

    def decode(self) -> Mask:
        """Return the mask, bool, axes (Y, X).

        Raises:
            InputError: If the counts are malformed or do not cover the image.
        """
        # Not pycocotools: its C code does not check the counts, and it warns under numpy 2.
        try:
            runs = read_runs(self.counts, self.height, self.width, strict=False)
        except ValueError as error:
            raise InputError("mask", "rle", str(error)) from None
        inside = np.arange(len(runs)) % 2 == 1
        return np.repeat(inside, runs).reshape(self.width, self.height).T

    def as_coco(self) -> dict[str, object]:
        """Return the mapping that `pycocotools` takes."""
        return {"size": [self.height, self.width], "counts": self.counts}

    @property
    def area_px(self) -> int:
        """Number of foreground pixels."""
        return int(coco.area(self.as_coco()))


def encode_mask(mask: Mask) -> Rle:
    """Return `mask` (bool, axes (Y, X)) as run lengths.

    Example:
        >>> mask = np.array([[False, True], [False, True]])
        >>> bool((encode_mask(mask).decode() == mask).all())
        True
    """
    encoded = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return Rle(int(mask.shape[0]), int(mask.shape[1]), bytes(encoded["counts"]))
