"""Curated pixels as files hold them: hashed, packed into PNG and taken out again."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterable

import numpy as np
from PIL import Image as Pillow

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.data.limits import LARGEST_PICTURE_PX

_PNG_HEAD = struct.Struct(">8sI4sIIBB")
_GREY, _RGB = 0, 2


def hash_pixels(pixels: Pixels) -> str:
    """Return the sha256 over the shape and the pixels, in hexadecimal.

    Example:
        >>> hash_pixels(np.zeros((2, 3), np.uint8)) == hash_pixels(np.zeros((3, 2), np.uint8))
        False
    """
    digest = hashlib.sha256("x".join(map(str, pixels.shape)).encode() + b":")
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def make_image_id(sha256: str) -> str:
    """Return the id of the image whose pixels have this hash.

    Example:
        >>> make_image_id("0123456789abcdef" * 4)
        '0123456789abcdef'
    """
    return sha256[:16]


def make_volume_id(slices: Iterable[str]) -> str:
    """Return the id of the volume of which the slices, in order, have these pixel hashes.

    Example:
        >>> make_volume_id(["a", "b"]) == make_volume_id(["b", "a"])
        False
    """
    return hashlib.sha256("\n".join(slices).encode()).hexdigest()[:16]


def encode_png(pixels: Pixels) -> bytes:
    """Return grey (Y, X) or RGB (Y, X, 3) pixels as a PNG file."""
    import cv2

    # Medical slices shrink little more at higher levels, which take several times longer, and the
    # run-length strategy is both the fastest and the smallest.
    how = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    done, data = cv2.imencode(".png", pixels if pixels.ndim == 2 else pixels[..., ::-1], how)
    assert done, "OpenCV encodes any 8-bit grey or RGB picture"
    return bytes(data)


def decode_png(image_id: str, data: bytes, height: int, width: int) -> Pixels:
    """Return the pixels of a PNG file that must have the given size.

    The header is compared before anything is decoded, so a small file cannot claim a huge image.

    Raises:
        InputError: If it is no 8-bit grey or RGB PNG of that size, or is damaged.
    """
    if len(data) < _PNG_HEAD.size:
        raise InputError(image_id, "png", "is cut off", got=f"{len(data)} bytes")
    magic, _, chunk, found_width, found_height, depth, colour = _PNG_HEAD.unpack_from(data)
    if magic != b"\x89PNG\r\n\x1a\n" or chunk != b"IHDR":
        raise InputError(image_id, "png", "is no PNG file")
    if (found_height, found_width) != (height, width):
        found = f"{found_height} x {found_width}"
        raise InputError(image_id, "png", "has another size", got=found, want=f"{height} x {width}")
    if not 0 < height * width <= LARGEST_PICTURE_PX:
        raise InputError(image_id, "png", "is empty or too large", got=f"{height} x {width}")
    if depth != 8 or colour not in (_GREY, _RGB):
        raise InputError(image_id, "png", "is not 8-bit grey or RGB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(io.BytesIO(data), formats=["PNG"]) as picture:
                return np.array(picture, np.uint8)
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise InputError(image_id, "png", f"is damaged: {error}") from error
