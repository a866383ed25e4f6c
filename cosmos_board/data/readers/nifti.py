"""NIfTI volumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from cosmos_board.core.errors import (
    CosmosBoardError,
    InputError,
    describe_unreadable,
    find_machine_failure,
)
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.volumes import spans_space

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_nifti(path: Path, frame: int | None = None) -> Raster:
    """Return a NIfTI volume as it is stored.

    A file of two dimensions becomes a volume of one slice. Lengths are taken as millimetres,
    whatever unit the header names: image and mask seldom name the same one, yet share the numbers.

    `frame` is which volume of a four-dimensional file; None or 0 where it has three dimensions.

    Raises:
        InputError: If it is no NIfTI file, damaged, too large or has no such frame, or holds
            colours or complex numbers.
    """
    _refuse_link_beside(path)
    try:
        image = nib.load(path)
        shape = _get_shape(image)
        check_size(path, shape[:3], LARGEST_VOLUME_PX)
        _check_frame(path, shape, frame)
        _check_type(path, image.get_data_dtype())
        # Any further axes have one place each.
        position = (frame, *[0] * len(image.shape[4:])) if len(shape) == 4 else ()
        voxels = np.asanyarray(image.dataobj[(..., *position)] if position else image.dataobj)
        voxels = voxels.reshape((*shape[:3], 1)[:3], order="F")
        affine = np.array(image.affine, np.float64)
        if len(shape) == 2:
            # A flat file often gives its missing axis no length.
            normal = np.cross(affine[:3, 0], affine[:3, 1])
            affine[:3, 2] = normal * np.linalg.norm(affine[:3, 0]) / np.linalg.norm(normal)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(path, "", "does not exist") from error
    except Exception as error:
        raise _make_error(path, error) from error
    if not spans_space(affine):
        raise InputError(path, "affine", "does not place the voxels in space")
    return Raster(voxels.transpose(2, 1, 0), "ZYX", _RAS_TO_LPS @ affine, _is_placed(image))


def read_nifti_channels(path: Path) -> Raster:
    """Return a NIfTI file of which the fourth axis holds channels; these come last.

    Raises:
        InputError: As `read_nifti` does.
    """
    channels = [read_nifti(path, frame) for frame in range(count_frames(path))]
    shape = (*channels[0].array.shape, len(channels))
    check_size(path, shape, LARGEST_VOLUME_PX)
    return replace(channels[0], array=np.stack([c.array for c in channels], -1), axes="ZYXS")


def _refuse_link_beside(path: Path) -> None:
    # The voxels of a header by itself lie beside it; a link there could lead anywhere.
    for ending in (".img", ".img.gz"):
        if ".hdr" in path.suffixes and path.with_suffix("").with_suffix(ending).is_symlink():
            raise InputError(path, "voxels", "are a link, which may lead elsewhere")


def count_frames(path: Path) -> int:
    """Return the number of volumes in a NIfTI file, from its header; InputError if it is none."""
    try:
        shape = _get_shape(nib.load(path))
    except Exception as error:
        raise _make_error(path, error) from error
    return shape[3] if len(shape) == 4 else 1


def _make_error(path: Path, error: Exception) -> CosmosBoardError:
    if failure := find_machine_failure(error):
        return describe_unreadable(path, failure)
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
    except OSError as unopened:  # of which nibabel says that it is no NIfTI file
        return describe_unreadable(path, unopened)
    if compressed and path.suffix.lower() != ".gz":
        return InputError(path, "", "is compressed: its name has to end in .nii.gz")
    return InputError(path, "", f"is damaged or no NIfTI file: {error}")


def _is_placed(image: nib.Nifti1Image) -> bool:
    # Without a code, and in the older ANALYZE format, the affine is made up from the distances.
    header = image.header
    return "sform_code" in header and bool(header["sform_code"] > 0 or header["qform_code"] > 0)


def _check_type(path: Path, kind: np.dtype[np.generic]) -> None:
    if kind.names:
        raise InputError(
            path, "voxels", "are colours", got="/".join(kind.names),
            want="one number a voxel, or a picture (PNG, TIFF)",
        )  # fmt: skip
    if kind.kind not in "biuf":
        raise InputError(path, "voxels", "are no real numbers", got=kind, want="their magnitude")


def _get_shape(image: nib.Nifti1Image) -> tuple[int, ...]:
    shape = tuple(int(size) for size in image.shape)
    while len(shape) > 2 and shape[-1] == 1 and len(shape) != 3:
        shape = shape[:-1]
    return shape


def _check_frame(path: Path, shape: tuple[int, ...], frame: int | None) -> None:
    if len(shape) not in (2, 3, 4):
        raise InputError(
            path, "shape", "holds several values a voxel and time", got=shape,
            want="(x, y), (x, y, z) or (x, y, z, t), any of them followed by ones",
        )  # fmt: skip
    if len(shape) < 4 and frame:
        raise InputError(path, "frame", "is chosen, yet there is no fourth axis", got=frame)
    if len(shape) == 4 and frame is None:
        raise InputError(path, "frame", "has to be chosen among four dimensions", got=shape)
    if len(shape) == 4 and frame is not None and frame >= shape[3]:
        raise InputError(path, "frame", "is not in the file", got=frame, want=f"below {shape[3]}")
