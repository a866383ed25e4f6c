"""What each factor is: one function of a reference and its image, as protocol `cosmos-1` has it.

`table.FACTORS` lists the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import hypot

import cv2
import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.factors.contour import ContourComplexity, measure_complexity
from cosmos_board.factors.intensity import measure_intensity_difference


@dataclass(frozen=True, eq=False)
class ReferenceShape:
    """A reference in its image, with what several factors need of it.

    Raises:
        InputError: If the mask is empty or differs from the image in size.
    """

    pixels: Pixels
    """The curated image: uint8, axes (Y, X) grey or (Y, X, 3) RGB."""

    mask: Mask
    """bool, axes (Y, X), of the image's size."""

    def __post_init__(self) -> None:
        if (want := self.pixels.shape[:2]) != (got := self.mask.shape):
            raise InputError("reference", "size", "differs from its image", got=got, want=want)
        if not self.box[2]:
            raise InputError("reference", "mask", "is empty", got="0 pixels", want="at least 1")

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """The tight box: x, y, width, height in pixels; of width 0 where the mask is empty."""
        x, y, width, height = cv2.boundingRect(np.ascontiguousarray(self.mask).view(np.uint8))
        return x, y, width, height

    @cached_property
    def extent(self) -> tuple[slice, slice]:
        """The tight box as slices (Y, X)."""
        x, y, width, height = self.box
        return slice(y, y + height), slice(x, x + width)

    @cached_property
    def cropped(self) -> Mask:
        """The mask within its tight box."""
        return np.ascontiguousarray(self.mask[self.extent])

    @cached_property
    def components(self) -> tuple[int, Mask]:
        """The number of 8-connected components, and the largest within the tight box."""
        return find_largest_component(self.cropped)

    @cached_property
    def complexity(self) -> ContourComplexity:
        """How many harmonics the outer contour of the largest component needs."""
        return measure_complexity(self.components[1])


def size_px(reference: ReferenceShape) -> int:
    """Return the number of pixels."""
    return int(np.count_nonzero(reference.cropped))


def aspect_ratio(reference: ReferenceShape) -> float:
    """Return the short side of the box over the long one, in (0, 1]."""
    _, _, width, height = reference.box
    return min(width, height) / max(width, height)


def intensity_difference(reference: ReferenceShape) -> float:
    """Return |mean inside − mean of the surround| in BT.601 grey levels; see `intensity`."""
    return measure_intensity_difference(reference.pixels, reference.mask, reference.extent)


def boundary_complexity(reference: ReferenceShape) -> float:
    """Return the study's complexity: elliptic-Fourier order at its stop + 200 (1 − Dice)."""
    return reference.complexity.boundary_complexity


def efd_order(reference: ReferenceShape) -> int:
    """Return the first elliptic-Fourier order above Dice 0.97; 101 when none up to 100 is."""
    return reference.complexity.efd_order


def components(reference: ReferenceShape) -> int:
    """Return the number of 8-connected components."""
    return reference.components[0]


def position(reference: ReferenceShape) -> float:
    """Return the centroid's distance from the image centre over half the diagonal, in [0, 1).

    Both are taken between pixel centres: the centre of an image of width w is at (w − 1) / 2.
    """
    height, width = reference.mask.shape
    left, top, _, _ = reference.box
    per_row, per_column = (
        np.add.reduce(reference.cropped.view(np.uint8), axis=axis, dtype=np.int64)
        for axis in (1, 0)
    )
    area = int(per_row.sum())
    dy = int(per_row @ np.arange(len(per_row))) / area + top - (height - 1) / 2
    dx = int(per_column @ np.arange(len(per_column))) / area + left - (width - 1) / 2
    return hypot(dy, dx) / (hypot(height, width) / 2)


def find_largest_component(mask: Mask) -> tuple[int, Mask]:
    """Return the number of 8-connected components and the largest (first in row order on a tie).

    Example:
        >>> diagonal = np.eye(4, dtype=np.bool_)
        >>> find_largest_component(diagonal)[0]
        1
    """
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    # Tracing contours is far cheaper than labelling pixels, and most references are one component.
    _, hierarchy = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if np.count_nonzero(hierarchy.reshape(-1, 4)[:, 3] < 0) == 1:
        return 1, mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    tied = np.flatnonzero(areas == areas.max()) + 1
    if len(tied) == 1:
        return count - 1, labels == tied[0]
    # OpenCV numbers components in the order of blocks of rows, not of pixels.
    in_row_order = labels[np.isin(labels, tied)]
    return count - 1, labels == in_row_order[0]
