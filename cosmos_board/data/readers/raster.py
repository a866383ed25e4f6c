"""What every reader of pixels or voxels returns: one picture, stack or volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.volumes import Volume

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


@dataclass(frozen=True, slots=True)
class DicomIdentity:
    """What other DICOM files call an image and its slices; it stays in memory."""

    frame_of_reference_uid: str
    """Of the coordinates; empty where the file does not say."""

    slices: tuple[tuple[str, int], ...]
    """(SOP instance UID, frame number from 1) of each slice of the volume."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels or voxels as a file holds them; pictures are turned upright."""

    array: NDArray[Any]
    """Grey levels or colours without alpha; with a palette, indices of it."""

    axes: str
    """A letter for each axis of `array`: Z, Y, X, S for colours, others for whatever is stacked;
    empty where the file does not say. Once `read_raster` has ordered them: YX, ZYX or YXS."""

    affine_lps: NDArray[np.float64] | None = None
    """Voxel index (x, y, z, 1) → millimetres; None where the file says nothing of distances."""

    placed: bool = True
    """Whether an affine says where the voxels lie, and not their distances only."""

    order: tuple[int, ...] | None = None
    """Where each slice comes in the list of files, if the files are the slices of a volume."""

    palette: NDArray[np.uint8] | None = None
    """Colours of the indices in `array`, shape (n, 3)."""

    alpha: NDArray[Any] | None = None
    """How opaque each pixel is, axes as `array` without S; None where the file does not say."""

    lossy: bool = False
    """Whether the format may have changed values on the way (JPEG)."""

    inverted: bool = False
    """Whether small values are bright (an old habit of X-ray files)."""

    bits: int = 0
    """Of a value, where they are fewer than 8; else 0."""

    orientation: int = 1
    """Value of the orientation tag (1 … 8) by which the picture was turned."""

    identity: DicomIdentity | None = None
    """What other DICOM files call the image."""

    single: bool = False
    """Whether the volume is one slice, stored as a picture of which the place is known."""

    notes: tuple[str, ...] = ()
    """What the reader did to the values, or found and left as it is, in words."""

    @property
    def in_colour(self) -> bool:
        """Whether the last axis holds red, green and blue."""
        return "S" in self.axes

    @property
    def opaque(self) -> NDArray[np.bool_] | None:
        """Where nothing shines through; None without an alpha channel."""
        return None if self.alpha is None else self.alpha == self.alpha.max()

    @property
    def is_placed(self) -> bool:
        """Whether the file says where the voxels lie."""
        return self.affine_lps is not None and self.placed

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Number of voxels along (Z, Y, X); a picture is a volume of one slice."""
        z, y, x = (1, *(self.array.shape[:2] if self.in_colour else self.array.shape))[-3:]
        return z, y, x

    @property
    def volume(self) -> Volume:
        """The grey values of a volume and where they lie."""
        return Volume(self.array, self.grid.affine_lps, self.placed)

    @property
    def grid(self) -> Volume:
        """Where the voxels lie, without values; 1 mm apart where the file says nothing."""
        affine = np.eye(4) if self.affine_lps is None else self.affine_lps
        return Volume(np.broadcast_to(np.False_, self.shape_zyx), affine, self.is_placed)


def look_up(where: object, indices: NDArray[Any], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours of indices, one axis more; InputError if the palette is too short."""
    if int(indices.max(initial=0)) >= len(palette):
        raise InputError(where, "palette", "is too short for the indices of the picture")
    colours: NDArray[np.uint8] = palette[indices]
    return colours


def turn(array: NDArray[Any], axes: str, orientation: int) -> NDArray[Any]:
    """Return `array` upright, as its orientation tag (EXIF and TIFF tag 274) says.

    `axes` has a letter for each axis; an `orientation` beyond 1 … 8 is ignored, as viewers do.

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
