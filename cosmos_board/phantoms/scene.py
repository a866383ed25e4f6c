"""Scenes: procedural images with the statistics of medical ones, and their references.

A scene is painted back to front: field of view and body, then organs, lesions, vessels and cells,
each with its own grey level, texture and edge blur, then the effects of a scanner. The visible
part of an object is its reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.phantoms.shapes import SHAPES, blob, ellipse, fill_polygon
from cosmos_board.phantoms.textures import (
    bias_field,
    curve,
    noise_field,
    scan,
    texture_field,
    to_pixels,
)

MIN_REFERENCE_PX = 50
"""A reference must have more pixels than this, as in curated data."""

_ORGANS = ("blob", "blob", "blob", "ellipse", "block", "ring", "crescent", "pair", "tube")
_LESIONS = ("blob", "blob", "ellipse", "islands")
_THIN = ("tree", "tube", "bar")


@dataclass(slots=True)
class _Scene:
    """An image while it is painted, and its objects so far."""

    rng: np.random.Generator
    side: int
    channels: int
    grey: NDArray[np.float32]
    objects: list[tuple[str, Mask]] = field(default_factory=list)

    def paint(self, mask: Mask, *, contrast: float, soft_px: float, rough: float) -> None:
        """Paint `mask` so that it differs from what it covers by `contrast` grey levels."""
        if not mask.any():
            return
        rng, (rows, columns) = self.rng, _window(mask, round(3 * soft_px) + 1)
        under = self.grey[rows, columns]
        inside = mask[rows, columns]
        level = under[inside].mean(0) + contrast * self._tint()
        wrong_way = (level < 5) | (level > 250)
        level = np.where(wrong_way, under[inside].mean(0) - contrast, level)
        texture = texture_field(rng, self.side)[rows, columns, None]
        slope = noise_field(rng, self.side, self.side / 2)[rows, columns, None]
        paint = level + rough * texture + 0.4 * rough * slope
        if rng.random() < 0.3:  # the tissue below shows through
            paint = paint + (under - under[inside].mean(0)) * rng.uniform(0.3, 1)
        alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), soft_px)[..., None]
        self.grey[rows, columns] = under + alpha * (paint - under)

    def add(self, name: str, mask: Mask) -> None:
        """Record `mask` as an object that hides what lies below it."""
        self.objects = [(other, below & ~mask) for other, below in self.objects]
        self.objects.append((name, mask))

    def _tint(self) -> NDArray[np.float64] | float:
        if self.channels == 1:
            return 1.0
        return np.asarray(self.rng.uniform(0.2, 1.6, 3) * self.rng.choice([1, 1, 1, -1], 3))


def make_phantom(
    seed: int,
    size: int = 256,
    *,
    colour: bool | None = None,
    backdrop: Pixels | None = None,
) -> tuple[Pixels, list[tuple[str, Mask]]]:
    """Return a scene and its references, the same for the same arguments on every machine.

    Args:
        seed: Any non-negative integer.
        size: Side of the square image in pixels, at least 32.
        colour: RGB or grey; drawn by chance where None.
        backdrop: An image to paint on, uint8, axes (size, size) or (size, size, 3); a drawn one
            where None.

    Returns:
        The image, uint8, axes (Y, X) or (Y, X, 3), and (object, mask) pairs. Masks are bool, axes
        (Y, X), of more than 50 pixels; those of nested objects overlap where one object is a part
        of another. May be empty for an unlucky seed of a small size.

    Example:
        >>> pixels, references = make_phantom(7, 128)
        >>> pixels.shape[:2], all(mask.sum() > 50 for _, mask in references)
        ((128, 128), True)
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    is_colour = bool(rng.random() < 0.35) if colour is None else colour
    scene = _start_scene(rng, size, 3 if is_colour else 1, backdrop)
    kind = rng.random()
    if kind < 0.18:
        _crowd(scene)
    elif kind < 0.25:
        _column(scene)
    else:
        _organs(scene)
    grey = scene.grey * bias_field(rng, size, rng.uniform(0, 0.35))[..., None]
    pixels = to_pixels(scan(rng, curve(rng, grey)), colour=is_colour)
    return pixels, [item for item in scene.objects if item[1].sum() > MIN_REFERENCE_PX]


