"""Label pictures and volumes: codes and colours → the objects that they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.reading.foreground import ZERO_WANTED, check_alpha
from cosmos_board.data.imports.spec.models import MaskSpec
from cosmos_board.data.imports.spec.rules import Objects, find_code, is_skipped, parse_codes
from cosmos_board.data.imports.spec.rules import parse_colour as parse_rgb
from cosmos_board.data.readers.raster import Raster, look_up

_WHOLE = 1e-3
"""How far a code may be from a whole number: files in floating point hold 0.9999999 for 1."""

_MANY = 32
"""Unknown codes that are more than this are hardly those of a mask."""


def find_codes(
    spec: MaskSpec, raster: Raster, where: str
) -> tuple[NDArray[Any], dict[int, Objects]]:
    """Return the codes of a label picture or volume, and the objects of those that occur.

    Raises:
        InputError: If a code has no meaning and is not skipped, or values are no codes.
    """
    if spec.colours:
        return _match_colours(spec, raster, where)
    if raster.lossy:
        raise InputError(where, "labels", "cannot be trusted in a lossy format", want="threshold")
    codes = _round_codes(_take_grey(raster, where), where)
    meanings: dict[int, Objects] = {}
    grounds = parse_codes(spec.background)
    unknown = []
    for code in _list_codes(codes):
        if any(low <= code <= high for low, high in grounds):
            continue
        if (objects := find_code(code, spec.labels)) is not None:
            meanings[code] = objects
        elif not is_skipped(str(code), spec.skip):
            unknown.append(code)
    if unknown:
        raise InputError(where, "labels", "a code means nothing: add it or skip it",
                         got=_show_codes(unknown))  # fmt: skip
    return codes, meanings


def name_code(spec: MaskSpec, code: int) -> str:
    """Return what an import file calls a code that `find_codes` returned: a code or a colour."""
    return ",".join(map(str, spec.colours[code - 1].rgb)) if spec.colours else str(code)


def _take_grey(raster: Raster, where: str) -> NDArray[Any]:
    array = raster.array
    if not raster.in_colour:
        # Indices of a palette are codes, whatever their colours.
        if raster.palette is None:
            check_alpha(raster, array, where)
        return array
    check_alpha(raster, array, where)
    if not (array == array[..., :1]).all():
        raise InputError(where, "labels", "are in colour", want="colours")
    return array[..., 0]


def _show_codes(codes: list[int]) -> str:
    shown = ", ".join(map(str, codes[:6])) + (f" and {len(codes) - 6} more" * (len(codes) > 6))
    return shown + (": is this the image?" if len(codes) > _MANY else "")


def _round_codes(values: NDArray[Any], where: str) -> NDArray[Any]:
    if values.dtype.kind in "iub":
        return values.astype(np.uint8) if values.dtype == np.bool_ else values
    if not np.isfinite(values).all():
        raise InputError(where, "labels", "hold values that are no numbers", want=ZERO_WANTED)
    rounded = np.rint(values)
    if np.abs(values - rounded).max(initial=0) > _WHOLE:
        off = float(values[np.abs(values - rounded) > _WHOLE][0])
        raise InputError(where, "labels", "are no whole numbers", got=off, want="object, threshold")
    if np.abs(rounded).max(initial=0) > np.iinfo(np.int32).max:
        raise InputError(where, "labels", "are too large for codes")
    codes: NDArray[np.int32] = rounded.astype(np.int32)
    return codes


def _list_codes(codes: NDArray[Any]) -> Iterable[int]:
    if codes.dtype == np.uint8:
        return (int(code) for code in np.flatnonzero(np.bincount(codes.ravel(), minlength=256)))
    return (int(code) for code in np.unique(codes))


def _match_colours(
    spec: MaskSpec, raster: Raster, where: str
) -> tuple[NDArray[np.uint8], dict[int, Objects]]:
    if len(spec.colours) > 255:
        raise InputError(where, "colours", "are too many", got=len(spec.colours), want=255)
    rgb = _take_colours(raster, where)
    packed = rgb[..., 0].astype(np.uint32) << 16 | rgb[..., 1].astype(np.uint32) << 8 | rgb[..., 2]
    distinct, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    values = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], 1).astype(np.int32)
    nearest = spec.colour_tolerance == "nearest"
    find = _find_nearest if nearest else _find_within
    codes = find(spec, values, counts, where)[places].reshape(packed.shape)
    meanings = {
        position: rule.objects for position, rule in enumerate(spec.colours, 1) if rule.objects
    }
    return codes, meanings


def _find_nearest(
    spec: MaskSpec, values: NDArray[np.int32], counts: NDArray[np.intp], where: str
) -> NDArray[np.uint8]:
    """Return for each colour (N, 3) the position of the rule nearest to it, 0 for background."""
    palette = np.array([_get_ground(spec), *(rule.rgb for rule in spec.colours)], np.int32)
    distances = ((values[:, np.newaxis] - palette) ** 2).sum(axis=2)
    codes: NDArray[np.uint8] = distances.argmin(axis=1).astype(np.uint8)
    return codes


def _find_within(
    spec: MaskSpec, values: NDArray[np.int32], counts: NDArray[np.intp], where: str
) -> NDArray[np.uint8]:
    """Return for each colour (N, 3) the position of its rule, 0 for what is not drawn.

    Raises:
        InputError: If a colour is that of no rule, or within the tolerance of two.
    """
    skipped = [rgb for text in spec.skip if (rgb := parse_rgb(text))]
    palette = np.array([_get_ground(spec), *(rule.rgb for rule in spec.colours), *skipped])
    distances = np.abs(values[:, np.newaxis] - palette).max(axis=2)
    within = distances <= int(spec.colour_tolerance)
    codes: NDArray[np.intp] = within.argmax(axis=1)
    codes[codes > len(spec.colours)] = 0
    several = within.sum(axis=1) > 1
    if several.any():
        raise InputError(
            where, "colour_tolerance", "is too large: a colour is near two of those listed",
            got=_show_colour(values[several][0]),
        )  # fmt: skip
    unknown = ~within.any(axis=1)
    if unknown.any() and "*" not in spec.skip:
        most = int(np.argmax(np.where(unknown, counts, 0)))
        others = int(unknown.sum()) - 1
        more = f" and {others} other colours" if others else ""
        raise InputError(
            where, "colours", "a colour means nothing: add it, skip it or set colour_tolerance",
            got=f"{_show_colour(values[most])} in {counts[most]} pixels{more}",
        )  # fmt: skip
    return codes.astype(np.uint8)


def _get_ground(spec: MaskSpec) -> tuple[int, int, int]:
    return parse_rgb(spec.background) or (0, 0, 0)


def _show_colour(rgb: NDArray[np.int32]) -> str:
    return ",".join(str(int(part)) for part in rgb)


def _take_colours(raster: Raster, where: str) -> NDArray[np.uint8]:
    array = raster.array
    if raster.palette is not None:
        array = look_up(where, array, raster.palette)
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.dtype != np.uint8:
        raise InputError(where, "colours", "are not 8 bit", got=array.dtype)
    check_alpha(raster, array, where)
    grey = array.ndim == raster.array.ndim and not raster.in_colour
    return np.repeat(array[..., np.newaxis], 3, axis=-1) if grey else array
