"""NRRD and MetaImage volumes, through SimpleITK."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.volumes import Volume

_LONGEST_HEADER = 1 << 16
_COMPRESSED = re.compile(rb"^CompressedData\s*=\s*True", re.I | re.M)
_DATA_FILE = re.compile(rb"^(?:ElementDataFile\s*=|data ?file:)\s*(.+?)\s*$", re.I | re.M)


_HEADER_END = re.compile(rb"\n\r?\n|^ElementDataFile\s*=.*\n", re.I | re.M)
"""An empty line ends that of NRRD, the place of the voxels that of MetaImage."""


def read_itk(path: Path) -> Volume:
    """Return a two- or three-dimensional NRRD or MetaImage file as it is stored.

    Raises:
        InputError: If it is damaged, too large, of several channels, or its data lies elsewhere
            than beside it.
    """
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
        if reader.GetNumberOfComponents() != 1:
            raise InputError(path, "", "holds several channels", got=reader.GetNumberOfComponents())
        if len(size) not in (2, 3):
            raise InputError(path, "size", "is not two- or three-dimensional", got=size)
        image = reader.Execute()
        _check_length(path, image)
    except RuntimeError as error:
        reason = str(error).strip().rpartition("\n")[2][:120]
        raise InputError(path, "", f"is damaged or no such file: {reason}") from error
    affine = _read_affine(image)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(path, "space directions", "do not place the voxels in space")
    return Volume(_read_voxels(image), affine)


def _read_voxels(image: object) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    import SimpleITK as sitk  # noqa: N813

    voxels: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = sitk.GetArrayFromImage(image)
    return voxels if voxels.ndim == 3 else voxels[np.newaxis]


def _read_affine(image: object) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    axes = len(image.GetSize())  # type: ignore[attr-defined]
    spacing = np.array(image.GetSpacing())  # type: ignore[attr-defined]
    direction = np.array(image.GetDirection()).reshape(axes, axes)  # type: ignore[attr-defined]
    affine = np.eye(4)
    affine[:axes, :axes] = direction * spacing
    affine[:axes, 3] = image.GetOrigin()  # type: ignore[attr-defined]
    return affine


def _check_length(path: Path, image: object) -> None:
    # MetaImage files that are cut off are filled up without a word.
    header = _read_header(path)
    if path.suffix.lower() not in (".mha", ".mhd") or _COMPRESSED.search(header):
        return
    if (place := _DATA_FILE.search(header)) is None:
        raise InputError(path, "ElementDataFile", "is missing")
    if place[1].upper() == b"LOCAL":
        found = path.stat().st_size - place.end(1) - len(b"\n")
    else:
        beside = path.parent / place[1].decode("utf-8", "replace")
        found = beside.stat().st_size if beside.is_file() else 0
    needed = _read_voxels(image).nbytes
    if found < needed:
        raise InputError(path, "", "is cut off", got=f"{found} bytes", want=f"{needed} bytes")


def _read_header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_HEADER)
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error


def _check_data_file(path: Path) -> None:
    # A header may name any file of the machine as the place of its voxels.
    header = _read_header(path)
    if len(header) == _LONGEST_HEADER and not _HEADER_END.search(header):
        raise InputError(path, "header", "is too long", want=f"under {_LONGEST_HEADER} bytes")
    for found in _DATA_FILE.finditer(header):
        name = found[1].decode("utf-8", "replace")
        if name.upper() == "LOCAL":
            return
        if name.upper().startswith(("LIST", "SKIPLIST")) or "%" in name:
            raise InputError(path, "data file", "names several files", got=repr(name))
        beside = path.parent / name
        if "/" in name or "\\" in name or beside.is_symlink():
            raise InputError(path, "data file", "lies elsewhere than beside it", got=repr(name))
