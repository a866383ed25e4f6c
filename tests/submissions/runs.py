"""Run lengths as COCO compresses them, for masks that tests submit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LONGEST_NUMBER = 6
"""Characters of five bits in one number."""


def encode_runs(runs: NDArray[np.int64]) -> bytes:
    """Return runs as COCO writes them.

    Example:
        >>> encode_runs(np.array([1, 1]))
        b'11'
    """
    values = runs.copy()
    values[3:] -= runs[1:-2]
    # Digits needed: the sign bit must be right, so v fits n digits if -16·32ⁿ⁻¹ ≤ v < 16·32ⁿ⁻¹.
    magnitude = np.where(values < 0, ~values, values)
    needed = 1 + sum((magnitude >= 16 << (5 * k)).astype(np.int64) for k in range(LONGEST_NUMBER))
    ends = np.cumsum(needed)
    place = np.arange(int(ends[-1])) - np.repeat(ends - needed, needed)
    digits = (np.repeat(values, needed) >> (5 * place)) & 0x1F
    more = place < np.repeat(needed, needed) - 1
    return bytes((digits + 0x20 * more + 48).astype(np.uint8))
