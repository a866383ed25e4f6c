"""Interlaced PNG: Pillow and OpenCV read it and do not write it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
           (1, 0, 2, 1))  # fmt: skip
"""Of Adam7: first row, first column, step down, step across."""


def write_interlaced_png(path: Path, grey: NDArray[np.uint8]) -> None:
    """Write 8-bit grey pixels, axes (Y, X), in seven passes."""
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in _PASSES
        for row in grey[top::down, left::across]
    )
    height, width = grey.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_pack(*chunk) for chunk in chunks))


def _pack(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
