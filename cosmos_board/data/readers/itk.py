"""NRRD and MetaImage volumes, through SimpleITK."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError, describe_unreadable
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.volumes import Volume, spans_space

_LONGEST_HEADER = 1 << 16
_OTHER_LENGTH = re.compile(rb"^(?:CompressedData\s*=\s*True|BinaryData\s*=\s*False)", re.I | re.M)
"""Compressed or written as text: the length of the data is not that of the voxels."""

_DATA_FILE = re.compile(rb"^(?:ElementDataFile\s*=|data ?file:)\s*(.+?)\s*$", re.I | re.M)


_HEADER_END = re.compile(rb"\n\r?\n|^ElementDataFile\s*=.*\n", re.I | re.M)
"""An empty line ends that of NRRD, the place of the voxels that of MetaImage."""


_PLACE = re.compile(
    rb"^(?:space directions\s*:"
    rb"|(?:Offset|Position|Origin|TransformMatrix|Orientation|Rotation)\s*=)",
    re.I | re.M,
)
"""Said by a header that places its voxels in space, in NRRD and in MetaImage."""


def read_itk(path: Path, *, several: bool = False) -> Raster:
    """Return a two- or three-dimensional NRRD or MetaImage file as it is stored.

    With `several`, it may have channels, which come last.

    Raises:
        InputError: If it is damaged, too large, of several channels, or its data lies elsewhere
            than beside it.
    """
    volume, layers, fields = read_layers(path)
    if several and layers != 1:
        return Raster(volume.voxels, "ZYXS", volume.affine_lps, volume.placed)
    if layers != 1:
        segments = any(field.startswith("Segment0_") for field in fields)
        raise InputError(
            path, "", "holds several channels", got=layers,
            want="kind = 'nrrd-seg'" if segments else "one, or a picture (PNG, TIFF) for colours",
        )  # fmt: skip
    return Raster(volume.voxels[..., 0], "ZYX", volume.affine_lps, volume.placed)


def read_layers(path: Path) -> tuple[Volume, int, dict[str, str]]:
    """Return voxels (channels last), number of channels and fields; errors as in `read_itk`."""
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    _check_data_file(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO" if path.suffix.lower() in (".nrrd", ".nhdr") else "MetaImageIO")
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        check_size(path, tuple(size), LARGEST_VOLUME_PX)
        check_size(path, (*size, reader.GetNumberOfComponents()), LARGEST_VOLUME_PX)
        if len(size) not in (2, 3):
            raise InputError(path, "size", "is not two- or three-dimensional", got=size)
        image = reader.Execute()
        _check_length(path, image)
    except RuntimeError as error:
        reason = str(error).strip().rpartition("\n")[2][:120]
        raise InputError(path, "", f"is damaged, cut off or no such file: {reason}") from error
    affine = _read_affine(image)
    if not spans_space(affine):
        raise InputError(path, "space directions", "do not place the voxels in space")
    voxels = _read_voxels(image)
    if voxels.dtype.kind not in "biuf":
        raise InputError(path, "voxels", "are no real numbers", got=voxels.dtype)
    # A damaged file may hold names of fields that cannot be asked for.
    names = [name for name in image.GetMetaDataKeys() if name.isascii()]
    fields = {name: str(image.GetMetaData(name)) for name in names}
    placed = _PLACE.search(_read_header(path)) is not None
    return Volume(voxels, affine, placed), voxels.shape[-1], fields


def _read_voxels(image: Any) -> NDArray[Any]:  # noqa: ANN401
    import SimpleITK as sitk  # noqa: N813

    voxels: NDArray[Any] = sitk.GetArrayFromImage(image)
    size = (1, *image.GetSize()[::-1])[-3:]
    return voxels.reshape((*size, image.GetNumberOfComponentsPerPixel()))


def _read_affine(image: Any) -> NDArray[np.float64]:  # noqa: ANN401
    axes = len(image.GetSize())
    spacing = np.array(image.GetSpacing())
    direction = np.array(image.GetDirection()).reshape(axes, axes)
    affine = np.eye(4)
    affine[:axes, :axes] = direction * spacing
    affine[:axes, 3] = image.GetOrigin()
    return affine


def _check_length(path: Path, image: Any) -> None:  # noqa: ANN401
    # SimpleITK fills up MetaImage files that are cut off and reports nothing.
    header = _read_header(path)
    if path.suffix.lower() not in (".mha", ".mhd") or _OTHER_LENGTH.search(header):
        return
    if (place := _DATA_FILE.search(header)) is None:
        raise InputError(path, "ElementDataFile", "is missing")
    if place[1].upper() == b"LOCAL":
        size_bytes = path.stat().st_size - place.end(1) - len(b"\n")
    else:
        beside = path.parent / place[1].decode("utf-8", "replace")
        size_bytes = beside.stat().st_size if beside.is_file() else 0
    needed_bytes = _read_voxels(image).nbytes
    if size_bytes < needed_bytes:
        raise InputError(
            path, "", "is cut off", got=f"{size_bytes} bytes", want=f"{needed_bytes} bytes"
        )


def _read_header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_HEADER)
    except OSError as error:
        raise describe_unreadable(path, error) from error


def _check_data_file(path: Path) -> None:
    # A header may name any file of the machine as the place of its voxels.
    header = _read_header(path)
    if len(header) == _LONGEST_HEADER and not _HEADER_END.search(header):
        raise InputError(path, "header", "is too long", want=f"under {_LONGEST_HEADER} bytes")
    for match in _DATA_FILE.finditer(header):
        name = match[1].decode("utf-8", "replace")
        if name.upper() == "LOCAL":
            return
        if name.upper().startswith(("LIST", "SKIPLIST")) or "%" in name:
            raise InputError(path, "data file", "names several files", got=repr(name))
        beside = path.parent / name
        if "/" in name or "\\" in name or beside.is_symlink():
            raise InputError(path, "data file", "lies elsewhere than beside it", got=repr(name))
