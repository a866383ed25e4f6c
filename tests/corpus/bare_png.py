"""PNG files that Pillow and OpenCV read and do not write: interlaced, few bits, deep alpha."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

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
    _write(path, grey.shape[:2], (8, 0), rows, interlaced=True)


def write_grey_png(path: Path, levels: NDArray[np.integer[Any]], bits: int) -> None:
    """Write grey levels of 2, 4 or 16 bits, axes (Y, X), or (Y, X, 2) with an alpha channel."""
    if bits < 8:
        planes = np.unpackbits(levels.astype(np.uint8)[..., np.newaxis], axis=2)[..., 8 - bits :]
        levels = np.packbits(planes.reshape(len(levels), -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    width = levels.shape[1] * 8 // bits if bits < 8 else levels.shape[1]
    _write(path, (levels.shape[0], width), (bits, 4 if levels.ndim == 3 else 0), rows)


def _write(
    path: Path,
    size: tuple[int, ...],
    kind: tuple[int, int],
    rows: bytes,
    *,
    interlaced: bool = False,
) -> None:
    header = struct.pack(">IIBBBBB", size[1], size[0], *kind, 0, 0, int(interlaced))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_pack(*chunk) for chunk in chunks))


def _pack(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
