"""What stands in the files of a replica: noise, blocks of codes, blocks of colours, text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SIDE_PX = 48
SLICES = 3


@dataclass(frozen=True, slots=True)
class Image:
    """Noise that differs from file to file."""

    channels: int = 0
    """Of a picture 3 are colours; of a volume, the length of a fourth axis; 0: no such axis."""

    dtype: str = ""
    """Empty: uint8 for pictures, int16 for volumes."""

    side_px: int = SIDE_PX
    slices: int = 0
    """Of a volume, or pages of a TIFF file; 0: `SLICES`, or one picture."""

    plane: bool = False
    """Whether a file of volumes holds a picture, its channels in place of the third axis."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A square block of every code on a background; on a volume, on all slices but the first."""

    codes: tuple[int, ...]
    background: int = 0
    channels: int = 0
    """Planes that all hold the same codes; 0: no such axis."""

    dtype: str = ""
    side_px: int = SIDE_PX
    bits: int = 8
    """1 for a picture of one bit a pixel."""

    slices: int = 0
    """Of several, the first has nothing drawn on it."""

    plane: bool = False


@dataclass(frozen=True, slots=True)
class Colours:
    """A square block of every colour on black."""

    colours: tuple[tuple[int, int, int], ...]


Content = Image | Codes | Colours | str
"""Text stands for itself."""


def make_content(value: str | dict[str, Any]) -> Content:
    """Return the content that a table describes."""
    if isinstance(value, str):
        return value
    kind = Codes if "codes" in value else Colours if "colours" in value else Image
    return kind(**{name: _freeze(entry) for name, entry in value.items()})


def _freeze(entry: Any) -> Any:  # noqa: ANN401
    return tuple(map(_freeze, entry)) if isinstance(entry, list) else entry


def draw(content: Image | Codes | Colours, path: str, *, flat: bool) -> NDArray[Any]:
    """Return the array of a file, (y, x[, channel]) if it is flat, else (z, y, x[, channel])."""
    if isinstance(content, Colours):
        drawn = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        for where, colour in zip(_blocks(len(content.colours)), content.colours, strict=True):
            drawn[where] = colour
        return drawn
    picture, flat = flat, content.plane or (flat and not content.slices)
    if isinstance(content, Image):
        dtype = content.dtype or (np.uint8 if picture else np.int16)
        return _draw_image(content, path, flat=flat).astype(dtype)
    drawn = np.full((content.side_px, content.side_px), content.background, np.int16)
    for where, code in zip(
        _blocks(len(content.codes), content.side_px), content.codes, strict=True
    ):
        drawn[where] = code
    if not flat:
        slices = content.slices or SLICES
        drawn = np.stack([drawn] * slices)
        drawn[: slices > 1] = content.background
    if content.channels:
        drawn = np.stack([drawn] * content.channels, axis=-1)
    return drawn.astype(content.dtype or np.uint8)


def _draw_image(content: Image, path: str, *, flat: bool) -> NDArray[Any]:
    shape = (() if flat else (content.slices or SLICES,)) + (content.side_px, content.side_px)
    shape += (content.channels,) if content.channels else ()
    if content.plane and content.channels:
        shape = (shape[-1], *shape[:-1])
    return np.random.default_rng(crc32(path.encode())).integers(1, 255, shape)


def _blocks(count: int, side_px: int = SIDE_PX) -> list[tuple[slice, slice]]:
    """Return places that do not touch each other or the border."""
    columns = max(math.ceil(math.sqrt(count)), 1)
    pitch_px = side_px // columns
    size_px = min(pitch_px - 4, side_px // 3)
    starts = [divmod(number, columns) for number in range(count)]
    return [
        (slice(row * pitch_px + 2, row * pitch_px + 2 + size_px),
         slice(column * pitch_px + 2, column * pitch_px + 2 + size_px))
        for row, column in starts
    ]  # fmt: skip
