"""Intensities: any number type → 8 bit, by the rule of the import file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels

_LARGE = 1e37
"""Near the end of single precision."""

_WINDOW = re.compile(r"window (-?\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How intensities become 8 bit."""

    rule: Literal["minmax", "percentile", "window"]
    centre: float = 0.0
    width: float = 0.0
    """Of the window, in the unit of the voxels (Hounsfield units in CT)."""

    def __str__(self) -> str:
        window = f" {self.centre:g}/{self.width:g}" if self.rule == "window" else ""
        return self.rule + window


def parse_normalisation(text: str) -> Normalisation:
    """Return the rule that `text` names.

    Example:
        >>> str(parse_normalisation("window 40/400"))
        'window 40/400'
    """
    if text in ("minmax", "percentile"):
        return Normalisation("minmax" if text == "minmax" else "percentile")
    if (window := _WINDOW.fullmatch(text)) and float(window[2]) > 0:
        return Normalisation("window", float(window[1]), float(window[2]))
    raise InputError(
        "normalisation",
        "",
        "is unknown",
        got=repr(text),
        want="minmax, percentile or window CENTRE/WIDTH",
    )


def normalise(voxels: NDArray[Any], how: Normalisation, *, where: str) -> Pixels:
    """Return voxels or pixels in 8 bit, rounded half up; a constant becomes 0.

    NaN, which many files hold where nothing was measured, counts as the smallest value.

    `minmax` spans all values of the volume or image; `percentile` spans the 0.5th to 99.5th
    percentile of those above the smallest, or all where both are the same; `window` is fixed.

    Raises:
        InputError: If a value is infinite or no real number, or there is none.

    Example:
        >>> normalise(np.array([[0, 1], [2, 4]]), Normalisation("minmax"), where="a").tolist()
        [[0, 64], [128, 255]]
    """
    if not voxels.size:
        raise InputError(where, "voxels", "there are none", got=voxels.shape)
    voxels = _make_finite(voxels, where)
    low, high = _find_range(voxels, how)
    scaled = np.empty(voxels.shape, np.uint8)
    if high <= low:
        scaled[...] = 0
        return scaled
    # One slice at a time: eight bytes a voxel for a whole volume would be too much.
    for slice_in, slice_out in zip(np.atleast_3d(voxels), np.atleast_3d(scaled), strict=True):
        unit = (slice_in.astype(np.float64) - low) / (high - low)
        slice_out[...] = np.floor(np.clip(unit, 0, 1) * 255 + 0.5)
    return scaled


def _make_finite(voxels: NDArray[Any], where: str) -> NDArray[Any]:
    if voxels.dtype == np.bool_:
        return voxels.view(np.uint8)
    if voxels.dtype.kind not in "iuf":
        raise InputError(where, "voxels", "are no real numbers", got=voxels.dtype)
    if voxels.dtype.kind != "f":
        return voxels
    unknown = np.isnan(voxels)
    if unknown.all():
        raise InputError(where, "voxels", "are not all finite numbers", got="only NaN")
    if unknown.any():
        voxels = np.where(unknown, np.nanmin(voxels), voxels)
    # The difference, since it is what is divided by.
    if not np.isfinite(float(voxels.max()) - float(voxels.min())):
        raise InputError(
            where, "voxels", "are not all finite numbers", got=f"{voxels.min()} to {voxels.max()}",
            want="numbers, or NaN where nothing was measured",
        )  # fmt: skip
    return voxels


def _find_range(voxels: NDArray[Any], how: Normalisation) -> tuple[float, float]:
    if how.rule == "window":
        return how.centre - how.width / 2, how.centre + how.width / 2
    smallest = voxels.min()
    if how.rule == "minmax":
        return float(smallest), float(voxels.max())
    above = voxels[voxels > smallest]
    if not above.size:
        return float(smallest), float(smallest)
    if voxels.dtype == np.float16 or float(above.max()) > _LARGE:
        # Differences of such values are not exact in their own type.
        above = above.astype(np.float64)
    low, high = np.percentile(above, [0.5, 99.5])
    return (float(low), float(high)) if low < high else (float(smallest), float(above.max()))
