"""TIFF pictures and stacks."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size


def read_tiff(path: Path) -> NDArray[Any]:
    """Return the first series of a TIFF file, in its own number type and axes.

    Raises:
        InputError: If it is no TIFF file, damaged or too large.
    """
    try:
        with tifffile.TiffFile(BytesIO(path.read_bytes())) as file:
            if not file.series:
                raise InputError(path, "", "holds no picture")
            check_size(path, file.series[0].shape, LARGEST_VOLUME_PX)
            array: NDArray[Any] = file.series[0].asarray()
    except InputError:
        raise
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no TIFF file: {error}") from error
    return np.ascontiguousarray(array)
