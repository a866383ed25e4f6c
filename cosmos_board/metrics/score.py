"""All scores of one prediction, from one pass over the two boundaries.

The definitions (protocol `cosmos-1`): a boundary is a mask without its 4-neighbour erosion,
distances are Euclidean between pixel centres. They follow Hausdorff distances from boundary to
boundary, the larger of both directed 95th percentiles (as MONAI, not pooled as medpy), the mean
over both boundaries pooled, the share of boundary pixels within 2 px, or within 5 % of the
reference's equivalent diameter (pixels counted, not weighted by contour length as
surface-distance), and the boundary IoU of Cheng et al. 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from cosmos_board.core.masks import Mask
from cosmos_board.core.scores import OK, PENALISED, Counts, Scores
from cosmos_board.metrics.definitions import PairCounts
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.table import METRICS, STORED_METRICS


def score(prediction: Mask, reference: PreparedReference, counts: Counts | None = None) -> Scores:
    """Return every score of a prediction against its reference.

    The prediction is bool, axes (Y, X), of the reference's size. An empty one is penalised:
    overlaps are 0 and distances the diagonal of the image. Where `counts`, the pair's overlap, is
    known, it is not counted again.

    Raises:
        InputError: If prediction and reference differ in size.

    Example:
        >>> from cosmos_board.metrics.reference import prepare_reference
        >>> square = np.zeros((9, 9), dtype=np.bool_)
        >>> square[2:6, 2:6] = True
        >>> score(np.roll(square, 1, axis=1), prepare_reference(square)).hd_px
        1.0
    """
    check_size(prediction.shape, reference.mask.shape)
    contiguous = np.ascontiguousarray(prediction, dtype=np.bool_)
    pair = _get_measure()(contiguous, reference, counts)
    return penalise(reference) if pair is None else to_scores(pair)


def to_scores(pair: PairCounts) -> Scores:
    """Return the scores that follow from what was counted of two masks with pixels."""
    values = {name: compute(pair) for name, compute in STORED_METRICS.items()}
    return Scores(counts=pair.counts, status=OK, **values)


def penalise(reference: PreparedReference, status: str = PENALISED) -> Scores:
    """Return the scores of a prediction without pixels: 0, or the image's diagonal in pixels.

    The status is `failed: <reason>` where there is no prediction at all.
    """
    diagonal = reference.diagonal_px
    values = {name: 0.0 if METRICS[name].higher_is_better else diagonal for name in STORED_METRICS}
    return Scores(counts=Counts(0, 0, reference.area_px), status=status, **values)


@cache
def _get_measure() -> Callable[[Mask, PreparedReference, Counts | None], PairCounts | None]:
    """Return the compiled pass where numba is installed (extra `fast`), else the plain one."""
    try:
        from cosmos_board.metrics.compiled import measure
    except (ImportError, RuntimeError):  # the latter: there is no folder to cache compiled code in
        from cosmos_board.metrics.plain import measure
    return measure
