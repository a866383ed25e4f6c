"""Pictures that are the slices of one volume → the volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.raster import Raster


def stack(files: Sequence[Path], slices: Sequence[Raster]) -> Raster:
    """Return grey pictures of one kind as a volume; InputError if one is otherwise."""
    first = slices[0]
    for path, raster in zip(files, slices, strict=True):
        _check_slice(path, raster, first)
    check_size(files[0].parent, (len(files), *first.array.shape), LARGEST_VOLUME_PX)
    opaque = None
    if any(raster.alpha is not None for raster in slices):
        full = np.ones(first.array.shape, np.bool_)
        opaque = np.stack([full if raster.opaque is None else raster.opaque for raster in slices])
    return replace(
        first,
        array=np.stack([raster.array for raster in slices]),
        axes="ZYX",
        order=tuple(range(len(files))),
        alpha=opaque,
        lossy=any(raster.lossy for raster in slices),
    )


def _check_slice(path: Path, raster: Raster, first: Raster) -> None:
    """Refuse a slice that cannot be stacked, or is otherwise than the first."""
    if raster.in_colour:
        raise InputError(
            path, "channels", "are three, and slices are grey", want="such as channels = [0]"
        )
    if raster.array.shape != first.array.shape or raster.array.ndim != 2:
        raise InputError(
            path, "size", "differs from the other slices", got=raster.array.shape,
            want=first.array.shape,
        )  # fmt: skip
    if raster.orientation != first.orientation:
        raise InputError(
            path, "orientation tag", "differs from the other slices", got=raster.orientation,
            want=first.orientation,
        )  # fmt: skip
    if raster.inverted != first.inverted:
        raise InputError(path, "PhotometricInterpretation", "differs from the other slices")
    if raster.bits != first.bits or not np.array_equal(_palette(raster), _palette(first)):
        raise InputError(path, "palette", "differs from the other slices")


def _palette(raster: Raster) -> NDArray[np.uint8]:
    return np.zeros((0, 3), np.uint8) if raster.palette is None else raster.palette
