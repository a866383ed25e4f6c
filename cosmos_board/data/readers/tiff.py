"""TIFF pictures and stacks."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size

_PLAIN = (1, 8, 32946)
"""Compressions that tifffile decodes by itself: none and the two names of deflate."""


def read_tiff(path: Path) -> NDArray[Any]:
    """Return the first series of a TIFF file, in its own number type and axes.

    Raises:
        InputError: If it is no TIFF file, damaged or too large.
    """
    return read_tiff_axes(path)[0]


def read_tiff_axes(path: Path) -> tuple[NDArray[Any], str]:
    """Return the first series of a TIFF file and a letter for each of its axes.

    The letters are those of `tifffile`: Y, X, S for colours, others for whatever is stacked.

    Raises:
        InputError: If it is no TIFF file, damaged, too large, or holds several series.
    """
    try:
        data = path.read_bytes()
        with tifffile.TiffFile(BytesIO(data)) as file:
            if not file.series:
                raise InputError(path, "", "holds no picture")
            series = file.series[0]
            check_size(path, series.shape, LARGEST_VOLUME_PX)
            # LZW and the like: tifffile leaves them to a library that we do without.
            plain = file.pages[0].compression in _PLAIN
            array: NDArray[Any] = series.asarray() if plain else _decode_pages(data, series.shape)
            axes = str(series.axes)
    except InputError:
        raise
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no TIFF file: {error}") from error
    return np.ascontiguousarray(array), axes


def _decode_pages(data: bytes, shape: tuple[int, ...]) -> NDArray[Any]:
    with warnings.catch_warnings():
        # The size was checked by our own limit; Pillow warns about smaller ones already.
        warnings.simplefilter("ignore")
        with Pillow.open(BytesIO(data), formats=["TIFF"]) as file:
            pages = []
            for page in range(getattr(file, "n_frames", 1)):
                file.seek(page)
                pages.append(np.array(file))
    array = pages[0] if len(pages) == 1 else np.stack(pages)
    if array.shape != shape:
        raise ValueError(f"its pages have shape {array.shape}, its header says {shape}")
    return array
