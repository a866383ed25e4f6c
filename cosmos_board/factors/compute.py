"""All factors of one reference."""

from __future__ import annotations

from math import hypot

import cv2
import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.factors import Factors
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.factors.contour import measure_complexity
from cosmos_board.factors.intensity import measure_intensity_difference


def compute_factors(pixels: Pixels, mask: Mask) -> Factors:
    """Return every factor of one reference, as protocol `cosmos-1` defines them.

    Args:
        pixels: The curated image: uint8, axes (Y, X) grey or (Y, X, 3) RGB.
        mask: The reference: bool, axes (Y, X), of the image's size.

    Raises:
        InputError: If the mask is empty or differs from the image in size.
    """
    if pixels.shape[:2] != mask.shape:
        raise InputError(
            "reference", "size", "differs from its image", got=mask.shape, want=pixels.shape[:2]
        )
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    if not width:
        raise InputError("reference", "mask", "is empty", got="0 pixels", want="at least 1")
    extent = slice(y, y + height), slice(x, x + width)
    cropped = np.ascontiguousarray(mask[extent])
    components, largest = find_largest_component(cropped)
    complexity = measure_complexity(largest)
    return Factors(
        size_px=int(np.count_nonzero(cropped)),
        aspect_ratio=min(width, height) / max(width, height),
        intensity_difference=measure_intensity_difference(pixels, mask, extent),
        boundary_complexity=complexity.boundary_complexity,
        efd_order=complexity.efd_order,
        components=components,
        position=measure_position(mask, extent),
    )


def find_largest_component(mask: Mask) -> tuple[int, Mask]:
    """Return the number of 8-connected components and the largest (first in row order on a tie).

    Example:
        >>> diagonal = np.eye(4, dtype=np.bool_)
        >>> find_largest_component(diagonal)[0]
        1
    """
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    # Tracing outlines is far cheaper than labelling pixels, and most references are one piece.
    _, hierarchy = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if np.count_nonzero(hierarchy.reshape(-1, 4)[:, 3] < 0) == 1:
        return 1, mask
    found, labels, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    tied = np.flatnonzero(areas == areas.max()) + 1
    if len(tied) == 1:
        return found - 1, labels == tied[0]
    # Labels follow blocks of rows inside OpenCV, hence the look at the pixels themselves.
    in_row_order = labels[np.isin(labels, tied)]
    return found - 1, labels == in_row_order[0]


def measure_position(mask: Mask, extent: tuple[slice, slice]) -> float:
    """Return the centroid's distance from the image centre over half the diagonal, in [0, 1).

    Both are taken between pixel centres: the centre of an image of width w is at (w − 1) / 2.
    """
    height, width = mask.shape
    per_row, per_column = (
        np.add.reduce(mask[extent].view(np.uint8), axis=axis, dtype=np.int64) for axis in (1, 0)
    )
    area = int(per_row.sum())
    dy = int(per_row @ np.arange(len(per_row))) / area + extent[0].start - (height - 1) / 2
    dx = int(per_column @ np.arange(len(per_column))) / area + extent[1].start - (width - 1) / 2
    return hypot(dy, dx) / (hypot(height, width) / 2)
