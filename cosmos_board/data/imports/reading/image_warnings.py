"""What is suspicious about the files of an image, and what was passed over in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.data.readers.raster import Raster

_SMOOTH = 0.1
"""Share of neighbours that differ, up to which a picture may be one of codes."""

_BUSY = 0.2
"""The same, from which on it is none."""

_ENDS = 0.98
"""Share of pixels near the least or the greatest value, from which on a picture is black and
white, whatever a lossy format has done to its edges."""

_SLICES = 16

_FRAME = 0.95
"""Share of the border of an image that a mask follows as a whole."""


@dataclass(slots=True)
class ImageWarnings:
    """Collects warnings while the files of one image are read."""

    left_out: Counter[str] = field(default_factory=Counter)
    """Regions that are passed over, by rule."""

    words: set[str] = field(default_factory=set)
    """Keys of `WARNINGS`."""

    _busy_mask: bool = False

    def look_at_mask(self, raster: Raster) -> None:
        """Look at a raw mask."""
        self._busy_mask |= not _is_like_mask(raster, _BUSY)

    def look_at_image(self, raster: Raster) -> None:
        """Look at a raw image, after its masks."""
        if self._busy_mask and _is_like_mask(raster, _SMOOTH):
            self.words.add("swapped")

    def finish(self, pixels: Pixels, masks: Iterable[Iterable[Mask]]) -> tuple[str, ...]:
        """Return the keys of `WARNINGS` to which an image with these masks gives rise.

        `pixels` are uint8; `masks` are the instances of each object, axes (Y, X).
        """
        blank = {"blank"} if (pixels == pixels[:1, :1]).all() else set()
        return tuple(sorted(self.words | blank | _find_frames(masks)))


def _is_like_mask(raster: Raster, most: float) -> bool:
    """Return whether a raw picture, or a volume by some of its slices, looks drawn."""
    values: NDArray[Any] = raster.array.max(axis=2) if raster.in_colour else raster.array
    if values.ndim == 3:
        values = values[:: max(1, len(values) // _SLICES)]
    if values.dtype == np.bool_ or min(values.shape) < 1:
        return True
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return False
    if np.mean(values[..., 1:] != values[..., :-1]) <= most:
        return True
    tenth = (high - low) / 10
    ends = np.count_nonzero(values <= low + tenth), np.count_nonzero(values >= high - tenth)
    return bool(sum(ends) >= _ENDS * values.size and min(ends) > 0)


def _find_frames(masks: Iterable[Iterable[Mask]]) -> set[str]:
    words = set()
    for instances in masks:
        drawn = _join(instances)
        if drawn is None:
            continue
        border = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
        if border.mean() >= _FRAME:
            words.add("inverted" if drawn.mean() > 0.5 else "borders")
    return words


def _join(instances: Iterable[Mask]) -> Mask | None:
    """Return what any of the instances draws, one at a time: there may be thousands."""
    joined: Mask | None = None
    for mask in instances:
        joined = mask.copy() if joined is None else np.logical_or(joined, mask, out=joined)
    return joined if joined is not None and joined.size else None
