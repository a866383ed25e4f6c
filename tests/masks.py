"""Masks for tests: drawn as pictures, or any that hypothesis can think of."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cosmos_board.core.masks import Mask


def draw(picture: str) -> Mask:
    """Return the mask that `picture` shows: rows separated by blanks, `#` inside, `.` outside."""
    return np.array([[mark == "#" for mark in row] for row in picture.split()])


def any_reference(max_side: int = 24) -> st.SearchStrategy[Mask]:
    """Return a strategy of masks that are not empty."""
    shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=max_side)
    return arrays(np.bool_, shapes).filter(lambda mask: bool(mask.any()))
