"""NIfTI volumes."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.volumes import Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_nifti(path: Path) -> Volume:
    """Return a three-dimensional NIfTI volume as it is stored; `orient` turns it.

    Raises:
        InputError: If it is no NIfTI file, damaged, too large or not three-dimensional.
    """
    try:
        image = nib.load(path)
        shape = tuple(int(size) for size in image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        check_size(path, shape, LARGEST_VOLUME_PX)
        if len(shape) != 3:
            raise InputError(path, "shape", "is not three-dimensional", got=shape)
        voxels = np.asanyarray(image.dataobj).reshape(shape, order="F")
        affine = np.asarray(image.affine, np.float64)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(path, "", "does not exist") from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no NIfTI file: {error}") from error
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(path, "affine", "does not place the voxels in space")
    return Volume(voxels.transpose(2, 1, 0), _RAS_TO_LPS @ affine)
