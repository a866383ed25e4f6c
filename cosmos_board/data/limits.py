"""Limits of the size that the header of a raw file states; checked before pixels are read."""

from __future__ import annotations

from math import prod

from cosmos_board.core.errors import InputError

LARGEST_PICTURE_PX = 1 << 27
LARGEST_VOLUME_PX = 1 << 29


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
