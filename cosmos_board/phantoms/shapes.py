"""Shapes of organs, lesions, vessels and cells as masks.

Every function takes the side of a square canvas in pixels, a centre (x, y) and a radius in pixels,
and returns a mask, bool, axes (Y, X). Parts beyond the canvas are cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Floats
from cosmos_board.core.masks import Mask
from cosmos_board.phantoms.textures import noise_field

Polygon = Floats
"""A closed curve around the origin: float64, shape (n, 2), columns x and y."""

_SUBPIXEL_BITS = 4


def radial_outline(rng: np.random.Generator, harmonics: int, roughness: float) -> Polygon:
    """Return a star-shaped curve of mean radius 1.

    The radius is 1 + Σ a_j cos(j t + phase_j), j = 2 … harmonics + 1, with a_j ~ roughness / j:
    roughness 0 draws a circle, 0.5 a ragged lesion.
    """
    angle = np.linspace(0, 2 * pi, max(64, 12 * harmonics), endpoint=False)
    order = np.arange(2, 2 + harmonics)[:, None]
    amplitude = roughness / order * rng.normal(size=(harmonics, 1))
    phase = rng.uniform(0, 2 * pi, (harmonics, 1))
    radius = 1 + (amplitude * np.cos(order * angle + phase)).sum(0)
    radius = np.clip(radius, 0.25, 2.5)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def superellipse_outline(power: float) -> Polygon:
    """Return |x|^power + |y|^power = 1: a circle at 2, a rounded square above."""
    angle = np.linspace(0, 2 * pi, 96, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    shape = 2 / power
    return np.stack([np.sign(cos) * np.abs(cos) ** shape, np.sign(sin) * np.abs(sin) ** shape], 1)


def fill(
    outline: Polygon,
    side: int,
    centre: tuple[float, float],
    radii: tuple[float, float],
    turn: float,
) -> Mask:
    """Return the inside of `outline`, scaled by `radii`, turned by `turn` radians and moved."""
    scaled = outline * np.asarray(radii)
    cos, sin = np.cos(turn), np.sin(turn)
    placed = scaled @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(centre)
    return fill_polygon(placed, side)


def fill_polygon(points: Polygon, side: int) -> Mask:
    """Return the inside of the closed polygon `points` (x, y in pixels)."""
    canvas = np.zeros((side, side), np.uint8)
    scaled = np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(canvas, [scaled], 1, shift=_SUBPIXEL_BITS)
    return canvas.view(np.bool_)


def blob(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return an organ: a smooth or ragged ellipse-like region."""
    outline = radial_outline(rng, int(rng.integers(0, 9)), rng.uniform(0, 0.55))
    squeeze = sqrt(rng.uniform(0.3, 1))
    return fill(outline, side, centre, (radius / squeeze, radius * squeeze), rng.uniform(0, pi))


def ellipse(
    rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float
) -> Mask:
    """Return a nearly perfect ellipse: a nucleus, a vessel cut across."""
    outline = radial_outline(rng, 3, rng.uniform(0, 0.12))
    squeeze = sqrt(rng.uniform(0.5, 1))
    return fill(outline, side, centre, (radius / squeeze, radius * squeeze), rng.uniform(0, pi))


