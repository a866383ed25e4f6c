"""Everything that is counted of a pair of masks, by OpenCV and a search tree, without numba."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from cosmos_board.core.arrays import Int32s, Ints
from cosmos_board.core.masks import Mask
from cosmos_board.core.scores import Counts
from cosmos_board.metrics.boundaries import find_band, find_boundary_yx, get_extent
from cosmos_board.metrics.definitions import PairCounts, describe_distances
from cosmos_board.metrics.overlap import count_candidate
from cosmos_board.metrics.reference import PreparedReference


def measure(
    prediction: Mask, reference: PreparedReference, counts: Counts | None = None
) -> PairCounts | None:
    """Return what is counted of the pair, or None when the prediction is empty.

    The prediction is bool, axes (Y, X), contiguous, of the reference's size; `counts` is the pair's
    overlap, where it is known already.
    """
    extent = get_extent(prediction)
    if extent is None:
        return None
    rows, columns = extent
    cropped = np.ascontiguousarray(prediction[extent])
    origin = np.array([rows.start, columns.start], np.int32)
    # No pixel of the mask lies beyond its tight box, so cropping changes neither boundary nor band.
    points_yx = find_boundary_yx(cropped) + origin
    band = find_band(cropped)
    shared = int(np.count_nonzero(band & reference.band[extent]))
    joined = int(np.count_nonzero(band)) + reference.band_px - shared
    return PairCounts(
        counts or count_candidate(prediction, reference),
        describe_distances(_query(reference.tree, points_yx), reference.relative_sq),
        describe_distances(
            _query(cKDTree(points_yx), reference.boundary_yx), reference.relative_sq
        ),
        shared,
        joined,
    )


def _query(tree: cKDTree, points_yx: Int32s) -> Ints:
    """Return the squared distance from each point to the nearest of the tree."""
    distances_px = np.asarray(tree.query(points_yx)[0])
    # Coordinates are integers, hence so are squared distances: rounding restores them.
    squared: Ints = np.rint(distances_px * distances_px).astype(np.int64)
    return squared