def _start_scene(
    rng: np.random.Generator, side: int, channels: int, backdrop: Pixels | None
) -> _Scene:
    if backdrop is not None:
        planes = backdrop if backdrop.ndim == 3 else backdrop[..., None]
        mixed = planes if channels == 3 else planes.mean(2, keepdims=True)
        canvas = np.broadcast_to(mixed, (side, side, channels)).astype(np.float32)
        return _Scene(rng, side, channels, canvas)
    level = rng.uniform(0, 30) if rng.random() < 0.5 else rng.uniform(20, 235)
    base = np.full((side, side, channels), level, np.float32)
    if channels == 3:
        base += rng.uniform(-40, 40, 3).astype(np.float32)
    if rng.random() < 0.7:
        base += (rng.uniform(0, 15) * texture_field(rng, side))[..., None]
    scene = _Scene(rng, side, channels, np.clip(base, 0, 255))
    background = rng.random()
    middle = (side * rng.uniform(0.4, 0.6), side * rng.uniform(0.4, 0.6))
    if background < 0.4:
        body = blob(rng, side, middle, side * rng.uniform(0.3, 0.55))
        scene.paint(body, contrast=_signed(rng, 30, 140), soft_px=1.0, rough=rng.uniform(1, 10))
        if rng.random() < 0.6:
            scene.objects.append(("body", body))
        if rng.random() < 0.5:  # fat, skull or skin around the inside
            kernel = np.ones((3, 3), np.uint8)
            depth = int(rng.integers(3, max(4, side // 16)))
            inner = cv2.erode(body.view(np.uint8), kernel, iterations=depth).view(np.bool_)
            scene.paint(
                inner, contrast=_signed(rng, 15, 100), soft_px=0.8, rough=rng.uniform(1, 10)
            )
    elif background < 0.55:
        disc = ellipse(rng, side, (side / 2, side / 2), side * rng.uniform(0.42, 0.6))
        scene.paint(disc, contrast=_signed(rng, 40, 160), soft_px=0.8, rough=rng.uniform(1, 12))
    elif background < 0.65:
        scene.paint(_fan(rng, side), contrast=_signed(rng, 30, 110), soft_px=0.8, rough=15)
    return scene


def _fan(rng: np.random.Generator, side: int) -> Mask:
    top, half = side * rng.uniform(-0.1, 0.1), rng.uniform(0.5, 0.9)
    angle = np.pi / 2 + np.linspace(-half, half, 24)
    arc = np.stack([np.cos(angle), np.sin(angle)], 1) * side * rng.uniform(0.85, 1.05)
    return fill_polygon(np.vstack([[0, 0], arc]) + np.array([side / 2, top]), side)


def _organs(scene: _Scene) -> None:
    rng, side = scene.rng, scene.side
    soft = float(np.exp(rng.uniform(np.log(0.4), np.log(3))))
    for _ in range(int(rng.integers(2, 9))):
        family = rng.random()
        names = _ORGANS if family < 0.65 else _LESIONS if family < 0.85 else _THIN
        shape = names[int(rng.integers(len(names)))]
        radius = float(np.exp(rng.uniform(np.log(side / 42), np.log(side / 2.6))))
        mask = SHAPES[shape](rng, side, _draw_centre(scene), radius)
        if rng.random() < 0.25 and scene.objects:  # keep inside another object: nested
            mask = mask & scene.objects[int(rng.integers(len(scene.objects)))][1]
        if mask.sum() <= MIN_REFERENCE_PX or mask.mean() > 0.85:
            continue
        _paint_object(scene, mask, soft)
        if rng.random() < 0.25:
            _core(scene, shape, mask, soft)
        else:
            scene.add(shape, mask)


def _core(scene: _Scene, shape: str, mask: Mask, soft: float) -> None:
    """Paint a core inside an object and record both, and sometimes the rim around the core."""
    rng = scene.rng
    depth = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)
    core = depth > depth.max() * rng.uniform(0.25, 0.6)
    scene.add(shape, mask)
    if core.sum() > MIN_REFERENCE_PX:
        _paint_object(scene, core, soft)
        scene.objects.append(("core", core))
        if rng.random() < 0.5:
            scene.objects.append(("rim", mask & ~core))


def _crowd(scene: _Scene) -> None:
    """Paint cells: many alike, touching, each its own object."""
    rng, side = scene.rng, scene.side
    radius = side * float(np.exp(rng.uniform(np.log(0.016), np.log(0.09))))
    contrast, rough = _signed(rng, 18, 120), rng.uniform(0, 8)
    soft, shape = rng.uniform(0.4, 1.5), ("ellipse", "blob", "ring")[int(rng.integers(3))]
    taken = np.zeros((side, side), np.bool_)
    for _ in range(int(rng.integers(6, 26))):
        centre = (side * rng.uniform(0.02, 0.98), side * rng.uniform(0.02, 0.98))
        cell = SHAPES[shape](rng, side, centre, radius * rng.uniform(0.7, 1.4)) & ~taken
        if cell.sum() <= MIN_REFERENCE_PX:
            continue
        scene.paint(cell, contrast=contrast * rng.uniform(0.6, 1.2), soft_px=soft, rough=rough)
        taken |= cell
        scene.add("cell", cell)
    if rng.random() < 0.2 and taken.sum() > MIN_REFERENCE_PX:
        scene.objects.append(("cells", taken))


def _column(scene: _Scene) -> None:
    """Paint a spine: blocks in a bent row with discs between them, beside a canal."""
    rng, side = scene.rng, scene.side
    count, half = int(rng.integers(4, 9)), side * rng.uniform(0.05, 0.11)
    soft, contrast = rng.uniform(0.5, 2), _signed(rng, 15, 90)
    x = side * rng.uniform(0.3, 0.7) + rng.uniform(-0.15, 0.15) * side * np.sin(
        np.linspace(0, 2.5, count) + rng.uniform(0, 3)
    )
    step = side * 0.9 / count
    for i in range(count):
        y = step * (i + 0.6)
        corners = np.array([[-1, -0.62], [1, -0.62], [1, 0.62], [-1, 0.62]])
        body = fill_polygon(
            corners * [half, step * 0.55] + rng.normal(0, 1, (4, 2)) + [x[i], y], side
        )
        disc = (
            fill_polygon(corners * [half * 0.9, step * 0.18] + [x[i], y + step / 2], side) & ~body
        )
        scene.paint(body, contrast=contrast * rng.uniform(0.8, 1.1), soft_px=soft, rough=5)
        scene.add("vertebra", body)
        scene.paint(disc, contrast=_signed(rng, 5, 60), soft_px=soft, rough=4)
        scene.add("disc", disc)


def _paint_object(scene: _Scene, mask: Mask, soft: float) -> None:
    rng = scene.rng
    contrast = _signed(rng, 12, 130)
    rough = abs(contrast) * float(np.exp(rng.uniform(np.log(0.03), np.log(0.4))))
    blur = soft * rng.uniform(0.6, 1.6)
    scene.paint(mask, contrast=contrast, soft_px=blur, rough=rough)


def _draw_centre(scene: _Scene) -> tuple[float, float]:
    rng, side = scene.rng, scene.side
    if scene.objects and rng.random() < 0.35:  # beside or inside another object
        rows, columns = np.nonzero(scene.objects[int(rng.integers(len(scene.objects)))][1])
        if len(rows):
            at = int(rng.integers(len(rows)))
            return float(columns[at]), float(rows[at])
    return side * rng.uniform(0.08, 0.92), side * rng.uniform(0.08, 0.92)


def _signed(rng: np.random.Generator, low: float, high: float) -> float:
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return size if rng.random() < 0.5 else -size


def _window(mask: Mask, margin: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
