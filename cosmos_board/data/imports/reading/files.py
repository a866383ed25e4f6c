"""Any file of pixels or voxels → one kind of value, by the reader made for its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.reading.channels import choose_channels, order_axes
from cosmos_board.data.imports.spec.models import FileSpec, MaskSpec
from cosmos_board.data.readers import pictures
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.picture import Picture
from cosmos_board.data.volumes import Volume

if TYPE_CHECKING:
    from cosmos_board.data.readers.dicom.images import DicomIdentity

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
    """Axes (Y, X) or (Z, Y, X); with `colour`, (Y, X, 3): red, green, blue."""

    colour: bool = False
    affine_lps: NDArray[np.float64] | None = None
    """Voxel index (x, y, z, 1) → millimetres; None where the file says nothing of distances."""

    order: tuple[int, ...] | None = None
    """Where each slice comes in the list of files, if the files are the slices of a volume."""

    palette: NDArray[np.uint8] | None = None
    """Colours of the indices in `array`, shape (n, 3)."""

    opaque: NDArray[np.bool_] | None = None
    """Where nothing shines through, axes as `array` without C; None without an alpha channel."""

    lossy: bool = False
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
        from cosmos_board.data.readers.dicom.images import count_volumes

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
    if isinstance(spec.frame, int) and reader not in ("dicom", "nifti"):
        raise InputError(files[0], "frame", "is chosen, yet this format holds no frames")
    if reader == "dicom" and not (spec.stack and _are_bare(files)):
        return _choose(spec, files[0], _read_dicom(spec, files, frame))
    if spec.stack:
        return _read_stack(spec, files, reader)
    return _read_one(spec, files[0], reader, frame)


def _read_one(spec: FileSpec, path: Path, reader: str, frame: int | None) -> Raster:
    if reader == "dicom":
        return _choose(spec, path, _read_dicom(spec, [path], frame))
    turned = spec.orientation == "tag"
    if reader == "picture":
        return _from_picture(spec, path, pictures.read_picture(path, turned=turned))
    if reader == "tiff":
        from cosmos_board.data.readers.tiff import read_tiff

        return _from_picture(spec, path, read_tiff(path, turned=turned))
    if reader == "array":
        from cosmos_board.data.readers.arrays import read_array

        return _from_picture(spec, path, Picture(read_array(path, spec.key), ""))
    if reader == "nifti":
        from cosmos_board.data.readers.nifti import read_nifti

        return _choose(spec, path, _from_volume(read_nifti(path, frame)))
    from cosmos_board.data.readers.itk import read_itk

    return _choose(spec, path, _from_volume(read_itk(path)))


def _from_volume(volume: Volume) -> Raster:
    return Raster(volume.voxels, affine_lps=volume.affine_lps, placed=volume.placed)


def _from_picture(spec: FileSpec, path: Path, picture: Picture) -> Raster:
    array, palette, alpha = picture.array, picture.palette, picture.alpha
    # A picture is flat, whatever order the import file gives to the axes of arrays.
    asked = "" if path.suffix.lower() in pictures.FORMATS else spec.axes
    axes = picture.axes
    if palette is not None and spec.channels:
        array, axes, palette = look_up(path, array, palette), f"{axes}S", None
    array, letters = order_axes(path, array, axes, asked)
    if alpha is not None and "S" not in axes:
        alpha, _ = order_axes(path, alpha, axes, asked)
    notes = picture.notes
    if "c" in letters or spec.channels:
        samples = array if "c" in letters else array[..., np.newaxis]
        array = choose_channels(path, samples, alpha, spec.channels)
    if spec.channels:
        alpha = None
        notes = (*notes, f"channels {', '.join(map(str, spec.channels))} taken")
    colour = array.ndim > len(letters.replace("c", ""))
    if colour and "z" in letters:
        raise InputError(
            path, "axes", "hold colours and slices", got=picture.array.shape,
            want="one channel, such as channels = [0]",
        )  # fmt: skip
    return Raster(
        array,
        colour,
        palette=palette,
        opaque=None if alpha is None else alpha == alpha.max(),
        lossy=picture.lossy,
        bits=picture.bits,
        orientation=picture.orientation,
        notes=notes,
    )


def look_up(where: object, indices: NDArray[Any], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours of indices, one axis more than `indices`.

    Raises:
        InputError: If an index is beyond the palette.
    """
    if int(indices.max(initial=0)) >= len(palette):
        raise InputError(where, "palette", "is too short for the indices of the picture")
    colours: NDArray[np.uint8] = palette[indices]
    return colours


def _choose(spec: FileSpec, path: Path, raster: Raster) -> Raster:
    """Return a raster of a format without alpha with the channels that are asked for."""
    if not raster.colour and not spec.channels:
        return raster
    samples = raster.array if raster.colour else raster.array[..., np.newaxis]
    array = choose_channels(path, samples, None, spec.channels)
    return replace(raster, array=array, colour=raster.colour and array.ndim == 3)


def _read_stack(spec: FileSpec, files: list[Path], reader: str) -> Raster:
    single = spec.model_copy(update={"stack": "", "axes": ""})
    slices = [_read_one(single, path, reader, None) for path in files]
    first = slices[0]
    for path, one in zip(files, slices, strict=True):
        _check_slice(path, one, first)
    check_size(files[0].parent, (len(files), *first.array.shape), LARGEST_VOLUME_PX)
    opaque = None
    if any(one.opaque is not None for one in slices):
        whole = np.ones(first.array.shape, np.bool_)
        opaque = np.stack([whole if one.opaque is None else one.opaque for one in slices])
    return replace(
        first,
        array=np.stack([one.array for one in slices]),
        order=tuple(range(len(files))),
        opaque=opaque,
        lossy=any(one.lossy for one in slices),
    )


def _check_slice(path: Path, one: Raster, first: Raster) -> None:
    """Refuse a slice that cannot be stacked, or is otherwise than the first."""
    if one.colour:
        raise InputError(
            path, "channels", "are three, and slices are grey", want="such as channels = [0]"
        )
    if one.array.shape != first.array.shape or one.array.ndim != 2:
        raise InputError(
            path, "size", "differs from the other slices", got=one.array.shape,
            want=first.array.shape,
        )  # fmt: skip
    if one.orientation != first.orientation:
        raise InputError(
            path, "orientation tag", "differs from the other slices", got=one.orientation,
            want=first.orientation,
        )  # fmt: skip
    if one.inverted != first.inverted:
        raise InputError(path, "PhotometricInterpretation", "differs from the other slices")
    if not np.array_equal(_list_palette(one), _list_palette(first)) or one.bits != first.bits:
        raise InputError(path, "palette", "differs from the other slices")


def _list_palette(raster: Raster) -> NDArray[np.uint8]:
    return np.zeros((0, 3), np.uint8) if raster.palette is None else raster.palette


def _are_bare(files: list[Path]) -> bool:
    """Return whether several DICOM files do not say where they lie."""
    from cosmos_board.data.readers.dicom.images import has_place

    return len(files) > 1 and not any(has_place(path) for path in files)


def _read_dicom(spec: FileSpec, files: list[Path], frame: int | None) -> Raster:
    from cosmos_board.data.readers.dicom.images import read_dicom

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
        array,
        image.colour,
        affine_lps=image.affine_lps,
        order=image.order,
        palette=image.palette,
        lossy=image.lossy,
        inverted=inverted,
        identity=image.identity,
        single=image.single,
        notes=image.notes,
    )
