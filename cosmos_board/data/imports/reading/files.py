"""Any file of pixels or voxels → a raster with ordered axes, by the reader made for its format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.reading.channels import (
    choose_channels,
    count_channels,
    order_axes,
    split_axis,
)
from cosmos_board.data.imports.reading.stacks import stack
from cosmos_board.data.imports.spec.models import FileSpec, MaskSpec
from cosmos_board.data.readers.gunzip import gunzipped
from cosmos_board.data.readers.pictures import FORMATS
from cosmos_board.data.readers.raster import Raster, look_up

_BY_ENDING = {
    **dict.fromkeys(FORMATS, "picture"),
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
    **dict.fromkeys((".npy", ".npz"), "array"),
    **dict.fromkeys((".h5", ".hdf5"), "hdf5"),
    **dict.fromkeys((".nii", ".hdr", ".img"), "nifti"),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd"), "itk"),
    ".dcm": "dicom",
}


def find_reader(spec: FileSpec, path: str) -> str:
    """Return the name of the reader for a file; InputError if nothing tells it."""
    if spec.reader:
        return spec.reader
    lower = path.lower().removesuffix(".gz")
    ending = Path(lower).suffix
    if ending not in _BY_ENDING:
        raise InputError(path, "", "has an ending that no reader knows", got=ending or "none")
    return _BY_ENDING[ending]


def count_frames(spec: FileSpec, path: Path) -> int:
    """Return the number of volumes in a file, 1 where its format has no fourth axis."""
    reader = find_reader(spec, str(path))
    if reader == "dicom":
        from cosmos_board.data.readers.dicom.images import count_volumes

        with gunzipped(path) as plain:
            return count_volumes(plain)
    if reader != "nifti":
        return 1
    from cosmos_board.data.readers.nifti import count_frames as count

    return count(path)


def read_raster(spec: FileSpec, files: Sequence[Path], frame: int | None) -> Raster:
    """Return what one file, or the files of one volume, hold; its axes are YX, ZYX or YXS.

    `frame` is which volume of a four-dimensional file.

    Raises:
        InputError: If a file is not what it should be.
    """
    reader = find_reader(spec, str(files[0]))
    if isinstance(spec.frame, int) and reader not in ("dicom", "nifti"):
        raise InputError(files[0], "frame", "is chosen, yet this format holds no frames")
    if spec.stack and not (reader == "dicom" and _is_series(files)):
        slices = [_read(spec, [path], reader, None) for path in files]
        return stack(files, slices)
    return _read(spec, files if reader == "dicom" else files[:1], reader, frame)


def read_channels(spec: FileSpec, file: Path, frame: int | None) -> Iterator[Raster]:
    """Yield the channels of a file by position, each as a raster with axes YX or ZYX.

    Raises:
        InputError: If a file is not what it should be, or holds no channels.
    """
    raster, axes = _open(spec, [file], find_reader(spec, str(file)), frame)
    for position in range(count_channels(file, raster, axes)):
        yield _arrange(file, raster, axes, (position,))


def _read(spec: FileSpec, files: Sequence[Path], reader: str, frame: int | None) -> Raster:
    raster, axes = _open(spec, files, reader, frame)
    channels = () if spec.channels == "labels" else spec.channels
    return _arrange(files[0], raster, axes, channels)


def _open(
    spec: FileSpec, files: Sequence[Path], reader: str, frame: int | None
) -> tuple[Raster, str]:
    """Return what files hold, and the letters of the axes that the import file gives it."""
    if reader == "nifti" or not files[0].name.lower().endswith(".gz"):
        raster = _open_plain(spec, files, reader, frame)
    else:
        with gunzipped(files[0]) as plain:
            raster = _open_plain(spec, [plain], reader, frame)
    axes = spec.axes if reader in ("tiff", "array", "hdf5") and not spec.stack else ""
    return raster, axes


def _open_plain(spec: FileSpec, files: Sequence[Path], reader: str, frame: int | None) -> Raster:
    path = files[0]
    upright = spec.orientation == "tag"
    if reader == "dicom":
        from cosmos_board.data.readers.dicom.images import read_dicom

        return _adapt_dicom_mask(spec, path, read_dicom(list(files), frame))
    if reader == "picture":
        from cosmos_board.data.readers.pictures import read_picture

        return read_picture(path, turned=upright)
    if reader == "tiff":
        from cosmos_board.data.readers.tiff import read_tiff

        return read_tiff(path, turned=upright)
    if reader == "array":
        from cosmos_board.data.readers.arrays import read_array

        return read_array(path, spec.key)
    if reader == "hdf5":
        from cosmos_board.data.readers.hdf5 import read_hdf5

        return read_hdf5(path, spec.key)
    return _open_volume(spec, path, reader, frame)


def _open_volume(spec: FileSpec, path: Path, reader: str, frame: int | None) -> Raster:
    """Return a volume that says where it lies; its channels, if it has any, come last."""
    if reader == "itk":
        from cosmos_board.data.readers.itk import read_itk

        raster = read_itk(path, several=bool(spec.channels) and len(spec.axes) != 3)
    else:
        from cosmos_board.data.readers.nifti import read_nifti, read_nifti_channels

        by_channel = len(spec.axes) == 4 and spec.axes[0] == "c"
        raster = read_nifti_channels(path) if by_channel else read_nifti(path, frame)
    if len(spec.axes) == 3 and "c" in spec.axes:
        return split_axis(path, raster, spec.axes)
    held = "czyx" if reader == "nifti" else "zyxc"
    if spec.axes not in ("", "zyx", held):
        raise InputError(
            path, "axes", "contradict the file", got=spec.axes,
            want=f"{held}, or cyx where one of three axes is a channel",
        )  # fmt: skip
    return raster


def _arrange(path: Path, raster: Raster, wanted_axes: str, channels: tuple[int, ...]) -> Raster:
    """Return a raster with the axes in our order and only the channels that are asked for."""
    array, axes, palette, alpha = raster.array, raster.axes, raster.palette, raster.alpha
    if palette is not None and channels:
        array, axes, palette = look_up(path, array, palette), f"{axes}S", None
    array, letters = order_axes(path, array, axes, wanted_axes)
    if alpha is not None and "S" not in axes:
        alpha, _ = order_axes(path, alpha, axes, wanted_axes)
    notes = raster.notes
    if channels:
        notes = (*notes, f"channels {', '.join(map(str, channels))} taken")
    if "c" in letters or channels:
        samples = array if "c" in letters else array[..., np.newaxis]
        array = choose_channels(path, samples, alpha, channels)
    flat = letters.replace("c", "")
    in_colour = array.ndim > len(flat)
    if in_colour and ("z" in letters or raster.affine_lps is not None):
        raise InputError(
            path, "axes", "hold colours and slices", got=raster.array.shape,
            want="one channel, such as channels = [0]",
        )  # fmt: skip
    return replace(
        raster,
        array=array,
        axes=flat.upper() + "S" * in_colour,
        palette=palette,
        alpha=None if channels else alpha,
        notes=notes,
    )


def _is_series(files: Sequence[Path]) -> bool:
    """Return whether DICOM files are one file, or some of them say where they lie."""
    from cosmos_board.data.readers.dicom.images import has_place

    return len(files) == 1 or any(has_place(path) for path in files)


def _adapt_dicom_mask(spec: FileSpec, path: Path, raster: Raster) -> Raster:
    """Return a mask of a DICOM file with whole numbers as such, in the values that are stored."""
    if not isinstance(spec, MaskSpec):
        return raster
    array: NDArray[Any] = raster.array
    if array.dtype == np.float32:
        # Slices are held in floating point, in which codes could not be told from grey levels.
        is_whole = (array == np.rint(array)) & (np.abs(array) < 1 << 24)
        array = array.astype(np.int32) if is_whole.all() else array
    if raster.inverted and not spec.labels:
        raise InputError(
            path, "PhotometricInterpretation",
            "shows small values bright, so that a mask's foreground is not sure",
            want="labels, which name the stored values",
        )  # fmt: skip
    return replace(raster, array=array, inverted=False)
