"""NIfTI volumes."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.volumes import Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_nifti(path: Path, frame: int | None = None) -> Volume:
    """Return a NIfTI volume as it is stored; `orient` turns it.

    A file of two dimensions becomes a volume of one slice.

    Args:
        path: The file.
        frame: Which volume of a four-dimensional file; None where it has three dimensions.

    Raises:
        InputError: If it is no NIfTI file, damaged, too large or has no such frame.
    """
    _refuse_link_beside(path)
    try:
        image = nib.load(path)
        shape = _get_shape(image)
        check_size(path, shape[:3], LARGEST_VOLUME_PX)
        _check_frame(path, shape, frame)
        data = image.dataobj
        voxels = np.asanyarray(data[..., frame] if len(shape) == 4 else data)
        voxels = voxels.reshape((*shape[:3], 1)[:3], order="F")
        affine = np.array(image.affine, np.float64)
        if len(shape) == 2:
            # A flat file often gives its missing axis no length.
            affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1])
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(path, "", "does not exist") from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no NIfTI file: {error}") from error
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(path, "affine", "does not place the voxels in space")
    return Volume(voxels.transpose(2, 1, 0), _RAS_TO_LPS @ affine)


def _refuse_link_beside(path: Path) -> None:
    # The voxels of a header by itself lie beside it; a link there could lead anywhere.
    for ending in (".img", ".img.gz"):
        if ".hdr" in path.suffixes and path.with_suffix("").with_suffix(ending).is_symlink():
            raise InputError(path, "voxels", "are a link, which may lead elsewhere")


def count_frames(path: Path) -> int:
    """Return the number of volumes in a NIfTI file, from its header.

    Raises:
        InputError: If it is no NIfTI file.
    """
    try:
        shape = _get_shape(nib.load(path))
    except Exception as error:
        raise InputError(path, "", f"is damaged or no NIfTI file: {error}") from error
    return shape[3] if len(shape) == 4 else 1


def _get_shape(image: nib.Nifti1Image) -> tuple[int, ...]:
    shape = tuple(int(size) for size in image.shape)
    while len(shape) > 2 and shape[-1] == 1 and len(shape) != 3:
        shape = shape[:-1]
    return shape


def _check_frame(path: Path, shape: tuple[int, ...], frame: int | None) -> None:
    if len(shape) not in (2, 3, 4):
        raise InputError(path, "shape", "has another number of dimensions", got=shape)
    if len(shape) == 4 and frame is None:
        raise InputError(path, "frame", "has to be chosen among four dimensions", got=shape)
    if len(shape) == 4 and frame is not None and frame >= shape[3]:
        raise InputError(path, "frame", "is not in the file", got=frame, want=f"below {shape[3]}")
