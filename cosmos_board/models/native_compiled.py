"""The compiled loops behind `native_masks`.

Masks are written column by column, as run lengths want them; what comes back has axes
(K, Y, X) all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Taps: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Per native position: first low-resolution position, shape (n,), and weights, (n, 3)."""

Planes: TypeAlias = NDArray[np.float32]
Counts: TypeAlias = NDArray[np.int32]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_compile: Callable[[_Function], _Function] = numba.njit(cache=True, nogil=True)


def threshold(low: Planes, rows: Taps, columns: Taps, limit: float) -> NDArray[np.bool_]:
    """Return where native logits exceed `limit`, bool, axes (K, Y, X); `low` has (K, y, x)."""
    masks, _, _ = measure(low, rows, columns, limit, 0.0)
    return masks


def measure(
    low: Planes, rows: Taps, columns: Taps, limit: float, offset: float
) -> tuple[NDArray[np.bool_], Counts, Counts]:
    """Return masks as `threshold`, and their pixels at `limit` plus and minus `offset`, (K,)."""
    turned = np.ascontiguousarray(_widen(low).transpose(0, 2, 1))
    masks, strict, lax = _measure(
        turned,
        *rows,
        *columns,
        np.float32(limit),
        np.float32(limit + offset),
        np.float32(limit - offset),
    )
    return masks.transpose(0, 2, 1), strict, lax


def _widen(low: Planes) -> Planes:
    """Return `low` with at least three rows and columns, which the taps count on."""
    below, right = (max(3 - size, 0) for size in low.shape[1:])
    return np.pad(low, ((0, 0), (0, below), (0, right))) if below or right else low


@_compile
def _measure(
    low: Planes,
    first_row: NDArray[np.int64],
    row_weights: Planes,
    first_column: NDArray[np.int64],
    column_weights: Planes,
    limit: np.float32,
    strict_limit: np.float32,
    lax_limit: np.float32,
) -> tuple[NDArray[np.bool_], Counts, Counts]:
    """Run over turned planes (K, x, y) into turned masks (K, X, Y)."""
    count, _, low_height = low.shape
    height, width = len(first_row), len(first_column)
    masks = np.empty((count, width, height), np.bool_)
    strict, lax = np.zeros(count, np.int32), np.zeros(count, np.int32)
    column = np.empty(low_height, np.float32)
    for k in range(count):
        above_strict, above_lax = 0, 0
        for x in range(width):
            at = first_column[x]
            a, b, c = low[k, at], low[k, at + 1], low[k, at + 2]
            wa, wb, wc = column_weights[x, 0], column_weights[x, 1], column_weights[x, 2]
            for j in range(low_height):
                column[j] = wa * a[j] + wb * b[j] + wc * c[j]
            out = masks[k, x]
            for y in range(height):
                j = first_row[y]
                logit = (
                    row_weights[y, 0] * column[j]
                    + row_weights[y, 1] * column[j + 1]
                    + row_weights[y, 2] * column[j + 2]
                )
                out[y] = logit > limit
                above_strict += logit > strict_limit
                above_lax += logit > lax_limit
        strict[k], lax[k] = above_strict, above_lax
    return masks, strict, lax
