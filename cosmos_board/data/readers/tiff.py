"""TIFF pictures and stacks, through tifffile and its codecs."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.picture import Picture, note_turn, turn

_LARGEST_BYTES = LARGEST_VOLUME_PX * 8
_ORIENTATION = 274
_REDUCED, _TRANSPARENCY = 1, 4
"""Bits of the tag NewSubfileType: a smaller copy of another page; its mask."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_PHOTOMETRIC = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR)
_PLAIN = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
"""Compressions of bytes: none, CCITT, LZW, deflate, PackBits, LZMA, Zstandard."""

_JPEG = (7,)
"""Compressions whose data state a size of their own, and may lose detail."""

_ALPHA = ((1,), (2,))
"""ExtraSamples: one, an associated or unassociated alpha channel."""


def read_tiff(path: Path) -> Picture:
    """Return the picture or stack of a TIFF file, in its own number type and axes.

    Smaller copies of a picture in the same file are passed over. The letters of the axes are
    those of `tifffile`: Y, X, S for colours, Z, C and T where the file says so, others for
    pages of which it does not say what they are.

    Raises:
        InputError: If it is no TIFF file, damaged, too large, holds several pictures of
            different sizes, or is in colours or a compression that is not read.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large for a picture or stack")
        # In memory: a file must not make us open others that its description names.
        with tifffile.TiffFile(BytesIO(path.read_bytes())) as file:
            return _read_series(path, _choose_series(path, file.series))
    except InputError:
        raise
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except Exception as error:
        raise InputError(path, "", f"is damaged or no TIFF file: {error}") from error


def _choose_series(path: Path, found: list[Any]) -> Any:  # noqa: ANN401
    """Return the one series that is no smaller copy or transparency mask of another."""
    full = [
        series
        for series in found
        if not int(series.keyframe.subfiletype) & (_REDUCED | _TRANSPARENCY)
    ]
    if len(full) == 1 or len(found) == 1:
        return (full or found)[0]
    if not found:
        raise InputError(path, "", "holds no picture")
    shapes = ", ".join(str(series.shape) for series in (full or found)[:4])
    raise InputError(
        path, "", "holds several pictures or stacks", got=shapes, want="one a file: split it"
    )


def _read_series(path: Path, series: Any) -> Picture:  # noqa: ANN401
    pages = list(series.pages)
    if any(page is None for page in pages):
        raise InputError(path, "", "lacks planes: they are in other files", want="one whole file")
    check_size(path, series.shape, LARGEST_VOLUME_PX)
    first = series.keyframe
    _check_page(path, first)
    for page in pages:
        _check_segments(path, page)
    orientation = _find_orientation(path, pages)
    array: NDArray[Any] = series.asarray(maxworkers=1)
    if array.dtype.kind not in "biuf":
        raise InputError(path, "", "holds no plain numbers", got=array.dtype)
    axes = str(series.axes)
    notes = note_turn(orientation)
    if first.photometric == _WHITE_IS_ZERO:
        array = _invert(path, array, first.bitspersample)
        notes = ("inverted, since 0 is white", *notes)
    array, axes, alpha = _split_alpha(array, axes, first.extrasamples)
    return Picture(
        turn(array, axes, orientation),
        axes,
        _find_palette(first),
        None if alpha is None else turn(alpha, axes.replace("S", ""), orientation),
        lossy=first.compression in _JPEG,
        bits=first.bitspersample if first.bitspersample in range(2, 8) else 0,
        orientation=orientation,
        notes=notes,
    )


def _check_page(path: Path, page: Any) -> None:  # noqa: ANN401
    if page.compression not in (*_PLAIN, *_JPEG):
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
    if page.photometric == _YCBCR and (page.compression not in _JPEG or page.planarconfig != 1):
        want = "RGB: convert it first"
        raise InputError(path, "PhotometricInterpretation", "is YCbCr without JPEG", want=want)
    if page.is_tiled:
        check_size(path, (page.tiledepth, page.tilelength, page.tilewidth), LARGEST_VOLUME_PX)


def _check_segments(path: Path, page: Any) -> None:  # noqa: ANN401
    """Refuse data cut off, and JPEG data that would decode to another size than the page says."""
    end = page.parent.filehandle.size
    spans = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if any(offset + count > end for offset, count in spans):
        raise InputError(path, "", "is cut off", got=f"{end} bytes")
    if page.keyframe.compression not in _JPEG:
        return
    first = page.keyframe
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


def _find_orientation(path: Path, pages: list[Any]) -> int:
    found = {_read_orientation(page) for page in pages}
    if len(found) != 1:
        raise InputError(path, "Orientation", "differs from page to page", got=sorted(found))
    return found.pop()


def _read_orientation(page: Any) -> int:  # noqa: ANN401
    tags = getattr(page, "tags", None)
    if tags is None:  # A frame, of which no more was read than where its data are.
        tags = page.aspage().tags
    value = tags.valueof(_ORIENTATION, 1)
    return int(value) if value in range(1, 9) else 1


def _invert(path: Path, array: NDArray[Any], bits: int) -> NDArray[Any]:
    if array.dtype == np.bool_:
        return ~array
    if array.dtype.kind != "u":
        raise InputError(
            path, "PhotometricInterpretation", "is white-is-zero in signed or floating numbers",
            got=array.dtype, want="0 is black",
        )  # fmt: skip
    return array.dtype.type((1 << bits) - 1) - array


def _split_alpha(
    array: NDArray[Any], axes: str, extras: tuple[int, ...]
) -> tuple[NDArray[Any], str, NDArray[Any] | None]:
    if tuple(map(int, extras)) not in _ALPHA or "S" not in axes:
        return array, axes, None
    axis = axes.index("S")
    alpha = np.take(array, -1, axis)
    colours = np.take(array, range(array.shape[axis] - 1), axis)
    if colours.shape[axis] == 1:
        return colours.squeeze(axis), axes.replace("S", ""), alpha
    return colours, axes, alpha


def _find_palette(page: Any) -> NDArray[np.uint8] | None:  # noqa: ANN401
    if page.photometric != _PALETTE:
        return None
    colours = np.asarray(page.colormap).T
    # Two bytes a value, of which some writers fill only the lower one.
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)


def _name(value: Any) -> str:  # noqa: ANN401
    return str(getattr(value, "name", value))
