"""Saying how a file was understood, in words that many files share, so that they can be counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
