"""Run lengths of strangers: checked number by number before any other code sees them.

`pycocotools` believes any counts: short ones make it return unset memory, long ones crash it.
So nothing but these few lines of numpy reads submitted counts, and a mask has one encoding only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_SIDE = 16_384
MOST_PIXELS = 64_000_000
LONGEST_COUNTS = 4_000_000
_LONGEST_NUMBER = 6


def check_size(height: int, width: int) -> None:
    """Refuse sizes that no image has.

    Raises:
        ValueError: Saying what is wrong.
    """
    for name, side in (("h", height), ("w", width)):
        if not 1 <= side <= LARGEST_SIDE:
            raise ValueError(f"{name}={side} outside 1..{LARGEST_SIDE}")
    if height * width > MOST_PIXELS:
        raise ValueError(f"{height}x{width} exceeds {MOST_PIXELS} pixels")


def read_runs(counts: bytes, height: int, width: int) -> NDArray[np.int64]:
    """Return the lengths of the runs, background first; they cover the image exactly.

    Raises:
        ValueError: Saying what is wrong; also for a mask that is right but written unusually.

    Example:
        >>> read_runs(b"11", 1, 2).tolist()
        [1, 1]
    """
    if type(counts) is not bytes:
        raise ValueError(f"counts must be bytes, got {type(counts).__name__}")
    check_size(height, width)
    total = height * width
    if not 1 <= len(counts) <= LONGEST_COUNTS:
        raise ValueError(f"counts length {len(counts)} outside 1..{LONGEST_COUNTS}")
    digits = np.frombuffer(counts, np.uint8) - np.uint8(48)  # below '0' wraps round, above 63
    if digits.max() > 63:
        raise ValueError("counts byte outside '0'..'o'")
    ends = np.flatnonzero(digits < 0x20)
    if not len(ends) or ends[-1] != len(digits) - 1:
        raise ValueError("counts ends inside a number")
    if len(ends) > total + 1:
        raise ValueError(f"{len(ends)} runs for {total} pixels")
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    lengths = ends - starts + 1
    longest = int(lengths.max())
    if longest > _LONGEST_NUMBER:
        raise ValueError(f"number longer than {_LONGEST_NUMBER} characters")
    runs = _read_numbers(digits, starts, lengths, longest)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    _refuse_wrong_runs(runs, total)
    if longest > 1 and _has_idle_digit(digits, ends[lengths > 1]):
        raise ValueError("is not written in the shortest way")
    return runs


def _read_numbers(
    digits: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], longest: int
) -> NDArray[np.int64]:
    """Return the numbers that digits of 5 bits write, lowest first, the last with the sign."""
    values = (digits[starts] & 0x1F).astype(np.int64)
    for place in range(1, longest):
        rows = np.flatnonzero(lengths > place)
        values[rows] |= (digits[starts[rows] + place] & 0x1F).astype(np.int64) << (5 * place)
    signs = np.flatnonzero(digits[starts + lengths - 1] & 0x10)
    values[signs] -= np.int64(1) << (5 * lengths[signs])
    return values


def _has_idle_digit(digits: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    """Return whether a last digit only repeats the sign that the digit before it has already."""
    last, sign_before = digits[ends], digits[ends - 1] & 0x10
    idle = ((last == 0) & (sign_before == 0)) | ((last == 0x1F) & (sign_before != 0))
    return bool(idle.any())


def _refuse_wrong_runs(runs: NDArray[np.int64], total: int) -> None:
    if runs.min() < 0:
        raise ValueError("negative run")
    if runs.max() > total:
        raise ValueError(f"run {int(runs.max())} longer than the image ({total})")
    if (covered := int(runs.sum())) != total:
        raise ValueError(f"runs sum to {covered}, image has {total} pixels")
    if (runs[1:] == 0).any():
        raise ValueError("zero-length run after the first")
