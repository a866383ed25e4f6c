"""A look at run lengths before the C decoder, which believes whatever it is given."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle


def check_rle(where: str, rle: Rle) -> None:
    """Refuse run lengths that do not cover their image exactly.

    Counts are numbers of 5 bits a character, least first, bit 6 marking that more follow; from
    the fourth on they are differences to the count before last.

    Raises:
        InputError: If the counts are malformed or do not sum to height x width.

    Example:
        >>> check_rle("r", Rle(1, 2, b"11"))
        >>> check_rle("r", Rle(1, 3, b"11"))
        Traceback (most recent call last):
        cosmos_board.core.errors.InputError: r: rle: does not cover its image (got 2, want 3)
    """
    total = rle.height * rle.width
    digits = np.frombuffer(rle.counts, np.uint8).astype(np.int64) - 48
    if not len(digits) or digits.min() < 0 or digits.max() > 63 or digits[-1] & 0x20:
        raise InputError(where, "rle", "is malformed")
    ends = np.flatnonzero((digits & 0x20) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 6:
        raise InputError(where, "rle", "is malformed")
    shifts = 5 * (np.arange(len(digits)) - np.repeat(starts, lengths))
    runs = np.add.reduceat((digits & 0x1F) << shifts, starts)
    runs -= np.where(digits[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if runs.min() < 0 or runs.max() > total:
        raise InputError(where, "rle", "has a run outside its image")
    if (covered := int(runs.sum())) != total:
        raise InputError(where, "rle", "does not cover its image", got=covered, want=total)
