"""Pictures: PNG, JPEG, GIF, BMP and PPM through Pillow; colour in 16 bit through OpenCV."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.ExifTags import Base

from cosmos_board.core.errors import InputError, describe_unreadable, find_machine_failure
from cosmos_board.data.limits import LARGEST_PICTURE_PX, check_size
from cosmos_board.data.readers.raster import Raster, note_turn, turn

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
_PNM = re.compile(rb"P[56](?:(?:\s|#[^\n]*\n)+(\d+)){3}\s")
"""Head of a binary PPM or PGM file; the last number is the largest value."""


def read_picture(path: Path, *, turned: bool = True) -> Raster:
    """Return the picture in a file, axes YX or YXS; the header is looked at before any pixel.

    `turned` says whether its orientation tag is obeyed.

    Raises:
        InputError: If it is not what its ending says, damaged, too large, or several pictures.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(path, "", "has an ending that no picture format has", got=path.suffix)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large for a picture")
        return _decode(path, path.read_bytes(), kind, turned=turned)
    except InputError:
        raise
    except OSError as error:
        if find_machine_failure(error):
            raise describe_unreadable(path, error) from error
        of_8_bits = " of 8 bits a sample" if kind == "JPEG" else ""
        problem = error.strerror or f"is damaged or no {kind} file{of_8_bits}"
        raise InputError(path, "", problem) from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no {kind} file: {error}") from error


def _decode(path: Path, data: bytes, kind: str, *, turned: bool) -> Raster:
    with warnings.catch_warnings():
        # The size is checked below, by our own limit; Pillow warns about smaller ones already.
        warnings.simplefilter("ignore")
        with Pillow.open(BytesIO(data), formats=[kind]) as file:
            check_size(path, (file.height, file.width), LARGEST_PICTURE_PX)
            notes = _check_frames(path, file)
            palette = alpha = None
            if _is_deep(data, kind):
                array, alpha = _decode_deep(path, data, kind)
            else:
                array, alpha = _decode_samples(path, data, file)
                if file.mode == "P":
                    palette = np.array(file.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
            orientation = _find_orientation(file) if turned else 1
    return Raster(
        turn(array, "YXS"[: array.ndim], orientation),
        "YXS"[: array.ndim],
        palette=palette,
        alpha=None if alpha is None else turn(alpha, "YX", orientation),
        lossy=kind == "JPEG",
        orientation=orientation,
        notes=(*notes, *note_turn(orientation)),
    )


def _check_frames(path: Path, file: Pillow.Image) -> tuple[str, ...]:
    pictures = getattr(file, "n_frames", 1)
    if file.format == "MPO" and pictures > 1:
        # Phones append a preview or a depth map to the picture itself, which comes first.
        file.seek(0)
        return ("the first of several pictures in a JPEG file",)
    if pictures != 1:
        raise InputError(path, "", "holds several pictures", got=pictures, want="one a file")
    return ()


def _find_orientation(file: Pillow.Image) -> int:
    try:
        value = file.getexif().get(Base.Orientation, 1)
    except Exception:  # The picture itself may be good; viewers ignore a damaged tag as well.
        return 1
    return value if value in range(1, 9) else 1


def _decode_samples(
    path: Path, data: bytes, file: Pillow.Image
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if file.mode not in _MODES and not file.mode.startswith("I;16"):
        want = "grey or RGB: convert it first"
        raise InputError(path, "mode", "is not read", got=file.mode, want=want)
    array = np.array(file)
    if file.mode in ("LA", "RGBA"):
        colours = array[..., 0] if file.mode == "LA" else array[..., :3]
        return np.ascontiguousarray(colours), np.ascontiguousarray(array[..., -1])
    clear = file.info.get("transparency")
    return array, None if clear is None else _find_alpha(data, file.mode, array, clear)


def _find_alpha(data: bytes, mode: str, array: NDArray[Any], clear: Any) -> NDArray[np.uint8]:  # noqa: ANN401
    """Return alpha of a picture in which one colour, or some of a palette, are transparent."""
    if mode == "P":
        table = np.full(256, 255, np.uint8)
        if isinstance(clear, bytes):
            table[: len(clear)] = np.frombuffer(clear, np.uint8)
        else:
            table[clear] = 0
        opacity: NDArray[np.uint8] = table[array]
        return opacity
    key = np.asarray(clear)
    if mode == "L" and data[:4] == b"\x89PNG" and data[24] in (2, 4):
        key = key * (255 // ((1 << data[24]) - 1))  # Pillow widens the samples, not the key.
    hidden = array == (key > 0 if mode == "1" else key)
    if array.ndim == 3:
        hidden = hidden.all(axis=2)
    return np.where(hidden, np.uint8(0), np.uint8(255))


def _is_deep(data: bytes, kind: str) -> bool:
    """Return whether Pillow would change samples silently: to 8 bit, or to a wider range."""
    if kind == "PNG":
        # IHDR: bit depth and colour type.
        return data[24] == 16 and data[25] in (2, 4, 6)
    head = _PNM.match(data) if kind == "PPM" else None
    return head is not None and int(head[1]) > 255


def _decode_deep(
    path: Path, data: bytes, kind: str
) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    import cv2

    array: NDArray[np.uint16] | None = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED
    )
    if array is None or array.dtype != np.uint16:
        raise InputError(path, "", f"is damaged or no {kind} file")
    if array.ndim == 2:
        return array, None
    colours = np.ascontiguousarray(array[..., 2::-1])
    if kind == "PNG" and data[25] == 4:
        colours = np.ascontiguousarray(array[..., 0])
    return colours, np.ascontiguousarray(array[..., 3]) if array.shape[2] == 4 else None
