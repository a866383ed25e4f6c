"""Compiled loops over distances: from one boundary to another, and what is told of them.

A boundary is `(row_start, columns)`: the columns of row y, in order, are those at
`row_start[y] … row_start[y + 1] - 1`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.compiled import compile_loop

_NOWHERE = 1 << 30


@compile_loop
def _nearest_in_row(columns: NDArray[np.int32], low: int, high: int, x: int) -> int:
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
def measure_distances(
    from_rows: NDArray[np.int32],
    from_columns: NDArray[np.int32],
    to_rows: NDArray[np.int32],
    to_columns: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Return the squared distance from each boundary pixel to the other boundary, in row order.

    Rows are looked at from the pixel's own outwards, until they are further than the best.
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


@compile_loop
def _select(values: NDArray[np.int64], index: int) -> None:
    """Put the order statistic `index` in its place, none greater before and none less behind.

    Hoare's FIND (CACM 4, 1961), since numba takes seconds to compile numpy's partition.
    """
    low, high = 0, len(values) - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if index <= j:
            high = j
        elif index >= i:
            low = i
        else:
            return


@compile_loop
def summarise(
    squared: NDArray[np.int64], p95_index: int, within_sq: int, scale: float
) -> tuple[int, int, int, int, int]:
    """Return the maximum, both order statistics around the 95th percentile, the number of
    values up to `within_sq`, and the sum of the roots in whole multiples of 1 / `scale`.
    """  # noqa: D205
    largest = within = summed = 0
    for value in squared:
        largest = max(largest, value)
        within += value <= within_sq
        summed += int(np.rint(np.sqrt(value) * scale))
    ordered = squared.copy()
    _select(ordered, p95_index)
    following = largest
    for i in range(p95_index + 1, len(ordered)):
        following = min(following, ordered[i])
    return largest, ordered[p95_index], following, within, summed
