"""A reference made ready to be scored against: what depends on it alone is computed once.

One reference meets every prompt, trial, candidate and model, so its area, box, boundary, inner
band and search structures are kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.metrics.boundaries import find_band, find_boundary_yx, get_extent

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

    from cosmos_board.metrics.compiled import Outline


@dataclass(frozen=True, eq=False)
class PreparedReference:
    """The annotator's mask with everything about it that a score needs."""

    mask: Mask
    """bool, axes (Y, X), contiguous; never empty."""

    area_px: int
    extent: tuple[slice, slice]
    """The tight box as slices (Y, X)."""

    @property
    def diagonal_px(self) -> float:
        """Diagonal of the image: the distance that an empty prediction is charged."""
        height, width = self.mask.shape
        return float(np.sqrt(height * height + width * width))

    @cached_property
    def boundary_yx(self) -> NDArray[np.int32]:
        """Boundary pixels (y, x) in row order, int32, shape (n, 2)."""
        return find_boundary_yx(self.mask)

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
    def outline(self) -> Outline:
        """Runs and boundary rows, as the compiled loops take them."""
        from cosmos_board.metrics.compiled import trace_outline

        return trace_outline(self.mask)


def prepare_reference(mask: Mask) -> PreparedReference:
    """Return `mask` (bool, axes (Y, X)) ready to be scored against.

    Raises:
        InputError: If the mask is empty or not two-dimensional.

    Example:
        >>> prepare_reference(np.ones((3, 4), dtype=np.bool_)).area_px
        12
    """
    if mask.ndim != 2:
        raise InputError("reference", "mask", "is no 2-D mask", got=mask.shape, want="(Y, X)")
    mask = np.ascontiguousarray(mask, dtype=np.bool_)
    extent = get_extent(mask)
    if extent is None:
        raise InputError("reference", "mask", "is empty", got="0 pixels", want="at least 1")
    return PreparedReference(mask, int(np.count_nonzero(mask)), extent)
