"""Everything that is counted of a pair of masks, by compiled loops (extra `fast`)."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.arrays import Int32s, Ints
from cosmos_board.core.compiled import compile_loop
from cosmos_board.core.masks import Mask
from cosmos_board.core.scores import Counts
from cosmos_board.metrics.definitions import PairCounts, describe_distances
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.runs import count_shared, trace_outline


def measure(
    prediction: Mask, reference: PreparedReference, counts: Counts | None = None
) -> PairCounts | None:
    """Return what is counted of the pair, or None when the prediction is empty.

    The prediction is bool, axes (Y, X), contiguous, of the reference's size. `counts` is ignored:
    the overlap of two lists of runs costs next to nothing.
    """
    predicted, expected = trace_outline(prediction), reference.outline
    if not predicted.area_px:
        return None
    tp = count_shared(predicted.runs, expected.runs)
    # band ∩ band = mask ∩ mask − core ∩ mask − mask ∩ core + core ∩ core
    shared = (
        tp
        - count_shared(predicted.core, expected.runs)
        - count_shared(predicted.runs, expected.core)
        + count_shared(predicted.core, expected.core)
    )
    bands = predicted.area_px - predicted.core_px + expected.area_px - expected.core_px
    return PairCounts(
        Counts(tp, predicted.area_px - tp, expected.area_px - tp),
        describe_distances(
            _measure_distances(*predicted.boundary, *expected.boundary), reference.relative_sq
        ),
        describe_distances(
            _measure_distances(*expected.boundary, *predicted.boundary), reference.relative_sq
        ),
        shared,
        bands - shared,
    )


_NOWHERE = 1 << 30
"""Distance to a row without pixels: further than any pixel."""


@compile_loop
def _nearest_in_row(columns: Int32s, low: int, high: int, x: int) -> int:
    """Return the distance from `x` to the nearest of the sorted columns `low … high - 1`."""
    first, last = low, high
    while first < last:
        middle = (first + last) >> 1
        if columns[middle] < x:
            first = middle + 1
        else:
            last = middle
    nearest = _NOWHERE
    if first < high:
        nearest = int(columns[first]) - x
    if first > low:
        nearest = min(nearest, x - int(columns[first - 1]))
    return nearest


@compile_loop
def _measure_distances(
    from_rows: Int32s, from_columns: Int32s, to_rows: Int32s, to_columns: Int32s
) -> Ints:
    """Return the squared distance from each boundary pixel to the other boundary, in row order.

    The search goes from the pixel's own row outwards, until rows are further away than the best.
    """
    height = len(from_rows) - 1
    top, bottom = 0, height - 1
    while to_rows[top + 1] == 0:
        top += 1
    while to_rows[bottom] == len(to_columns):
        bottom -= 1
    squared = np.empty(len(from_columns), np.int64)
    for y in range(height):
        for i in range(from_rows[y], from_rows[y + 1]):
            x = int(from_columns[i])
            best = _NOWHERE * _NOWHERE
            dy = max(0, top - y, y - bottom)
            while dy * dy < best and (y - dy >= top or y + dy <= bottom):
                for row in (y - dy, y + dy):
                    if top <= row <= bottom and to_rows[row] < to_rows[row + 1]:
                        dx = _nearest_in_row(to_columns, to_rows[row], to_rows[row + 1], x)
                        best = min(best, dx * dx + dy * dy)
                    if dy == 0:
                        break
                dy += 1
            squared[i] = best
    return squared
