"""What is looked at in a TIFF file before, and what is refused after its pixels are decoded."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import tifffile

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import check_size

JPEG = 7
"""A compression whose data state a size of their own, and lose detail."""

_PLAIN = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
"""Compressions of bytes: none, CCITT, LZW, deflate, PackBits, LZMA, Zstandard."""

_PHOTOMETRIC = (0, 1, 2, 3, 6)
"""White is zero, black is zero, RGB, palette, YCbCr."""

_YCBCR = 6
_LARGEST_TILE_PX = 1 << 24
_DAMAGE = re.compile(
    "invalid page offset|corrupted|zeroed|incorrect Strip|"
    r"TiffTag (?:25\d|26[26]|27[3-9]|284|317|32\d|33[89]|347) @\d+> invalid"
)
"""In messages of tifffile: pages that it passed over, or tags that say how pixels are stored."""


@contextmanager
def refuse_damage(path: Path) -> Iterator[None]:
    """Refuse (InputError) what tifffile only reports: it would go on with the pages before."""
    logger, records = logging.getLogger("tifffile"), _Records()
    logger.addHandler(records)
    try:
        yield
    finally:
        logger.removeHandler(records)
    for message in records.messages:
        if _DAMAGE.search(message):
            raise InputError(path, "", "is damaged or cut off", got=message.rpartition("> ")[2])


class _Records(logging.Handler):
    """Keeps messages instead of printing them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.messages.append(record.getMessage())


def check_page(path: Path, page: Any) -> None:  # noqa: ANN401
    """Refuse (InputError) colours or a compression that are not read, and too large tiles."""
    if page.compression not in (*_PLAIN, JPEG):
        raise InputError(
            path, "compression", "is not read", got=_name(page.compression),
            want="none, LZW, deflate, PackBits, Zstandard, LZMA, CCITT or JPEG",
        )  # fmt: skip
    if page.photometric not in _PHOTOMETRIC:
        raise InputError(
            path, "PhotometricInterpretation", "is not read", got=_name(page.photometric),
            want="grey, RGB or a palette: convert it first",
        )  # fmt: skip
    # JPEG is decoded to RGB on the way.
    if page.photometric == _YCBCR and (page.compression != JPEG or page.planarconfig != 1):
        want = "RGB: convert it first"
        raise InputError(path, "PhotometricInterpretation", "is YCbCr without JPEG", want=want)
    if page.is_tiled:
        tile = (page.tiledepth, page.tilelength, page.tilewidth, page.samplesperpixel)
        check_size(path, tile, _LARGEST_TILE_PX)


def check_segments(path: Path, page: Any) -> None:  # noqa: ANN401
    """Refuse (InputError) data cut off, and JPEG data larger than the page says."""
    end = page.parent.filehandle.size
    spans = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    first = page.keyframe
    one_piece = first.compression == 1 and not first.is_tiled  # Strips may have been joined.
    if not (one_piece or len(spans) == prod(first.chunked)) or any(
        count == 0 for _, count in spans
    ):
        raise InputError(path, "", "lacks some of its strips or tiles")
    if any(offset + count > end for offset, count in spans):
        raise InputError(path, "", "is cut off", got=f"{end} bytes")
    if first.compression != JPEG:
        return
    rows = first.tilelength if first.is_tiled else min(first.rowsperstrip, first.imagelength)
    columns = first.tilewidth if first.is_tiled else first.imagewidth
    for data in _iter_segments(page, spans):
        _, height, width, _ = tifffile.tifffile.jpeg_shape(data)
        if height > rows or width > columns:
            raise InputError(
                path, "JPEG", "is larger than its strip or tile", got=(height, width),
                want=(rows, columns),
            )  # fmt: skip


def _iter_segments(page: Any, spans: list[tuple[int, int]]) -> Iterator[bytes]:  # noqa: ANN401
    handle = page.parent.filehandle
    for offset, count in spans:
        if count:
            handle.seek(offset)
            yield handle.read(count)


def _name(value: Any) -> str:  # noqa: ANN401
    return str(getattr(value, "name", value))
