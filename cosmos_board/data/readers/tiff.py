"""TIFF pictures and stacks, through tifffile and its codecs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.readers.raster import Raster, note_turn, turn
from cosmos_board.data.readers.tiff_checks import (
    JPEG,
    check_page,
    check_segments,
    refuse_damage,
)

_LARGEST_BYTES = LARGEST_VOLUME_PX * 8
_ORIENTATION = 274
_REDUCED, _TRANSPARENCY = 1, 4
"""Bits of the tag NewSubfileType: a smaller copy of another page; its mask."""

_WHITE_IS_ZERO, _RGB, _PALETTE = 0, 2, 3
"""Values of the tag PhotometricInterpretation."""

_PLANAR = 2
"""Value of the tag PlanarConfiguration: one plane a channel."""

_UNASSOCIATED = (2,)
_ALPHA = ((1,), _UNASSOCIATED)
"""ExtraSamples: one, an associated or unassociated alpha channel."""

_TIFFFILE = "tifffile.py"
"""What this library calls itself in the files it writes; its defaults set tags unasked."""


def read_tiff(path: Path, *, turned: bool = True) -> Raster:
    """Return the picture or stack of a TIFF file, in its own number type and axes.

    Smaller copies of a picture in the same file are passed over. The letters of the axes are
    those of `tifffile`: Y, X, S for colours, Z, C and T where the file says so, ? for what may
    be colours or slices, others for pages of which it does not say what they are.

    `turned` says whether its orientation tag is obeyed.

    Raises:
        InputError: If it is no TIFF file, damaged, too large, holds several pictures of
            different sizes, or is in colours or a compression that is not read.
    """
    with reading(path, "TIFF file"):
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large for a picture or stack")
        # In memory: a file must not make us open others that its description names.
        data = BytesIO(path.read_bytes())
        with refuse_damage(path), tifffile.TiffFile(data) as file:
            return _read_series(path, _choose_series(path, file.series), turned=turned)


def _choose_series(path: Path, every_series: list[Any]) -> list[Any]:
    """Return the series that are no smaller copy or transparency mask of another.

    Several where a stack was written page by page, each as a series of its own.
    """
    if not every_series:
        raise InputError(path, "", "holds no picture")
    full = [
        series
        for series in every_series
        if not int(series.keyframe.subfiletype) & (_REDUCED | _TRANSPARENCY)
    ]
    full = full or every_series[:1]
    first = full[0]
    kinds = {(series.shape, series.dtype, series.keyframe.hash) for series in full}
    if len(full) == 1 or (len(kinds) == 1 and first.axes == first.keyframe.axes):
        return full
    shapes = ", ".join(str(series.shape) for series in full[:4])
    raise InputError(
        path, "", "holds several pictures or stacks", got=shapes, want="one a file: split it"
    )


def _read_series(path: Path, chosen: list[Any], *, turned: bool) -> Raster:
    series = chosen[0]
    pages = [page for part in chosen for page in part.pages]
    if any(page is None for page in pages):
        raise InputError(path, "", "lacks planes: they are in other files", want="one whole file")
    check_size(path, (len(chosen), *series.shape), LARGEST_VOLUME_PX)
    first = series.keyframe
    check_page(path, first)
    for page in pages:
        check_segments(path, page)
    orientation = _find_orientation(path, pages) if turned else 1
    array, axes = _decode(path, chosen)
    notes = note_turn(orientation)
    if first.photometric == _WHITE_IS_ZERO:
        array = _invert(path, array, first)
        notes = ("inverted, since 0 is white", *notes)
    array, axes, alpha = _split_alpha(array, axes, first)
    return Raster(
        turn(array, axes, orientation),
        axes,
        palette=_find_palette(path, pages),
        alpha=None if alpha is None else turn(alpha, axes.replace("S", ""), orientation),
        lossy=first.compression == JPEG,
        bits=first.bitspersample if first.bitspersample in range(2, 8) else 0,
        orientation=orientation,
        notes=notes,
    )


def _decode(path: Path, chosen: list[Any]) -> tuple[NDArray[Any], str]:
    size = chosen[0].keyframe.parent.filehandle.size
    for series in chosen:
        if series.dataoffset is not None and series.dataoffset + series.nbytes > size:
            raise InputError(path, "", "is cut off", got=f"{size} bytes")
    arrays = [series.asarray(maxworkers=1) for series in chosen]
    axes = str(chosen[0].axes)
    array: NDArray[Any] = arrays[0]
    if len(arrays) > 1:
        array, axes = np.stack(arrays), f"I{axes}"
    if array.dtype.kind not in "biuf":
        raise InputError(path, "", "holds no plain numbers", got=array.dtype)
    return array, axes


def _find_orientation(path: Path, pages: list[Any]) -> int:
    values = {_read_orientation(page) for page in pages}
    if len(values) != 1:
        raise InputError(path, "Orientation", "differs from page to page", got=sorted(values))
    return values.pop()


def _read_orientation(page: Any) -> int:  # noqa: ANN401
    tags = getattr(page, "tags", None)
    if tags is None:  # A frame, of which no more was read than where its data are.
        tags = page.aspage().tags
    value = tags.valueof(_ORIENTATION, 1)
    return int(value) if value in range(1, 9) else 1


def _invert(path: Path, array: NDArray[Any], page: Any) -> NDArray[Any]:  # noqa: ANN401
    if array.dtype == np.bool_:
        if page.software == _TIFFFILE:
            # It marks every bool array so, though its authors mean True by 1.
            raise InputError(
                path, "PhotometricInterpretation", "is white-is-zero, maybe unasked, by tifffile",
                want="the file saved as uint8 or with photometric='minisblack'",
            )  # fmt: skip
        return ~array
    if array.dtype.kind != "u":
        raise InputError(
            path, "PhotometricInterpretation", "is white-is-zero in signed or floating numbers",
            got=array.dtype, want="0 is black",
        )  # fmt: skip
    inverted: NDArray[Any] = array.dtype.type((1 << page.bitspersample) - 1) - array
    return inverted


def _split_alpha(
    array: NDArray[Any],
    axes: str,
    page: Any,  # noqa: ANN401
) -> tuple[NDArray[Any], str, NDArray[Any] | None]:
    """Return colours, their axes, and alpha where the file declares it."""
    if "S" not in axes:
        return array, axes, None
    unasked = page.software == _TIFFFILE and page.photometric == _RGB
    if unasked and page.planarconfig == _PLANAR:
        # It stores three or four slices so, too.
        return array, axes.replace("S", "?"), None
    axis = axes.index("S")
    alpha = np.take(array, -1, axis)
    full = alpha.dtype.kind == "u" and (alpha == np.iinfo(alpha.dtype).max).all()
    extras = tuple(map(int, page.extrasamples))
    # It also calls the fourth channel alpha unless told otherwise; a full one is nothing else.
    declared = extras in _ALPHA and not (unasked and extras == _UNASSOCIATED)
    if not (declared or (array.shape[axis] == 4 and full)):
        return array, axes, None
    colours = np.take(array, range(array.shape[axis] - 1), axis)
    if colours.shape[axis] == 1:
        return colours.squeeze(axis), axes.replace("S", ""), alpha
    return colours, axes, alpha


def _find_palette(path: Path, pages: list[Any]) -> NDArray[np.uint8] | None:
    if pages[0].keyframe.photometric != _PALETTE:
        return None
    palettes = [np.asarray(page.colormap).T for page in pages if hasattr(page, "colormap")]
    colours = palettes[0]
    if any(not np.array_equal(colours, other) for other in palettes):
        raise InputError(path, "ColorMap", "differs from page to page")
    # Two bytes a value, of which some writers fill only the lower one.
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)