def block(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return a rounded box: a vertebra."""
    squeeze = sqrt(rng.uniform(0.4, 1))
    radii = (radius / squeeze, radius * squeeze)
    return fill(superellipse_outline(rng.uniform(2.5, 8)), side, centre, radii, rng.uniform(0, pi))


def ring(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return a wall around a cavity: a myocardium."""
    outline = radial_outline(rng, int(rng.integers(0, 5)), rng.uniform(0, 0.2))
    squeeze, turn = sqrt(rng.uniform(0.6, 1)), rng.uniform(0, pi)
    radii = (radius / squeeze, radius * squeeze)
    inner = rng.uniform(0.45, 0.85)
    cavity = fill(outline, side, centre, (radii[0] * inner, radii[1] * inner), turn)
    return np.logical_and(fill(outline, side, centre, radii, turn), ~cavity)


def crescent(
    rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float
) -> Mask:
    """Return an ellipse minus another: a right ventricle, a subdural haematoma."""
    turn = rng.uniform(0, 2 * pi)
    shift = radius * rng.uniform(0.4, 0.9)
    bitten = (centre[0] + shift * np.cos(turn), centre[1] + shift * np.sin(turn))
    bite = ellipse(rng, side, bitten, radius * rng.uniform(0.7, 1.0))
    return np.logical_and(ellipse(rng, side, centre, radius), ~bite)


def pair(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return two mirrored organs: lungs, kidneys, ventricles."""
    outline = radial_outline(rng, int(rng.integers(0, 6)), rng.uniform(0, 0.35))
    turn, gap = rng.uniform(-0.4, 0.4), rng.uniform(0.6, 1.2)
    radii = (radius * rng.uniform(0.3, 0.55), radius * rng.uniform(0.5, 1.0))
    left = fill(outline, side, (centre[0] - gap * radius, centre[1]), radii, turn)
    mirrored = outline * np.array([-1, 1]) * rng.uniform(0.85, 1.1)
    right = fill(mirrored, side, (centre[0] + gap * radius, centre[1]), radii, -turn)
    return np.logical_or(left, right)


def tube(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return a bent tube of even width: a loop of bowel, an aorta, a catheter."""
    canvas = np.zeros((side, side), np.uint8)
    path = _walk(rng, centre, radius, bend=rng.uniform(0.1, 0.7))
    width = max(2, round(radius * rng.uniform(0.08, 0.6)))
    _stroke(canvas, path, width)
    return canvas.view(np.bool_)


def tree(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return a branching vessel that thins out."""
    canvas = np.zeros((side, side), np.uint8)
    width = max(1.0, radius * rng.uniform(0.04, 0.14))
    trunk = _walk(rng, centre, radius, bend=0.3)
    _stroke(canvas, trunk, round(width) + 1)
    for _ in range(int(rng.integers(2, 8))):
        start = trunk[int(rng.integers(len(trunk)))]
        branch = _walk(rng, (start[0], start[1]), radius * rng.uniform(0.3, 0.7), bend=0.4)
        _stroke(canvas, branch[len(branch) // 2 :] - branch[len(branch) // 2] + start, round(width))
    return canvas.view(np.bool_)


def islands(
    rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float
) -> Mask:
    """Return ragged islands: an infiltrate, a folded cortex. A level set of smooth noise."""
    yy, xx = np.ogrid[:side, :side]
    distance = np.hypot(xx - centre[0], yy - centre[1]) / radius
    field = noise_field(rng, side, smooth_px=max(1.5, radius * rng.uniform(0.08, 0.4)))
    return np.asarray(field > rng.uniform(1.2, 2.5) * (distance - rng.uniform(0.6, 0.9)), np.bool_)


def bar(rng: np.random.Generator, side: int, centre: tuple[float, float], radius: float) -> Mask:
    """Return a tapered rod that starts outside the image: an instrument, a needle."""
    turn, width = rng.uniform(0, 2 * pi), radius * rng.uniform(0.15, 0.5)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]]) * width
    tip, tail = np.asarray(centre) + along * radius, np.asarray(centre) - along * radius * 4
    taper = rng.uniform(0.3, 1)
    return fill_polygon(
        np.stack([tip + across * taper, tip - across * taper, tail - across, tail + across]), side
    )


SHAPES: dict[str, Callable[[np.random.Generator, int, tuple[float, float], float], Mask]] = {
    "blob": blob,
    "ellipse": ellipse,
    "block": block,
    "ring": ring,
    "crescent": crescent,
    "pair": pair,
    "tube": tube,
    "tree": tree,
    "islands": islands,
    "bar": bar,
}
"""Every kind of outline by name."""


def _walk(
    rng: np.random.Generator, centre: tuple[float, float], radius: float, *, bend: float
) -> Polygon:
    steps = 24
    heading = rng.uniform(0, 2 * pi) + np.cumsum(rng.normal(0, bend, steps)) * 0.6
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * (2 * radius / steps)
    return np.asarray(path - path[steps // 2] + np.asarray(centre))


def _stroke(canvas: NDArray[np.uint8], path: Polygon, width: int) -> None:
    scaled = np.round(path * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(canvas, [scaled], False, 1, thickness=max(1, width), shift=_SUBPIXEL_BITS)
