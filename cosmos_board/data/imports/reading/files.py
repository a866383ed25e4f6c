"""Any file of pixels or voxels → a raster with ordered axes, by the reader made for its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.reading.channels import choose_channels, order_axes
from cosmos_board.data.imports.spec.models import FileSpec, MaskSpec
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.pictures import FORMATS
from cosmos_board.data.readers.raster import Raster, look_up

_BY_ENDING = {
    **dict.fromkeys(FORMATS, "picture"),
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
    **dict.fromkeys((".npy", ".npz"), "array"),
    **dict.fromkeys((".nii", ".nii.gz", ".hdr", ".img"), "nifti"),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd"), "itk"),
    ".dcm": "dicom",
}


def find_reader(spec: FileSpec, path: str) -> str:
    """Return the name of the reader for a file; InputError if nothing tells it."""
    if spec.reader:
        return spec.reader
    lower = path.lower()
    ending = ".nii.gz" if lower.endswith(".nii.gz") else Path(lower).suffix
    if ending not in _BY_ENDING:
        raise InputError(path, "", "has an ending that no reader knows", got=ending or "none")
    return _BY_ENDING[ending]


def count_frames(root: str, spec: FileSpec, path: str) -> int:
    """Return the number of volumes in a file, 1 where its format has no fourth axis."""
    reader = find_reader(spec, path)
    if reader == "dicom":
        from cosmos_board.data.readers.dicom.images import count_volumes

        return count_volumes(Path(root, path))
    if reader != "nifti":
        return 1
    from cosmos_board.data.readers.nifti import count_frames as count

    return count(Path(root, path))


def read_raster(root: str, spec: FileSpec, paths: Sequence[str], frame: int | None) -> Raster:
    """Return what one file, or the files of one volume, hold; its axes are YX, ZYX or YXS.

    `frame` is which volume of a four-dimensional file; `paths` lie below `root`.

    Raises:
        InputError: If a file is not what it should be.
    """
    reader = find_reader(spec, paths[0])
    files = [Path(root, path) for path in paths]
    if isinstance(spec.frame, int) and reader not in ("dicom", "nifti"):
        raise InputError(files[0], "frame", "is chosen, yet this format holds no frames")
    if spec.stack and not (reader == "dicom" and _is_series(files)):
        slices = [_read(spec, [path], reader, None) for path in files]
        return _stack(files, slices)
    return _read(spec, files if reader == "dicom" else files[:1], reader, frame)


def _read(spec: FileSpec, files: list[Path], reader: str, frame: int | None) -> Raster:
    path = files[0]
    upright = spec.orientation == "tag"
    axes = ""
    if reader == "dicom":
        from cosmos_board.data.readers.dicom.images import read_dicom

        raster = _adapt_dicom_mask(spec, path, read_dicom(files, frame))
    elif reader == "picture":
        from cosmos_board.data.readers.pictures import read_picture

        raster = read_picture(path, turned=upright)
    elif reader == "tiff":
        from cosmos_board.data.readers.tiff import read_tiff

        raster, axes = read_tiff(path, turned=upright), spec.axes
    elif reader == "array":
        from cosmos_board.data.readers.arrays import read_array

        raster, axes = read_array(path, spec.key), spec.axes
    elif reader == "nifti":
        from cosmos_board.data.readers.nifti import read_nifti

        raster = read_nifti(path, frame)
    else:
        from cosmos_board.data.readers.itk import read_itk

        raster = read_itk(path)
    return _arrange(path, raster, "" if spec.stack else axes, spec.channels)


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
    if in_colour and "z" in letters:
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


def _stack(files: list[Path], slices: list[Raster]) -> Raster:
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


def _is_series(files: list[Path]) -> bool:
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
