"""Limits of the size of raw files: what their headers state, and what they decompress to."""

from __future__ import annotations

from math import prod
from typing import IO, Protocol

from cosmos_board.core.errors import InputError

LARGEST_PICTURE_PX = 1 << 27
LARGEST_VOLUME_PX = 1 << 29
LARGEST_FILE_BYTES = 1 << 33
"""Of one file that comes out of an archive: a volume of the largest size in 64 bits, and more."""

_CHUNK_BYTES = 1 << 20


def check_size(where: object, shape: tuple[int, ...], largest_px: int) -> None:
    """Refuse a shape that is empty, negative or larger than we read.

    Raises:
        InputError: If so.

    Example:
        >>> check_size("a.tif", (512, 512), LARGEST_PICTURE_PX)
    """
    if not shape or min(shape) < 1:
        raise InputError(where, "size", "is empty or negative", got=shape)
    if prod(shape) > largest_px:
        raise InputError(where, "size", "is too large", got=shape, want=f"at most {largest_px} px")


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to so many bytes, none at the end."""


def copy_limited(where: object, source: Readable, target: IO[bytes], largest_bytes: int) -> int:
    """Copy what a stream holds, and return how many bytes that were.

    Raises:
        InputError: As soon as it holds more than `largest_bytes`.
    """
    copied = 0
    while chunk := source.read(_CHUNK_BYTES):
        copied += len(chunk)
        if copied > largest_bytes:
            raise InputError(where, "", "holds more than it may", want=f"{largest_bytes} bytes")
        target.write(chunk)
    return copied
