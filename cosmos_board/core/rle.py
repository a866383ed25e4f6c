"""Reading COCO-compressed run lengths of any origin, with checks.

`pycocotools` does not check counts: short ones make it return unset memory, long ones crash it.
So nothing but this numpy code reads counts that we did not write ourselves.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError

LARGEST_SIDE = 16_384
MOST_PIXELS = 64_000_000
LONGEST_COUNTS = 4_000_000
"""Limits of `read_runs` with `strict`: what a submitted mask may have."""

_LONGEST_NUMBER = 6  # characters, 30 bits: more pixels than any image has


def check_size(height: int, width: int) -> None:
    """Refuse sizes that no submitted mask has.

    Raises:
        ValueError: Saying what is wrong.
    """
    for name, side in (("h", height), ("w", width)):
        if not 1 <= side <= LARGEST_SIDE:
            raise ValueError(f"{name}={side} outside 1..{LARGEST_SIDE}")
    if height * width > MOST_PIXELS:
        raise ValueError(f"{height}x{width} exceeds {MOST_PIXELS} pixels")


def read_runs(counts: bytes, height: int, width: int, *, strict: bool = True) -> NDArray[np.int64]:
    """Return the lengths of the runs, int64, background first; they cover the image exactly.

    A number is written in characters of five bits, least first, the sixth bit marking that more
    follow; from the fourth number on they are differences to the number before last.

    Args:
        counts: The characters, '0' … 'o'.
        height: Extent of the image along Y, in pixels.
        width: Extent along X, in pixels.
        strict: Whether sizes are limited and the mask must be written in the one shortest way, so
            that equal masks have equal counts: for submitted files.

    Raises:
        ValueError: Saying what is wrong.

    Example:
        >>> read_runs(b"11", 1, 2).tolist()
        [1, 1]
    """
    if strict:
        check_size(height, width)
    total = height * width
    digits = _read_digits(counts, LONGEST_COUNTS if strict else sys.maxsize)
    ends = np.flatnonzero(digits < 0x20)
    if not len(ends) or ends[-1] != len(digits) - 1:
        raise ValueError("counts ends inside a number")
    if strict and len(ends) > total + 1:
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
    if strict and (runs[1:] == 0).any():
        raise ValueError("zero-length run after the first")
    if strict and longest > 1 and _has_superfluous_digit(digits, ends[lengths > 1]):
        raise ValueError("is not written in the shortest way")
    return runs


def check_runs(counts: bytes, height: int, width: int, *, where: object = "mask") -> None:
    """Refuse counts that are malformed or do not cover an image of height x width pixels.

    `where` is what a message names, such as the reference.

    Raises:
        InputError: Saying what is wrong.
    """
    try:
        read_runs(counts, height, width, strict=False)
    except ValueError as error:
        raise InputError(where, "rle", str(error)) from None


def _read_digits(counts: bytes, longest: int) -> NDArray[np.uint8]:
    if type(counts) is not bytes:
        raise ValueError(f"counts must be bytes, got {type(counts).__name__}")
    if not 1 <= len(counts) <= longest:
        raise ValueError(f"counts length {len(counts)} outside 1..{longest}")
    digits = np.frombuffer(counts, np.uint8) - np.uint8(48)  # below '0' wraps round, above 63
    if digits.max() > 63:
        raise ValueError("counts byte outside '0'..'o'")
    return digits


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


def _has_superfluous_digit(digits: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    """Return whether some number has a superfluous last digit, which only repeats its sign."""
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
