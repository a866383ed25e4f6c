"""Which axis of an array is which, and which of its channels are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.raster import Raster

_TOLD = set("TZCYXS")
"""Letters by which a TIFF file says what an axis is; others stand for any stack of pages."""


def order_axes(
    where: object, array: NDArray[Any], file_axes: str, wanted: str
) -> tuple[NDArray[Any], str]:
    """Return the array with its axes in the order z, y, x, c, and their letters.

    `file_axes` has a letter of `tifffile` for each axis, none where the file says nothing;
    `wanted` are the letters that the import file gives, or empty.

    Raises:
        InputError: If letters are missing, differ, or mean what is not read (time).
    """
    letters = _find_letters(where, array.shape, file_axes, wanted)
    ordered = "".join(letter for letter in "zyxc" if letter in letters)
    if ordered == letters:
        return array, letters
    order = [letters.index(letter) for letter in ordered]
    return np.ascontiguousarray(array.transpose(order)), ordered


def _find_letters(where: object, shape: tuple[int, ...], file_axes: str, wanted: str) -> str:
    fitting = wanted or "zyx"
    if len(fitting) != len(shape):
        fitting = fitting.replace("z", "")
    letters = _read_letters(where, file_axes, wanted)
    if not letters:
        if len(fitting) != len(shape):
            raise InputError(
                where, "axes", "differ in number from the array", got=shape, want=wanted or "zyx"
            )
        return fitting
    # Where the file tells colours by itself, their place among the axes is its own affair.
    same = letters == fitting or ("S" in file_axes and set(letters) == set(fitting))
    if wanted and not same and set(letters) != set("yx"):
        raise InputError(where, "axes", "contradict the file", got=wanted, want=letters)
    return letters


def _read_letters(where: object, file_axes: str, wanted: str) -> str:
    """Return what a file tells of its axes, in our letters; empty where it does not tell all."""
    if "?" in file_axes and not wanted:
        raise InputError(
            where, "axes", "may be colours or slices", got=file_axes, want="axes = 'cyx' or 'zyx'"
        )
    unknown = "".join(letter for letter in file_axes if letter not in _TOLD)
    if "S" in file_axes and len(unknown) == 1:
        file_axes, unknown = file_axes.replace(unknown, "Z"), ""
    if unknown or set(file_axes) <= set("YX"):
        return ""
    letters = file_axes.lower().replace("s", "c")
    if "t" in letters:
        with_slices = letters.replace("t", "z")
        if "z" in letters or wanted != with_slices:
            want = (
                "no time" if "z" in letters else f"axes = {with_slices!r} to read times as slices"
            )
            raise InputError(where, "axes", "hold time", got=file_axes, want=want)
        return with_slices
    if letters.count("c") > 1:
        raise InputError(
            where, "axes", "hold channels of colours", got=file_axes, want="one of both"
        )
    return letters


def choose_channels(
    where: object, samples: NDArray[Any], alpha: NDArray[Any] | None, channels: tuple[int, ...]
) -> NDArray[Any]:
    """Return grey levels without a last axis, or red, green and blue along the last axis.

    `samples` have channels along the last axis, without alpha, which comes after the others;
    `channels` are the positions that the import file asks for: one, three or none.

    Raises:
        InputError: If it is not said which of the channels are meant, or one is not there.
    """
    count = samples.shape[-1]
    if not channels:
        if count not in (1, 3):
            raise InputError(
                where, "channels", "must say which ones to read: one for grey, three for RGB",
                got=f"{count} channels", want="such as channels = [0]",
            )  # fmt: skip
        return samples[..., 0] if count == 1 else samples
    if alpha is not None:
        samples = np.concatenate([samples, alpha[..., np.newaxis]], axis=-1)
    if max(channels) >= samples.shape[-1]:
        raise InputError(
            where, "channels", "name one that is not there", got=list(channels),
            want=f"0 … {samples.shape[-1] - 1}",
        )  # fmt: skip
    chosen = samples[..., channels[0]] if len(channels) == 1 else samples[..., list(channels)]
    return np.ascontiguousarray(chosen)


def count_channels(where: object, raster: Raster, wanted: str) -> int:
    """Return the number of channels of a file, alpha included; InputError if it has none."""
    array, letters = order_axes(where, raster.array, raster.axes, wanted)
    if "c" not in letters:
        raise InputError(
            where, "channels", "are none in this file", got=raster.array.shape,
            want="axes with the letter c",
        )  # fmt: skip
    return int(array.shape[-1]) + (raster.alpha is not None)


def split_axis(where: object, raster: Raster, letters: str) -> Raster:
    """Return a volume of which one axis holds channels as one slice with channels last (ZYXS).

    `letters` are those of its axes, slowest first: `cyx`, `yxc` …

    Raises:
        InputError: If they do not name y, x and c.
    """
    if sorted(letters) != ["c", "x", "y"]:
        raise InputError(where, "axes", "of a flat image are y, x and c", got=letters, want="cyx")
    order = [letters.index(letter) for letter in "yxc"]
    array = np.ascontiguousarray(raster.array.transpose(order))[np.newaxis]
    affine = raster.affine_lps
    if affine is not None:
        # Its columns are those of the fastest axis first; the slice takes the place of channels.
        columns = [2 - letters.index(letter) for letter in "xyc"]
        affine = affine[:, [*columns, 3]]
    return replace(raster, array=array, axes="ZYXS", affine_lps=affine)
