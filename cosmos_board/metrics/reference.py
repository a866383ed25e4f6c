"""A reference with everything that depends on it alone: area, box, boundary, band, search tree.

Every prompt, trial, candidate and model is scored against the same reference, so each of these is
computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from cosmos_board.core.arrays import Int32s
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.metrics.boundaries import count_boundary, find_band, find_boundary_yx, get_extent
from cosmos_board.metrics.definitions import find_relative_tolerance

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

    from cosmos_board.metrics.runs import RunOutline


@dataclass(frozen=True, eq=False)
class PreparedReference:
    """The reference mask with everything about it that a score needs."""

    mask: Mask
    """bool, axes (Y, X), contiguous; never empty."""

    area_px: int
    extent: tuple[slice, slice]
    """The tight box as slices (Y, X)."""

    @property
    def diagonal_px(self) -> float:
        """Diagonal of the image: the distance that an empty prediction gets."""
        height, width = self.mask.shape
        return float(np.sqrt(height * height + width * width))

    @cached_property
    def relative_sq(self) -> int:
        """Largest squared distance, px², within the tolerance relative to this reference."""
        return find_relative_tolerance(self.area_px)

    @cached_property
    def boundary_yx(self) -> Int32s:
        """Boundary pixels (y, x) in row order, int32, shape (n, 2)."""
        rows, columns = self.extent  # beyond them all is outside
        corner = np.array([rows.start, columns.start], np.int32)
        boundary: Int32s = find_boundary_yx(self.mask[self.extent]) + corner
        return boundary

    @cached_property
    def boundary_px(self) -> int:
        """Number of boundary pixels."""
        return count_boundary(self.mask[self.extent])

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree over the boundary."""
        from scipy.spatial import cKDTree

        return cKDTree(self.boundary_yx)

    @cached_property
    def band(self) -> Mask:
        """The inner band of the boundary IoU, bool, axes (Y, X)."""
        return find_band(self.mask)

    @cached_property
    def band_px(self) -> int:
        """Number of pixels of the inner band."""
        return int(np.count_nonzero(self.band))

    @cached_property
    def skeleton(self) -> Mask:
        """The mask thinned to lines of one pixel, bool, axes (Y, X)."""
        from skimage.morphology import skeletonize

        thinned = np.zeros_like(self.mask)
        thinned[self.extent] = skeletonize(self.mask[self.extent])
        return thinned

    @cached_property
    def outline(self) -> RunOutline:
        """The mask as runs of pixels, for the compiled loops."""
        from cosmos_board.metrics.runs import trace_outline

        return trace_outline(self.mask)


def prepare_reference(mask: Mask) -> PreparedReference:
    """Return `mask` (bool, axes (Y, X)) prepared for scoring predictions against it.

    Raises:
        InputError: If the mask is empty or not two-dimensional.

    Example:
        >>> prepare_reference(np.ones((3, 4), dtype=np.bool_)).area_px
        12
    """
    if mask.ndim != 2:
        raise InputError("reference", "mask", "is no 2-D mask", got=mask.shape, want="(Y, X)")
    mask = _lay_out(mask)
    extent = get_extent(mask)
    if extent is None:
        raise InputError("reference", "mask", "is empty", got="0 pixels", want="at least 1")
    return PreparedReference(mask, int(np.count_nonzero(mask)), extent)


def _lay_out(mask: Mask) -> Mask:
    """Return a mask whose rows lie one after the other; run lengths leave columns so."""
    if mask.dtype == np.bool_ and mask.flags.f_contiguous:
        turned: Mask = cv2.transpose(mask.T.view(np.uint8)).view(np.bool_)  # three times as fast
        return turned
    return np.ascontiguousarray(mask, dtype=np.bool_)
