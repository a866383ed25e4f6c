"""Any file of pixels or voxels → one kind of value, by the reader made for its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.spec import FileSpec, MaskSpec
from cosmos_board.data.readers import pictures
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size

if TYPE_CHECKING:
    from cosmos_board.data.readers.dicom import DicomIdentity

_BY_ENDING = {
    **dict.fromkeys(pictures.FORMATS, "picture"),
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
    **dict.fromkeys((".npy", ".npz"), "array"),
    **dict.fromkeys((".nii", ".nii.gz", ".hdr", ".img"), "nifti"),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd"), "itk"),
    ".dcm": "dicom",
}


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels or voxels as a file holds them."""

    array: NDArray[Any]
    """Axes (Y, X) or (Z, Y, X); with `colour`, (Y, X, C)."""

    colour: bool = False
    affine_lps: NDArray[np.float64] | None = None
    """Voxel index (x, y, z, 1) → millimetres; None where the file says nothing of distances."""

    order: tuple[int, ...] | None = None
    """Where each slice comes in the list of files, if the files are the slices of a volume."""

    palette: NDArray[np.uint8] | None = None
    lossy: bool = False
    inverted: bool = False
    """Whether small values are bright (an old habit of X-ray files)."""

    identity: DicomIdentity | None = None
    """What other DICOM files call the image."""

    single: bool = False
    """Whether the volume is one slice, stored as a picture of which the place is known."""

    notes: tuple[str, ...] = ()
    """What was found and left as it is."""

    placed: bool = True
    """Whether the affine, if there is one, says where the voxels lie, and not their distances only.
    """


def find_reader(spec: FileSpec, path: str) -> str:
    """Return the name of the reader for a file.

    Raises:
        InputError: If its ending says nothing and the import file neither.
    """
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
        from cosmos_board.data.readers.dicom import count_volumes

        return count_volumes(Path(root, path))
    if reader != "nifti":
        return 1
    from cosmos_board.data.readers.nifti import count_frames as count

    return count(Path(root, path))


def read_raster(root: str, spec: FileSpec, paths: Sequence[str], frame: int | None) -> Raster:
    """Return what one file, or the files of one volume, hold.

    Args:
        root: The source folder.
        spec: How the files are looked at.
        paths: Below the source folder.
        frame: Which volume of a four-dimensional file.

    Raises:
        InputError: If a file is not what it should be.
    """
    reader = find_reader(spec, paths[0])
    files = [Path(root, path) for path in paths]
    if reader == "dicom" and not (spec.stack and _are_bare(files)):
        return _read_dicom(spec, files, frame)
    if spec.stack:
        return _read_stack(spec, files, reader)
    return _read_one(spec, files[0], reader, frame)


def _read_one(spec: FileSpec, path: Path, reader: str, frame: int | None) -> Raster:
    if reader == "dicom":
        return _read_dicom(spec, [path], frame)
    if reader == "picture":
        picture = pictures.read_picture(path)
        colour = picture.array.ndim == 3
        return Raster(picture.array, colour, palette=picture.palette, lossy=picture.lossy)
    if reader == "tiff":
        from cosmos_board.data.readers.tiff import read_tiff_axes

        array, axes = read_tiff_axes(path)
        return _from_array(spec, path, array, axes)
    if reader == "array":
        from cosmos_board.data.readers.arrays import read_array

        return _from_array(spec, path, read_array(path, spec.key), "")
    if reader == "nifti":
        from cosmos_board.data.readers.nifti import read_nifti

        volume = read_nifti(path, frame)
        return Raster(volume.voxels, affine_lps=volume.affine_lps, placed=volume.placed)
    from cosmos_board.data.readers.itk import read_itk

    volume = read_itk(path)
    return Raster(volume.voxels, affine_lps=volume.affine_lps, placed=volume.placed)


def _from_array(spec: FileSpec, path: Path, array: NDArray[Any], found: str) -> Raster:
    if found.endswith("S") and array.ndim == 3 and array.shape[2] in (3, 4):
        return Raster(array, colour=True)
    if "S" in found:
        raise InputError(path, "axes", "are not read", got=found, want="YX, YXS or ZYX")
    axes = spec.axes if len(spec.axes) == array.ndim else spec.axes.replace("z", "")
    if len(axes) != array.ndim:
        raise InputError(
            path, "axes", "differ in number from the array", got=array.shape, want=spec.axes
        )
    order = [axes.index(letter) for letter in "zyxc" if letter in axes]
    array = array.transpose(order)
    if "c" in axes and array.ndim != 3:
        raise InputError(path, "axes", "hold colours and slices", got=array.shape)
    return Raster(np.ascontiguousarray(array), colour="c" in axes)


def _read_stack(spec: FileSpec, files: list[Path], reader: str) -> Raster:
    single = replace(spec, stack="", axes="yx")
    slices = [_read_one(single, path, reader, None) for path in files]
    first = slices[0]
    for path, one in zip(files, slices, strict=True):
        if one.colour or one.array.shape != first.array.shape or one.array.ndim != 2:
            raise InputError(
                path, "size", "differs from the other slices", got=one.array.shape,
                want=first.array.shape,
            )  # fmt: skip
    check_size(files[0].parent, (len(files), *first.array.shape), LARGEST_VOLUME_PX)
    return Raster(
        np.stack([one.array for one in slices]),
        order=tuple(range(len(files))),
        lossy=any(one.lossy for one in slices),
        inverted=first.inverted,
    )


def _are_bare(files: list[Path]) -> bool:
    """Return whether several DICOM files do not say where they lie."""
    from cosmos_board.data.readers.dicom import has_place

    return len(files) > 1 and not any(has_place(path) for path in files)


def _read_dicom(spec: FileSpec, files: list[Path], frame: int | None) -> Raster:
    from cosmos_board.data.readers.dicom import read_dicom

    image = read_dicom(files, frame)
    array, inverted = image.array, image.inverted
    if isinstance(spec, MaskSpec) and array.dtype == np.float32:
        # Slices are held in floating point, in which codes could not be told from grey levels.
        whole = (array == np.rint(array)) & (np.abs(array) < 1 << 24)
        array = array.astype(np.int32) if whole.all() else array
    if isinstance(spec, MaskSpec) and inverted:
        if not spec.labels:
            raise InputError(
                files[0], "PhotometricInterpretation",
                "shows small values bright, so that a mask's foreground is not sure",
                want="labels, which name the stored values",
            )  # fmt: skip
        inverted = False
    return Raster(
        array, image.colour, image.affine_lps, image.order, image.palette, image.lossy,
        inverted=inverted, identity=image.identity, single=image.single, notes=image.notes,
    )  # fmt: skip
