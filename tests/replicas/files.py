"""Writes the files of a replica, each in the format of its ending."""

from __future__ import annotations

import gzip
import io
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from PIL import Image as Picture
from pydicom.uid import generate_uid

from tests.data.raw_files import make_dicom
from tests.replicas.contents import Codes, Content, Image, draw
from tests.replicas.names import expand

SLICE_DISTANCE_MM = 3.0


def write_tree(root: Path, files: Mapping[str, Content]) -> None:
    """Write every file that the paths in braces stand for; DICOM files of a folder are a series."""
    series: dict[Path, list[tuple[Path, Content]]] = defaultdict(list)
    for text, content in files.items():
        for name in expand(text):
            if ".h5:" in name:
                _add_array(root, name, content)
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix in (".dcm", ".IMA"):
                series[path.parent].append((path, content))
            else:
                write_file(path, content, name)
    for slices in series.values():
        for position, (path, content) in enumerate(sorted(slices, key=lambda pair: pair[0])):
            _write_slice(path, content, position, path.relative_to(root).as_posix())


def _add_array(root: Path, name: str, content: Content) -> None:
    h5py = pytest.importorskip("h5py")
    assert isinstance(content, Codes | Image), f"{name} is an array"
    path, _, key = name.partition(":")
    with h5py.File(root / path, "a") as file:
        file[key] = draw(content, name, flat=False)


def write_file(path: Path, content: Content, name: str) -> None:
    """Write one file; `name`, its path below the root, makes its noise its own."""
    if isinstance(content, str):
        path.write_text(content, "utf-8")
        return
    ending = path.name[path.name.index(".") :] if "." in path.name else ""
    for known, (flat, write) in _WRITERS.items():
        if ending.lower().endswith(known):
            bits = content.bits if isinstance(content, Codes) else 8
            write(path, draw(content, name, flat=flat), bits)
            return
    raise ValueError(f"no way to write {path}")


def _write_slice(path: Path, content: Content, position: int, name: str) -> None:
    if not isinstance(content, Image | Codes):
        raise TypeError(f"{path} is a DICOM file")
    pixels = draw(content, name, flat=True)
    uid = generate_uid(entropy_srcs=[str(path.parent)])
    dataset = make_dicom(pixels, position * SLICE_DISTANCE_MM, uid, InstanceNumber=position + 1,
                         RescaleIntercept=0, PixelSpacing=[1.0, 1.0])  # fmt: skip
    dataset.save_as(path, enforce_file_format=True)


def _write_nifti(path: Path, array: NDArray[Any], _bits: int) -> None:
    affine = np.diag([1.0, 1.0, SLICE_DISTANCE_MM, 1.0])
    kind = nib.Nifti1Pair if path.suffix in (".hdr", ".img") else nib.Nifti1Image
    last = min(array.ndim, 3)
    axes = (*reversed(range(last)), *range(last, array.ndim))
    nib.save(kind(array.transpose(axes), affine), path)


def _write_itk(path: Path, array: NDArray[Any], _bits: int) -> None:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, SLICE_DISTANCE_MM))
    SimpleITK.WriteImage(image, str(path))


def _write_picture(path: Path, array: NDArray[Any], bits: int) -> None:
    if path.suffix == ".tif" and array.ndim == 3 and array.shape[-1] > 4:
        first, *others = map(Picture.fromarray, array)
        first.save(path, save_all=True, append_images=others)
        return
    picture = Picture.fromarray(array)
    picture = picture.convert("1") if bits == 1 else picture
    if path.suffix == ".gz":
        file = io.BytesIO()
        picture.save(file, Path(path.stem).suffix.removeprefix("."))
        path.write_bytes(gzip.compress(file.getvalue()))
    else:
        picture.save(path)


_Writer = Callable[[Path, NDArray[Any], int], None]
_FLAT = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".ppm.gz")
_WRITERS: dict[str, tuple[bool, _Writer]] = {
    **dict.fromkeys(_FLAT, (True, _write_picture)),
    **dict.fromkeys((".nii", ".nii.gz", ".hdr"), (False, _write_nifti)),
    **dict.fromkeys((".nrrd", ".mhd", ".mha"), (False, _write_itk)),
}
"""By ending: whether the file is one picture, and what writes it."""
