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


def threshold(
    low: Planes, rows: Taps, columns: Taps, limit: float, doubt: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where native logits exceed `limit`, bool, axes (K, Y, X); `low` has (K, y, x).

    Beside it, which of the K masks have a logit within `doubt` of the limit.
    """
    if limit:
        masks, strict, lax = measure(low, rows, columns, limit, doubt)
        return masks, strict != lax
    turned = np.ascontiguousarray(_widen(low).transpose(0, 2, 1))
    masks, near = _find_positive(turned, *rows, *columns, np.float32(doubt))
    return masks.transpose(0, 2, 1), near > 0


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
def _find_positive(
    low: Planes,
    first_row: NDArray[np.int64],
    row_weights: Planes,
    first_column: NDArray[np.int64],
    column_weights: Planes,
    doubt: np.float32,
) -> tuple[NDArray[np.bool_], Counts]:
    """Return where logits are positive, turned planes (K, x, y) into turned masks (K, X, Y).

    Weights are not negative, so where the logits around have one sign there is no need to look.
    Beside it, how many logits of each mask are nearer to zero than `doubt`, (K,).
    """
    count, low_width, low_height = low.shape
    height, width = len(first_row), len(first_column)
    masks = np.empty((count, width, height), np.bool_)
    some, every = np.empty(low_width, np.bool_), np.empty(low_width, np.bool_)
    column = np.empty(low_height, np.float32)
    near = np.zeros(count, np.int32)
    for k in range(count):
        for x in range(low_width):
            positive, negative = 0, 0
            for y in range(low_height):
                positive += low[k, x, y] > doubt
                negative += low[k, x, y] <= -doubt
            some[x], every[x] = negative < low_height, positive == low_height
        close = 0
        for x in range(width):
            at, out = first_column[x], masks[k, x]
            if not (some[at] or some[at + 1] or some[at + 2]):
                out[:] = False
                continue
            if every[at] and every[at + 1] and every[at + 2]:
                out[:] = True
                continue
            _blend(low[k], at, column_weights[x], column)
            for y in range(height):
                logit = _mix(column, first_row[y], row_weights, y)
                out[y] = logit > np.float32(0)
                close += abs(logit) < doubt
        near[k] = close
    return masks, near


@_compile
def _blend(plane: Planes, at: int, weights: Planes, column: Planes) -> None:
    """Write into `column` three columns of a turned plane (x, y), from `at` on, by weight."""
    wa, wb, wc = weights
    a, b, c = plane[at], plane[at + 1], plane[at + 2]
    for j in range(len(column)):
        column[j] = wa * a[j] + wb * b[j] + wc * c[j]


@_compile
def _mix(column: Planes, at: np.int64, weights: Planes, y: int) -> Any:  # noqa: ANN401 - float32
    """Return the logit of native row `y`, from three values of a column, from `at` on."""
    return (
        weights[y, 0] * column[at] + weights[y, 1] * column[at + 1] + weights[y, 2] * column[at + 2]
    )


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
            _blend(low[k], first_column[x], column_weights[x], column)
            out = masks[k, x]
            for y in range(height):
                logit = _mix(column, first_row[y], row_weights, y)
                out[y] = logit > limit
                above_strict += logit > strict_limit
                above_lax += logit > lax_limit
        strict[k], lax[k] = above_strict, above_lax
    return masks, strict, lax
