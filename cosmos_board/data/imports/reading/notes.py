"""What an import says of an image: how its files were understood, and what is suspicious."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.volumes import Plane, is_sheared

_INVERTED = "inverted, since small values were bright"
_LETTERS = ("LR", "PA", "SI")


def note_picture(raster: Raster) -> tuple[str, ...]:
    """Return what was done to a picture to make it 8-bit grey or RGB."""
    notes = [_note_type(raster), *_note_values(raster)]
    if raster.inverted:
        notes.append(_INVERTED)
    return tuple(notes)


def note_volume(raster: Raster, plane: Plane, frame: int | None) -> tuple[str, ...]:
    """Return how a volume was stored and cut."""
    place = "stored without a place"
    if raster.is_placed:
        place = f"stored as {name_orientation(raster.grid.affine_lps)}"
    notes = [_note_type(raster), place, f"cut along the {plane} plane"]
    # DICOM has a note of its own.
    if raster.affine_lps is not None and raster.identity is None and is_sheared(raster.affine_lps):
        notes.append("axes not at right angles, as of a tilted gantry")
    if frame is not None:
        notes.append("one frame of four dimensions")
    if raster.inverted:
        notes.append(_INVERTED)
    return (*notes, *_note_values(raster))


def name_orientation(affine_lps: NDArray[np.float64]) -> str:
    """Return where the axes x, y, z of a file point, one letter each.

    Example:
        >>> name_orientation(np.diag([-1.0, -1.0, 1.0, 1.0]))
        'RAS'
    """
    letters = []
    for axis in range(3):
        direction = affine_lps[:3, axis]
        world = int(np.argmax(np.abs(direction)))
        letters.append(_LETTERS[world][0 if direction[world] > 0 else 1])
    return "".join(letters)


def _note_values(raster: Raster) -> list[str]:
    notes = [] if raster.palette is None else ["palette looked up"]
    if raster.opaque is not None:
        alike = "opaque" if raster.opaque.all() else "translucent"
        notes.append(f"{alike} alpha channel dropped")
    if raster.array.dtype.kind == "f" and np.isnan(raster.array).any():
        notes.append("NaN taken for the smallest value")
    return [*notes, *raster.notes]


def _note_type(raster: Raster) -> str:
    kind = raster.array.dtype
    if raster.bits:
        return f"{raster.bits} bit"
    if kind == np.bool_:
        return "1 bit"
    return f"{8 * kind.itemsize} bit{' floating point' if kind.kind == 'f' else ''}"


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
