"""Bare arrays: NPY and NPZ. Pickled objects are refused, since reading one would run it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.readers.raster import Raster

_LARGEST_BYTES = LARGEST_VOLUME_PX * 4


def read_array(path: Path, key: str = "") -> Raster:
    """Return the array of an NPY file, or the one called `key` of an NPZ file; its axes are bare.

    Raises:
        InputError: If it is damaged, too large, no array of numbers, or there is none of that name.
    """
    with reading(path, "array file"):
        if path.suffix.lower() == ".npz":
            return Raster(_read_member(path, key), "")
        with path.open("rb") as file:
            return Raster(_read(path, file, path.stat().st_size), "")


def _read_member(path: Path, key: str) -> NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if not key and len(names) == 1:
            key = names[0]
        if names.count(key) != 1:
            raise InputError(
                path, "key", "names no array", got=repr(key), want=" or ".join(sorted(names)[:8])
            )
        member = archive.getinfo(archive.namelist()[names.index(key)])
        if member.file_size > _LARGEST_BYTES:
            raise InputError(path, key, "is too large", got=f"{member.file_size} bytes")
        with archive.open(member) as file:
            return _read(path, file, member.file_size)


def _read(path: Path, file: IO[bytes], size: int) -> NDArray[Any]:
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, by_column, dtype = npy.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, by_column, dtype = npy.read_array_header_2_0(file)
    else:
        raise InputError(path, "", "has an unknown version of the array format", got=version)
    if dtype.kind not in "biuf":
        raise InputError(path, "", "holds no numbers", got=dtype)
    check_size(path, shape, LARGEST_VOLUME_PX)
    count = int(np.prod(shape, dtype=np.int64))
    if count * dtype.itemsize > size:
        raise InputError(
            path, "", "is cut off", got=f"{size} bytes", want=f"{count * dtype.itemsize} and more"
        )
    data = file.read(count * dtype.itemsize)
    array = np.frombuffer(data, dtype, count)
    return array.reshape(shape[::-1]).transpose() if by_column else array.reshape(shape)
