"""The compiled loops behind `native_masks`.

Masks are written column by column, as run lengths want them; what comes back has axes
(K, Y, X) all the same.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.compiled import compile_loop

Taps: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Per native position: first low-resolution position, shape (n,), and weights, (n, 3)."""

Planes: TypeAlias = NDArray[np.float32]
Counts: TypeAlias = NDArray[np.int32]


def measure(
    low: Planes, rows: Taps, columns: Taps, offset: float
) -> tuple[NDArray[np.bool_], Counts, Counts]:
    """Return where native logits are positive, bool, axes (K, Y, X); `low` has (K, y, x).

    Then the pixels at thresholds `offset` and −`offset`, (K,) each; the first is the raised one.
    """
    masks, strict, lax = _measure(_turn(low), *rows, *columns, np.float32(offset))
    return masks.transpose(0, 2, 1), strict, lax


def _turn(low: Planes) -> Planes:
    """Return `low` with axes (K, x, y), of at least three rows and columns: taps need as many."""
    below, right = (max(3 - size, 0) for size in low.shape[1:])
    padded = np.pad(low, ((0, 0), (0, below), (0, right))) if below or right else low
    return np.ascontiguousarray(padded.transpose(0, 2, 1))


@compile_loop
def _blend(plane: Planes, at: int, weights: Planes, column: Planes) -> None:
    """Write into `column` three columns of a turned plane (x, y), from `at` on, by weight."""
    wa, wb, wc = weights
    a, b, c = plane[at], plane[at + 1], plane[at + 2]
    for j in range(len(column)):
        column[j] = wa * a[j] + wb * b[j] + wc * c[j]


@compile_loop
def _mix(column: Planes, at: np.int64, weights: Planes, y: int) -> Any:  # noqa: ANN401 - float32
    """Return the logit of native row `y`, from three values of a column, from `at` on."""
    return (
        weights[y, 0] * column[at] + weights[y, 1] * column[at + 1] + weights[y, 2] * column[at + 2]
    )


@compile_loop
def _measure(
    low: Planes,
    first_row: NDArray[np.int64],
    row_weights: Planes,
    first_column: NDArray[np.int64],
    column_weights: Planes,
    offset: np.float32,
) -> tuple[NDArray[np.bool_], Counts, Counts]:
    """Run over turned planes (K, x, y) into turned masks (K, X, Y).

    Weights are not negative, so where the logits around have one sign there is no need to look,
    unless they are compared with an offset.
    """
    count, low_width, low_height = low.shape
    height, width = len(first_row), len(first_column)
    masks = np.empty((count, width, height), np.bool_)
    strict, lax = np.zeros(count, np.int32), np.zeros(count, np.int32)
    some, every = np.empty(low_width, np.bool_), np.empty(low_width, np.bool_)
    column = np.empty(low_height, np.float32)
    for k in range(count):
        above_strict, above_lax = 0, 0
        for x in range(low_width):
            positive = 0
            for y in range(low_height):
                positive += low[k, x, y] > np.float32(0)
            some[x], every[x] = positive > 0 or offset != 0, positive == low_height and offset == 0
        for x in range(width):
            at, out = first_column[x], masks[k, x]
            if not (some[at] or some[at + 1] or some[at + 2]):
                out[:] = False
            elif every[at] and every[at + 1] and every[at + 2]:
                out[:] = True
                above_strict += height
                above_lax += height
            else:
                _blend(low[k], at, column_weights[x], column)
                for y in range(height):
                    logit = _mix(column, first_row[y], row_weights, y)
                    out[y] = logit > np.float32(0)
                    above_strict += logit > offset
                    above_lax += logit > -offset
        strict[k], lax[k] = above_strict, above_lax
    return masks, strict, lax
