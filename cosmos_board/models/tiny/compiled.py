"""The compiled loops behind `tiny_sight`: a row of cells stays in the cache from end to end.

Planes have axes (y, x) at stride 4, P prompts of one image first. Nothing is added up in another
order from one call to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_compile: Callable[[_Function], _Function] = numba.njit(
    cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy"
)


@_compile
def join(
    lifted: Floats, maps: Floats, typical: Floats, alike: Floats, base: Floats, weights: Floats
) -> Floats:
    """Return the fine features of P prompts before they are refined, (P, C, y, x), at least 0.

    Args:
        lifted: What the transformer's pixels add, (P, C, y, x).
        maps: The drawn prompts, (P, M, y, x).
        typical: Mean features inside and outside, (P, 2, F).
        alike: The features compared with them, (F, y, x).
        base: What the image alone adds, (C, y, x).
        weights: Of 1 / (1 + squared difference), inside before outside, then of the maps,
            (C, n): 2 F + M columns, and zeros up to a multiple of four.
    """
    joined = np.empty_like(lifted)
    count, channels, height, width = lifted.shape
    features, drawn = len(alike), maps.shape[1]
    rows = np.zeros((weights.shape[1], width), np.float32)
    total = np.empty((channels, width), np.float32)
    for p in range(count):
        for y in range(height):
            _measure_gaps(alike, typical[p], y, rows)
            for m in range(drawn):
                rows[2 * features + m] = maps[p, m, y]
            for c in range(channels):
                for x in range(width):
                    total[c, x] = base[c, y, x] + lifted[p, c, y, x]
            _add_rows(total, weights, rows)
            _cut(total)
            joined[p, :, y] = total
    return joined


@_compile
def _measure_gaps(alike: Floats, typical: Floats, y: int, rows: Floats) -> None:
    """Write into `rows` 1 / (1 + squared difference) to what is typical, along row `y`."""
    one = np.float32(1)
    for side in range(len(typical)):
        for i in range(len(alike)):
            mean, at = typical[side, i], side * len(alike) + i
            for x in range(alike.shape[2]):
                difference = alike[i, y, x] - mean
                rows[at, x] = one / (one + difference * difference)


@_compile
def _add_rows(totals: Floats, weights: Floats, rows: Floats) -> None:
    """Add to `totals`, (c, x), the `rows`, (n, x), by `weights`, (c, n); n is a multiple of 4."""
    for i in range(0, rows.shape[0], 4):
        for t in range(totals.shape[0]):
            a, b, c, d = weights[t, i], weights[t, i + 1], weights[t, i + 2], weights[t, i + 3]
            for x in range(totals.shape[1]):
                first, second = a * rows[i, x], b * rows[i + 1, x]
                totals[t, x] += first + second + (c * rows[i + 2, x] + d * rows[i + 3, x])


@_compile
def _cut(rows: Floats) -> None:
    for c in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            rows[c, x] = max(rows[c, x], np.float32(0))


@_compile
def draw(
    fine: Floats, half: Floats, last: Floats, near: Floats, drawn: Floats, low: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what K masks of P prompts are, and what is to be seen of them.

    Args:
        fine: Refined features, (P, C, y, x).
        half: What the image adds at stride 2, (4, D, y, x): D channels at each place of a cell.
        last: Weights of the doubling, (4, D, C).
        near: What the close-up adds, (P, N, 2 y, 2 x).
        drawn: Weights of these D and N channels in each mask, (P, K, D + N); both are multiples
            of four.
        low: What the drawn prompt adds, before it is doubled bilinearly, (P, K, y, x).

    Returns:
        Logits, (P, K, 2 y, 2 x); their means over cells, clipped to ±12, (P, K, y, x); how many
        exceed 1, 0 and −1, (P, K, 3); and the largest, (P, K).
    """
    count, channels, height, width = fine.shape
    masks, details = drawn.shape[1], half.shape[1]
    logits = np.empty((count, masks, 2 * height, 2 * width), np.float32)
    small = np.empty((count, masks, height, width), np.float32)
    counts = np.zeros((count, masks, 3), np.float32)
    peaks = np.empty((count, masks, width), np.float32)
    peaks[:] = -np.inf
    rows = np.empty((channels, width), np.float32)
    detail = np.empty((drawn.shape[2], width), np.float32)
    lines, cells = np.empty((2, masks, width), np.float32), np.empty((masks, width), np.float32)
    for p in range(count):
        for y in range(height):
            rows[:] = fine[p, :, y]
            cells[:] = 0
            for place in range(4):
                detail[:details] = half[place, :, y]
                _add_rows(detail[:details], last[place], rows)
                _cut(detail[:details])
                detail[details:] = near[p, :, 2 * y + place // 2, place % 2 :: 2]
                line = lines[place % 2]
                for k in range(masks):
                    _blend(low[p, k], y, place, line[k])
                _add_rows(line, drawn[p], detail)
                _look(line, cells, counts[p], peaks[p])
                if place % 2:
                    _interleave(lines, logits[p], 2 * y + place // 2)
            small[p, :, y] = cells
    largest = np.empty((count, masks), np.float32)
    for p in range(count):
        for k in range(masks):
            largest[p, k] = peaks[p, k].max()
    return logits, small, counts, largest


@_compile
def _interleave(halves: Floats, planes: Floats, y: int) -> None:
    """Write even and odd columns, (2, k, x), into row `y` of `planes`, (k, y, 2 x)."""
    for k in range(halves.shape[1]):
        for x in range(halves.shape[2]):
            planes[k, y, 2 * x] = halves[0, k, x]
            planes[k, y, 2 * x + 1] = halves[1, k, x]


@_compile
def _look(lines: Floats, cells: Floats, counts: Floats, peaks: Floats) -> None:
    """Add what is to be seen of a line of each mask."""
    for k in range(lines.shape[0]):
        high, mid, least = np.int32(0), np.int32(0), np.int32(0)
        for x in range(lines.shape[1]):
            value = lines[k, x]
            high += np.int32(value > np.float32(1))
            mid += np.int32(value > np.float32(0))
            least += np.int32(value > np.float32(-1))
            peaks[k, x] = max(peaks[k, x], value)
            cells[k, x] += np.float32(0.25) * min(max(value, np.float32(-12)), np.float32(12))
        counts[k, 0] += high
        counts[k, 1] += mid
        counts[k, 2] += least


@_compile
def _blend(plane: Floats, y: int, place: int, line: Floats) -> None:
    """Write into `line` one place (upper left, upper right …) of the cells of row `y`, doubled."""
    height, width = plane.shape
    other = min(y + 1, height - 1) if place >= 2 else max(y - 1, 0)
    step = 1 if place % 2 else -1
    near, far = np.float32(0.75), np.float32(0.25)
    for x in range(width):
        line[x] = near * (near * plane[y, x] + far * plane[other, x])
    for x in range(max(0, -step), min(width, width - step)):
        line[x] += far * (near * plane[y, x + step] + far * plane[other, x + step])
    edge = width - 1 if step > 0 else 0
    line[edge] += far * (near * plane[y, edge] + far * plane[other, edge])
