"""A mask as runs of pixels, and compiled loops over them (extra `fast`).

A mask is read once, eight bytes at a time; from there on, time is proportional to the length of
its boundary and not to the size of its image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Int32s
from cosmos_board.core.compiled import compile_loop
from cosmos_board.core.masks import Mask
from cosmos_board.metrics.boundaries import BAND_PASSES

Runs: TypeAlias = tuple[Int32s, Int32s, Int32s]
"""`(row_start, start, end)`: the runs of row y are those at `row_start[y] … row_start[y + 1] - 1`,
each with its first column and the column after its last."""


@dataclass(frozen=True, slots=True, eq=False)
class RunOutline:
    """A mask as runs, with its boundary and its interior."""

    runs: Runs
    area_px: int

    core: Runs
    """The mask without its inner band, which the boundary IoU compares."""

    core_px: int

    boundary: tuple[Int32s, Int32s]
    """`(row_start, columns)`: the boundary pixels of row y, in order, are those at
    `row_start[y] … row_start[y + 1] - 1`."""


def trace_outline(mask: Mask) -> RunOutline:
    """Return the outline of `mask` (bool, axes (Y, X), contiguous)."""
    height, width = mask.shape
    flat = mask.reshape(-1).view(np.uint8)
    if not (flat.flags.writeable and flat.ctypes.data % 8 == 0):
        # The kernels are compiled for one kind of memory: writeable, aligned to words.
        flat = flat.copy()
    runs = find_runs(flat, flat[: flat.size // 8 * 8].view(np.uint64), height, width)
    boundary = list_difference(runs, erode(runs, 0))
    core = runs
    for _ in range(BAND_PASSES):
        core = erode(core, 1)
    return RunOutline(runs, count_pixels(runs), core, count_pixels(core), boundary)


_ALL_SET = np.uint64(0x0101010101010101)


@compile_loop
def _skip(
    flat: NDArray[np.uint8], words: NDArray[np.uint64], i: int, end: int, inside: bool
) -> int:
    """Return the first index from `i` on, below `end`, that is not (set == inside)."""
    word = _ALL_SET if inside else np.uint64(0)
    while i < end and i & 7:
        if (flat[i] != 0) != inside:
            return i
        i += 1
    while i + 8 <= end and words[i >> 3] == word:
        i += 8
    while i < end and (flat[i] != 0) == inside:
        i += 1
    return i


@compile_loop
def _extend(values: Int32s, capacity: int) -> Int32s:
    longer = np.empty(capacity, np.int32)
    for i in range(len(values)):
        longer[i] = values[i]
    return longer


@compile_loop
def find_runs(flat: NDArray[np.uint8], words: NDArray[np.uint64], height: int, width: int) -> Runs:
    """Return the runs of a mask given as its bytes and the same memory in words of eight."""
    row_start = np.empty(height + 1, np.int32)
    capacity = 4 * height + 64
    start = np.empty(capacity, np.int32)
    end = np.empty(capacity, np.int32)
    count = 0
    for y in range(height):
        row_start[y] = count
        base = y * width
        limit = base + width
        i = _skip(flat, words, base, limit, False)
        while i < limit:
            if count == capacity:
                capacity *= 2
                start, end = _extend(start, capacity), _extend(end, capacity)
            start[count] = i - base
            i = _skip(flat, words, i, limit, True)
            end[count] = i - base
            count += 1
            i = _skip(flat, words, i, limit, False)
    row_start[height] = count
    return row_start, start[:count], end[:count]


@compile_loop
def count_pixels(runs: Runs) -> int:
    """Return the area of `runs`."""
    total = 0
    for i in range(len(runs[1])):
        total += runs[2][i] - runs[1][i]
    return total


@compile_loop
def count_shared(first: Runs, second: Runs) -> int:
    """Return the number of pixels that two masks of one size share."""
    total = 0
    for y in range(len(first[0]) - 1):
        i, j = first[0][y], second[0][y]
        while i < first[0][y + 1] and j < second[0][y + 1]:
            low = max(first[1][i], second[1][j])
            high = min(first[2][i], second[2][j])
            if low < high:
                total += high - low
            if first[2][i] < second[2][j]:
                i += 1
            else:
                j += 1
    return total


@compile_loop
def erode(runs: Runs, side: int) -> Runs:
    """Return one pass of erosion: by the cross (`side` 0) or by the 3×3 square (`side` 1).

    A pixel stays when its row's run holds both neighbours and the runs above and below hold it
    (and, for the square, both their neighbours too).
    """
    row_start, start, end = runs
    height = len(row_start) - 1
    # An intersection of three lists has at most as many runs as the lists together.
    capacity = 3 * len(start) + 1
    out_start = np.empty(capacity, np.int32)
    out_end = np.empty(capacity, np.int32)
    out_row = np.zeros(height + 1, np.int32)
    count = 0
    for y in range(1, height - 1):
        out_row[y] = count
        a, b, c = row_start[y - 1], row_start[y], row_start[y + 1]
        a_end, b_end, c_end = b, c, row_start[y + 2]
        while a < a_end and b < b_end and c < c_end:
            low = max(start[a] + side, start[b] + 1, start[c] + side)
            first_end = min(end[a] - side, end[b] - 1, end[c] - side)
            if low < first_end:
                out_start[count] = low
                out_end[count] = first_end
                count += 1
            # The run that ends first overlaps nothing further on.
            if end[b] - 1 == first_end:
                b += 1
            elif end[a] - side == first_end:
                a += 1
            else:
                c += 1
    for y in range(max(height - 1, 0), height + 1):
        out_row[y] = count
    return out_row, out_start[:count], out_end[:count]


@compile_loop
def list_difference(runs: Runs, inner: Runs) -> tuple[Int32s, Int32s]:
    """Return the columns of `runs` that `inner` (a part of it) lacks: (row_start, columns)."""
    row_start = np.empty(len(runs[0]), np.int32)
    columns = np.empty(count_pixels(runs) - count_pixels(inner), np.int32)
    count = 0
    for y in range(len(runs[0]) - 1):
        row_start[y] = count
        j = inner[0][y]
        for i in range(runs[0][y], runs[0][y + 1]):
            x = runs[1][i]
            while j < inner[0][y + 1] and inner[1][j] < runs[2][i]:
                while x < inner[1][j]:
                    columns[count] = x
                    count += 1
                    x += 1
                x = inner[2][j]
                j += 1
            while x < runs[2][i]:
                columns[count] = x
                count += 1
                x += 1
    row_start[len(row_start) - 1] = count
    return row_start, columns
