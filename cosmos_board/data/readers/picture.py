"""One picture or stack of pictures, as every reader of pictures returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""By value of the orientation tag: whether to swap Y and X, then flip Y, then flip X."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The samples of a picture, turned upright; small values are dark."""

    array: NDArray[Any]
    """Colours or grey levels without alpha; with a palette, indices of it."""

    axes: str
    """A letter for each axis of `array`: Y, X, S for colours, others for whatever is stacked."""

    palette: NDArray[np.uint8] | None = None
    """Colours of the indices in `array`, shape (n, 3); None where it holds no indices."""

    alpha: NDArray[Any] | None = None
    """How opaque each pixel is, axes as `array` without S; None where the file does not say."""

    lossy: bool = False
    """Whether the format may have changed values on the way (JPEG)."""

    bits: int = 0
    """Of a sample, where they are fewer than 8; else 0."""

    orientation: int = 1
    """The value of the orientation tag that was obeyed, 1 … 8."""

    notes: tuple[str, ...] = ()
    """What was done to the samples, in words."""


def turn(array: NDArray[Any], axes: str, orientation: int) -> NDArray[Any]:
    """Return `array` upright, as its orientation tag (EXIF and TIFF tag 274) says.

    Args:
        array: Any samples.
        axes: A letter for each axis, Y and X among them.
        orientation: 1 … 8; any other value means nothing and is ignored, as viewers do.

    Example:
        >>> turn(np.array([[1, 2], [3, 4]]), "YX", 6).tolist()
        [[3, 1], [4, 2]]
    """
    if orientation not in _TURNS:
        return array
    swapped, flip_y, flip_x = _TURNS[orientation]
    y, x = axes.index("Y"), axes.index("X")
    if swapped:
        array = array.swapaxes(y, x)
    if flip_y:
        array = np.flip(array, y)
    if flip_x:
        array = np.flip(array, x)
    return np.ascontiguousarray(array)


def note_turn(orientation: int) -> tuple[str, ...]:
    """Return the note on a picture with this orientation tag."""
    return ("turned as its orientation tag says",) if orientation in _TURNS else ()
