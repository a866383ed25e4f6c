"""HDF5 files: one array of numbers, in the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.readers.raster import Raster

_SHOWN = 8


def read_hdf5(path: Path, key: str = "") -> Raster:
    """Return the array called `key` of an HDF5 file, or its only one; its axes are bare.

    Raises:
        InputError: If h5py is missing; if the file is damaged or too large, the array is none of
            numbers or lies in another file, or there is none of that name.
    """
    try:
        import h5py
    except ImportError as error:
        raise InputError(path, "", "needs h5py", want="pip install h5py") from error
    with reading(path, "HDF5 file"), h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
        key = key.strip("/") or (names[0] if len(names) == 1 else "")
        if key not in names:
            raise InputError(
                path, "key", "names no array", got=repr(key),
                want=" or ".join(sorted(names)[:_SHOWN]) or "an array",
            )  # fmt: skip
        return Raster(_read(path, key, file[key]), "")


def _read(path: Path, key: str, dataset: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
    if dataset.external or dataset.is_virtual:
        raise InputError(path, key, "lies in another file")
    if dataset.dtype.kind not in "biuf":
        raise InputError(path, key, "holds no numbers", got=dataset.dtype)
    check_size(path, dataset.shape, LARGEST_VOLUME_PX)
    array: np.ndarray[Any, Any] = dataset[()]
    return array
