"""Raw pixels and voxels → the 8-bit pictures that a pack holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.data.intensities import normalise, parse_normalisation
from cosmos_board.data.readers.raster import Raster, look_up
from cosmos_board.data.volumes import Volume, orient


def prepare_picture(raster: Raster, rule: str, origin: str) -> Pixels:
    """Return a picture as grey or RGB, uint8, axes (Y, X) or (Y, X, 3), or raise InputError."""
    array = _find_levels(raster, origin)
    if raster.palette is not None and (array == array[..., :1]).all():
        array = array[..., 0]
    if array.dtype in (np.uint8, np.bool_):
        return _keep_8_bit(array, inverted=raster.inverted)
    return _to_8_bit(array, rule, origin, inverted=raster.inverted)


def prepare_volume(raster: Raster, rule: str, origin: str) -> tuple[Pixels, Volume]:
    """Return an oriented volume in 8 bit, axes (Z, Y, X), and as it was, or raise InputError."""
    array = _find_levels(raster, origin)
    if array.ndim == 4:
        if not (array == array[..., :1]).all():
            raise InputError(
                origin, "palette", "is in colour, and the slices of volumes are grey",
                want="one channel, such as channels = [0]",
            )  # fmt: skip
        array = array[..., 0]
    volume = orient(Volume(array, raster.grid.affine_lps))
    if raster.single and raster.array.dtype in (np.uint8, np.bool_):
        return _keep_8_bit(volume.voxels, inverted=raster.inverted), volume
    return _to_8_bit(volume.voxels, rule, origin, inverted=raster.inverted), volume


def _find_levels(raster: Raster, origin: str) -> NDArray[Any]:
    """Return what is seen of an image: colours looked up, few bits widened to eight."""
    array = raster.array
    if raster.palette is not None:
        array = look_up(origin, array, raster.palette)
    if raster.bits and array.dtype == np.uint8 and raster.palette is None:
        largest = (1 << raster.bits) - 1
        array = ((array.astype(np.uint16) * 255 + largest // 2) // largest).astype(np.uint8)
    if raster.opaque is not None and not raster.opaque.all():
        in_colour = array.ndim > raster.array.ndim or raster.in_colour
        colours = array.reshape(-1, array.shape[-1] if in_colour else 1)
        if (colours == colours[0]).all():
            raise InputError(
                origin, "alpha", "holds the picture, while its colours are constant",
                want=f"channels = [{3 if in_colour else 1}]",
            )  # fmt: skip
    return array


def _keep_8_bit(array: NDArray[Any], *, inverted: bool) -> Pixels:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    return np.ascontiguousarray(_invert(array) if inverted else array)


def _to_8_bit(array: NDArray[Any], rule: str, origin: str, *, inverted: bool) -> Pixels:
    if rule == "none":
        if array.dtype != np.uint8:
            raise InputError(
                origin, "normalisation", "is none, yet pixels are not 8 bit", got=array.dtype
            )
        return _invert(array) if inverted else array
    how = parse_normalisation(rule)
    if not inverted:
        return normalise(array, how, where=origin)
    if how.rule == "window":
        # A window is given in the values that the file holds.
        return _invert(normalise(array, how, where=origin))
    return normalise(_invert(array), how, where=origin)


def _invert(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.uint8:
        return np.uint8(255) - array
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    flipped: NDArray[Any] = array.max() + array.min() - array
    return flipped
