"""Complexity of a contour: the elliptic Fourier order whose filled curve reaches a Dice limit.

After Kuhl & Giardina, Elliptic Fourier features of a closed contour, CGIP 18 (1982). A closed
polygon is a periodic function of arc length; its harmonics up to order n are summed, the sum is
sampled at as many points as the contour has pixels (evenly in arc length), rounded half up, and
filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Floats, Int32s
from cosmos_board.core.masks import Mask

DICE_RECOVERED = 0.97
"""A contour counts as recovered above this Dice."""

GAIN_STOP = 0.001
"""The study's search stops at the first order that gains less."""

ORDER_LIMIT = 100


@dataclass(frozen=True, slots=True)
class ContourComplexity:
    """The number of harmonics that a contour needs, by two definitions."""

    boundary_complexity: float
    """The study's: order at its stop + 200 (1 − Dice)."""

    efd_order: int
    """First order above Dice 0.97; 101 when none up to 100 is."""


def measure_complexity(component: Mask) -> ContourComplexity:
    """Return the number of harmonics that the outer contour of a component needs.

    Args:
        component: bool, axes (Y, X), with one 8-connected component; holes are ignored.
    """
    stopped: float | None = None
    recovered: int | None = None
    before = 0.0
    for order, dice in zip(count(1), _iterate_dice(trace_contour(component)), strict=False):
        if stopped is None and (dice > DICE_RECOVERED or dice - before < GAIN_STOP):
            stopped = order + 200 * (1 - dice)
        if recovered is None and (dice > DICE_RECOVERED or order > ORDER_LIMIT):
            recovered = order
        if stopped is not None and recovered is not None:
            return ContourComplexity(stopped, recovered)
        before = dice
    raise AssertionError("the search ends by itself: gains below 0.001 must come")


def trace_contour(component: Mask) -> Int32s:
    """Return the outer contour of one 8-connected component, (x, y), int32, shape (n, 2)."""
    contours, _ = cv2.findContours(
        np.ascontiguousarray(component).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    return np.asarray(contours[0], np.int32).reshape(-1, 2)


def iterate_curves(contour_xy: Int32s) -> Iterator[Floats]:
    """Yield the sum of the harmonics up to order 1, 2, 3 …, each (x, y), float64, shape (n, 2).

    One harmonic is computed at a time, since most contours need few.
    """
    corner = contour_xy.astype(np.float64)
    step = np.roll(corner, -1, axis=0) - corner
    length = np.hypot(step[:, 0], step[:, 1])
    total = length.sum()
    if not total:  # a single pixel
        while True:
            yield corner
    middle = ((corner + step / 2) * length[:, None]).sum(axis=0) / total
    along = np.concatenate([[0.0], np.cumsum(length)]) / total
    turn = np.exp(2j * np.pi * along)
    sample_turn = np.exp(2j * np.pi * np.arange(len(corner)) / len(corner))
    direction = step / length[:, None]
    power, sample_power = np.ones_like(turn), np.ones_like(sample_turn)
    curve = np.tile(middle, (len(corner), 1))
    for order in count(1):
        power *= turn
        sample_power *= sample_turn
        # Real part: the cosine coefficients (a, c) of x and y; imaginary part: the sines (b, d).
        coefficient = np.diff(power) @ direction * (total / (2 * np.pi**2 * order**2))
        curve += sample_power.real[:, None] * coefficient.real
        curve += sample_power.imag[:, None] * coefficient.imag
        yield curve


def _iterate_dice(contour_xy: Int32s) -> Iterator[float]:
    """Yield the Dice of the refilled curve with the filled contour, order by order."""
    filled, corner = _fill(contour_xy)
    filled_px = cv2.countNonZero(filled)
    for curve in iterate_curves(contour_xy):
        drawn, origin = _fill(_round_half_up(curve))
        low = np.maximum(corner, origin)
        high = np.minimum(corner + filled.shape[::-1], origin + drawn.shape[::-1])
        shared = 0
        if (low < high).all():
            shared = cv2.countNonZero(
                cv2.bitwise_and(
                    _window(filled, low - corner, high - corner),
                    _window(drawn, low - origin, high - origin),
                )
            )
        yield 2 * shared / (filled_px + cv2.countNonZero(drawn))


def _round_half_up(curve: Floats) -> Int32s:
    # Symmetric shapes have points exactly on halves, up to the last bits, which differ between
    # machines. Rounding to a grid of 2^-20 px first makes them halves again.
    grid: NDArray[np.int64] = np.rint(curve * (1 << 20)).astype(np.int64) + (1 << 19)
    return (grid >> 20).astype(np.int32)


def _fill(polygon_xy: Int32s) -> tuple[NDArray[np.uint8], Int32s]:
    """Return the filled polygon on a canvas of its own box, and the box's corner (x, y)."""
    corner = polygon_xy.min(axis=0)
    width, height = polygon_xy.max(axis=0) - corner + 1
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [polygon_xy - corner], 1)
    return canvas, corner


def _window(canvas: NDArray[np.uint8], low: Int32s, high: Int32s) -> NDArray[np.uint8]:
    return canvas[low[1] : high[1], low[0] : high[0]]
