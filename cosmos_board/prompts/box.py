"""The tight box of a reference."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from cosmos_board.core.masks import Mask

Box: TypeAlias = tuple[int, int, int, int]
"""[min x, min y, max x, max y] in pixels, maxima inclusive."""


def tight_box(reference: Mask) -> Box:
    """Return the tight box of a mask (bool, axes (Y, X), not empty).

    Example:
        >>> mask = np.zeros((4, 5), bool)
        >>> mask[1, 2:4] = True
        >>> tight_box(mask)
        (2, 1, 3, 1)
    """
    ys = np.flatnonzero(reference.any(axis=1))
    xs = np.flatnonzero(reference.any(axis=0))
    return int(xs[0]), int(ys[0]), int(xs[-1]), int(ys[-1])
