"""DICOM files that hold one picture and no place in the patient, such as X-rays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size

_GREY = ("MONOCHROME1", "MONOCHROME2")


def has_place(path: Path) -> bool:
    """Return whether a DICOM file says where its pixels lie in the patient.

    Raises:
        InputError: If it is damaged or no DICOM file.
    """
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        return len(header.get("ImagePositionPatient") or ()) == 3
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no DICOM file: {error}") from error


def read_dicom_picture(path: Path) -> tuple[NDArray[Any], bool, bool]:
    """Return (pixels, whether in colour, whether small values are bright) of one picture.

    Grey pixels have axes (Y, X), or (Z, Y, X) where there are several frames; colour (Y, X, 3).

    Raises:
        InputError: If it is damaged, too large or in a colour space that we do not read.
    """
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        refuse_burned_in(path, header)
        frames = int(header.get("NumberOfFrames") or 1)
        size = (frames, int(header.get("Rows") or 0), int(header.get("Columns") or 0))
        check_size(path, size, LARGEST_VOLUME_PX)
        return _decode(path, pydicom.dcmread(path))
    except InputError:
        raise
    except Exception as error:
        raise InputError(path, "", f"is damaged or no DICOM file: {error}") from error


def refuse_burned_in(path: Path, header: pydicom.Dataset) -> None:
    """Refuse pixels of which the file itself says that a patient can be read in them.

    Raises:
        InputError: If `BurnedInAnnotation` is YES.
    """
    if str(header.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        raise InputError(path, "BurnedInAnnotation", "is YES: a patient may be read in the pixels")


def _decode(path: Path, dataset: pydicom.Dataset) -> tuple[NDArray[Any], bool, bool]:
    space = str(dataset.get("PhotometricInterpretation"))
    array: NDArray[Any] = dataset.pixel_array
    if space in _GREY:
        slope = float(dataset.get("RescaleSlope") or 1)
        intercept = float(dataset.get("RescaleIntercept") or 0)
        if (slope, intercept) != (1.0, 0.0):
            array = (array * slope + intercept).astype(np.float32)
        return array, False, space == "MONOCHROME1"
    if space == "RGB" and array.ndim == 3 and array.shape[2] == 3:
        return array, True, False
    raise InputError(path, "PhotometricInterpretation", "is not read", got=space)
