"""Pictures: PNG, JPEG, GIF, BMP and PPM through Pillow; PNG colour in 16 bit through OpenCV."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_PICTURE_PX, check_size

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".ppm": "PPM",
    ".pgm": "PPM",
}
"""Format by the ending of the file; a file of another format than its ending says is refused."""

_LARGEST_BYTES = 1 << 30
_MODES = ("1", "L", "P", "LA", "RGB", "RGBA", "I", "F")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The pixels of one picture as they are stored."""

    array: NDArray[Any]
    """Axes (Y, X), or (Y, X, C) with C colours and, where there are 2 or 4, an alpha channel."""

    palette: NDArray[np.uint8] | None
    """Colours of the indices in `array`, shape (n, 3); None where it holds no indices."""

    lossy: bool
    """Whether the format may have changed values on the way (JPEG)."""


def read_picture(path: Path) -> Picture:
    """Return the picture in a file; the header is looked at before any pixel.

    Raises:
        InputError: If it is not what its ending says, damaged, too large, or several pictures.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(path, "", "has an ending that no picture format has", got=path.suffix)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large for a picture")
        return _decode(path, path.read_bytes(), kind)
    except InputError:
        raise
    except OSError as error:
        problem = error.strerror or f"is damaged or no {kind} file"
        raise InputError(path, "", problem) from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no {kind} file: {error}") from error


def _decode(path: Path, data: bytes, kind: str) -> Picture:
    with warnings.catch_warnings():
        # The size is checked below, by our own limit; Pillow warns about smaller ones already.
        warnings.simplefilter("ignore")
        with Pillow.open(BytesIO(data), formats=[kind]) as file:
            check_size(path, (file.height, file.width), LARGEST_PICTURE_PX)
            if (pictures := getattr(file, "n_frames", 1)) != 1:
                raise InputError(path, "", "holds several pictures", got=pictures)
            if kind == "PNG" and _is_deep_colour(data):
                return Picture(_decode_deep(path, data), None, lossy=False)
            if file.mode not in _MODES and not file.mode.startswith("I;16"):
                raise InputError(path, "mode", "is not read", got=file.mode)
            palette = None
            if file.mode == "P":
                colours = file.getpalette("RGB") or []
                palette = np.array(colours, np.uint8).reshape(-1, 3)
            array = np.array(file)
    return Picture(array, palette, lossy=kind == "JPEG")


def _is_deep_colour(data: bytes) -> bool:
    # IHDR: bit depth and colour type; Pillow would cut 16-bit colour to 8 bit without a word.
    return data[24] == 16 and data[25] in (2, 4, 6)


def _decode_deep(path: Path, data: bytes) -> NDArray[np.uint16]:
    import cv2

    array: NDArray[np.uint16] | None = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED
    )
    if array is None or array.dtype != np.uint16:
        raise InputError(path, "", "is damaged or no PNG file")
    if array.ndim == 3:
        order = [2, 1, 0, 3][: array.shape[2]]
        array = np.ascontiguousarray(array[..., order])
    return array
