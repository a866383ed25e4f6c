"""Reading COCO-compressed run lengths, without trusting them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError

_LONGEST_NUMBER = 6  # characters, 30 bits: more pixels than any image has


def parse_runs(
    counts: bytes, height: int, width: int, *, where: object = "mask"
) -> NDArray[np.int64]:
    """Return the lengths of the runs, background first; they cover the image exactly.

    A number is written in characters of five bits, least first, the sixth bit marking that more
    follow; from the fourth number on they are differences to the number before last.

    Args:
        counts: The characters.
        height: Extent of the image along Y, in pixels.
        width: Extent along X, in pixels.
        where: What a message names, such as the reference.

    Raises:
        InputError: If the counts are malformed or do not cover height x width pixels.

    Example:
        >>> parse_runs(b"11", 1, 2).tolist()
        [1, 1]
    """
    total = height * width
    digits = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    if not len(digits) or digits.min() < 0 or digits.max() > 63 or digits[-1] & 0x20:
        raise InputError(where, "rle", "is malformed")
    ends = np.flatnonzero((digits & 0x20) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _LONGEST_NUMBER:
        raise InputError(where, "rle", "is malformed")
    shifts = 5 * (np.arange(len(digits)) - np.repeat(starts, lengths))
    runs: NDArray[np.int64] = np.add.reduceat((digits & 0x1F) << shifts, starts)
    runs -= np.where(digits[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if runs.min() < 0 or runs.max() > total:
        raise InputError(where, "rle", "has a run outside its image")
    if (covered := int(runs.sum())) != total:
        raise InputError(where, "rle", "does not cover its image", got=covered, want=total)
    return runs
