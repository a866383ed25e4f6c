"""Raw masks → layers: codes, colours and grey levels get their meaning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.reading.files import Raster, look_up
from cosmos_board.data.imports.reading.label_values import find_areas, find_colours
from cosmos_board.data.imports.spec.models import MaskSpec
from cosmos_board.data.imports.spec.rules import Objects, find_code, is_skipped, parse_codes
from cosmos_board.data.imports.spec.rules import parse_colour as parse_rgb

_WHOLE = 1e-3
"""How far a code may be from a whole number: files in floating point hold 0.9999999 for 1."""

_ZERO = "0 instead of NaN where nothing is drawn"

_MANY = 32
"""Unknown codes that are more than this are hardly those of a mask."""


def find_codes(
    spec: MaskSpec, raster: Raster, where: str
) -> tuple[NDArray[Any], dict[int, Objects]]:
    """Return the codes of a label picture or volume, and what those that occur mean.

    Args:
        spec: With `labels` or `colours`.
        raster: As the file holds it.
        where: For messages.

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


def find_foreground(spec: MaskSpec, raster: Raster, where: str) -> NDArray[np.bool_]:
    """Return the voxels above the threshold; without one, above half of the range.

    Args:
        spec: With `object` or `names`.
        raster: As the file holds it.
        where: For messages.

    Raises:
        InputError: If a lossy mask has no threshold, or there are codes instead of grey levels.
    """
    values = _take_brightness(raster, where, spec.threshold)
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(where, "mask", "holds values that are no numbers", want=_ZERO)
    if spec.threshold is not None:
        return values > spec.threshold
    if raster.lossy:
        raise InputError(where, "threshold", "is needed for a mask in a lossy format")
    low, high = min(float(values.min()), 0.0), float(values.max())
    if len(codes := find_areas(values, low, high)) > 1:
        raise InputError(
            where, "object", "stands for several codes",
            got=", ".join(f"{code:g}" for code in codes[:6]), want="labels or threshold",
        )  # fmt: skip
    if high > values.min() > (low + high) / 2:
        raise InputError(
            where, "object", "has no background: all values are in the upper half of their range",
            got=f"{values.min()} … {values.max()}", want="threshold",
        )  # fmt: skip
    return values > (low + high) / 2


def _take_grey(raster: Raster, where: str) -> NDArray[Any]:
    array = raster.array
    if not raster.colour:
        # Indices of a palette are codes, whatever their colours.
        if raster.palette is None:
            _check_alpha(raster, array, where)
        return array
    _check_alpha(raster, array, where)
    if not (array == array[..., :1]).all():
        raise InputError(where, "labels", "are in colour", want="colours")
    return array[..., 0]


def _take_brightness(raster: Raster, where: str, threshold: float | None) -> NDArray[Any]:
    """Return the brightest of each pixel's colours: any colour is foreground, white and a pen's."""
    if raster.palette is not None:
        return _look_up_brightness(raster, raster.palette, where, threshold)
    _check_alpha(raster, raster.array, where)
    if not raster.colour:
        return raster.array
    if threshold is None and not raster.lossy and raster.array.dtype.kind == "u":
        colours = find_colours(raster.array)
        if len(colours) > 1:
            raise InputError(
                where, "object", "stands for several colours", got=colours[:4],
                want="colours or threshold",
            )  # fmt: skip
    brightness: NDArray[Any] = raster.array.max(axis=-1)
    return brightness


def _look_up_brightness(
    raster: Raster, palette: NDArray[np.uint8], where: str, threshold: float | None
) -> NDArray[Any]:
    """Return grey levels of a grey palette, or the brighter of two colours as viewers show them."""
    _check_alpha(raster, look_up(where, raster.array, palette), where)
    used, positions = np.unique(raster.array, return_inverse=True)
    colours = palette[used]
    if len(used) > 2:
        if not (colours == colours[:, :1]).all():
            raise InputError(
                where, "object", "stands for several colours of a palette", got=used[:6].tolist(),
                want="labels (indices) or colours",
            )  # fmt: skip
        grey: NDArray[np.uint8] = palette[raster.array][..., 0]
        return grey
    levels = colours.max(axis=1)
    half = float(levels.max()) / 2 if len(used) == 2 else 127
    drawn = levels > (half if threshold is None else threshold)
    if len(used) == 2 and drawn.all():
        raise InputError(
            where, "object", "stands for several colours of a palette", got=used.tolist(),
            want="labels (indices) or colours",
        )  # fmt: skip
    foreground: NDArray[np.bool_] = drawn[positions.reshape(raster.array.shape)]
    return foreground


def _check_alpha(raster: Raster, values: NDArray[Any], where: str) -> None:
    """Refuse a mask that its colours and its alpha channel may show differently.

    Args:
        raster: With `opaque`.
        values: Its grey levels or colours, palettes looked up.
        where: For the message.
    """
    if raster.opaque is None or raster.opaque.all():
        return
    if values[~raster.opaque].any() or not values.any():
        alpha = 3 if values.ndim > raster.opaque.ndim else 1
        raise InputError(
            where, "alpha", "may hold the mask as well as the colours",
            want=f"channels = [{alpha}] for alpha, "
            f"channels = {'[0, 1, 2]' if alpha == 3 else '[0]'} for colours",
        )  # fmt: skip


def _show_codes(codes: list[int]) -> str:
    shown = ", ".join(map(str, codes[:6])) + (f" and {len(codes) - 6} more" * (len(codes) > 6))
    return shown + (": is this the image?" if len(codes) > _MANY else "")


def _round_codes(values: NDArray[Any], where: str) -> NDArray[Any]:
    if values.dtype.kind in "iub":
        return values.astype(np.uint8) if values.dtype == np.bool_ else values
    if not np.isfinite(values).all():
        raise InputError(where, "labels", "hold values that are no numbers", want=_ZERO)
    whole = np.rint(values)
    if np.abs(values - whole).max(initial=0) > _WHOLE:
        off = float(values[np.abs(values - whole) > _WHOLE][0])
        raise InputError(where, "labels", "are no whole numbers", got=off, want="object, threshold")
    if np.abs(whole).max(initial=0) > np.iinfo(np.int32).max:
        raise InputError(where, "labels", "are too large for codes")
    codes: NDArray[np.int32] = whole.astype(np.int32)
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
    found, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    values = np.stack([found >> 16, found >> 8 & 255, found & 255], 1).astype(np.int32)
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
    _check_alpha(raster, array, where)
    grey = array.ndim == raster.array.ndim and not raster.colour
    return np.repeat(array[..., np.newaxis], 3, axis=-1) if grey else array
