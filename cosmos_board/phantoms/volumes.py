"""Phantom volumes: five kinds of objects of known volume, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cosmos_board.core.arrays import Floats
from cosmos_board.core.volumes import SpacingMm, VolumeMask
from cosmos_board.phantoms.solids import Ellipsoid, Solid, Tube, Wall, draw_solid, random_turn

VOLUME_SHAPE = (28, 96, 96)
"""Voxels of a phantom volume along (slice, row, column)."""

VOLUME_SPACING_MM: SpacingMm = (2.0, 1.0, 1.0)
"""Slices are thicker than pixels, as in most scans."""

_BACKGROUND, _NOISE, _TEXTURE, _SOFT_PX = 90.0, 5.0, 8.0, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class PhantomReference:
    """One object of a phantom volume."""

    object: str
    instance: str
    """Tells the instances of an object apart; empty where it has one."""

    mask: VolumeMask
    """bool, axes (slice, row, column)."""

    volume_mm3: float
    """Exact; that of the voxels comes near it."""


@dataclass(frozen=True, slots=True, eq=False)
class PhantomVolume:
    """One volume of a phantom pack; each is a cluster of its own."""

    cluster: str
    voxels: NDArray[np.uint8]
    """Grey levels, axes (slice, row, column)."""

    spacing_mm: SpacingMm
    references: tuple[PhantomReference, ...]


def draw_phantom_volume(seed: int) -> PhantomVolume:
    """Return a volume with an ellipsoid, a tube, a wall with its cavity, branches and two balls.

    The balls touch in one point and are instances of one object. The same seed gives the same
    bytes.
    """
    rng = np.random.Generator(np.random.Philox(key=(2 << 64) + seed))
    references = tuple(_draw_all(rng))
    texture = _TEXTURE * _draw_texture(rng)
    grey = _BACKGROUND + texture
    for reference in references:
        level = _BACKGROUND + float(rng.choice([-1, 1]) * rng.uniform(30, 70))
        alpha = gaussian_filter(reference.mask.astype(np.float64), (0, _SOFT_PX, _SOFT_PX))
        grey += alpha * (level - texture - grey)
    grey += _NOISE * rng.standard_normal(VOLUME_SHAPE)
    voxels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return PhantomVolume(f"phantom-volume-{seed:06d}", voxels, VOLUME_SPACING_MM, references)


def _draw_all(rng: np.random.Generator) -> Iterator[PhantomReference]:
    cells = _list_cells(rng)
    size = rng.uniform(0.85, 1.1, 5)

    def draw(
        name: str, solid: Solid, centre: Floats, turn: Floats | None, instance: str = ""
    ) -> PhantomReference:
        z, y, x = map(float, centre)
        mask = draw_solid(solid, VOLUME_SHAPE, VOLUME_SPACING_MM, (z, y, x), turn)
        return PhantomReference(name, instance, mask, solid.volume_mm3)

    yield draw("ellipsoid", Ellipsoid(_scale(size[0], 11, 9, 6)), cells[0], random_turn(rng))
    tube = Tube(radius_mm=4 * size[1], length_mm=18 * size[1])
    yield draw("tube", tube, cells[1], random_turn(rng))
    wall, turn = Wall(Ellipsoid(_scale(size[2], 11, 10, 8)), share=0.6), random_turn(rng)
    yield draw("wall", wall, cells[2], turn)
    yield draw("cavity", wall.cavity, cells[2], turn)
    branches = ((-4.5 * size[3], 9.0 * size[3]), (4.5 * size[3], 9.0 * size[3]))
    vessel = Tube(radius_mm=2.0 * size[3], length_mm=22 * size[3], branches=branches)
    yield draw("vessel", vessel, cells[3], random_turn(rng))
    radii = 6.5 * size[4], 5.0 * size[4]
    across = random_turn(rng)[:, 0]
    for name, radius, side in (("a", radii[0], -radii[0]), ("b", radii[1], radii[1])):
        ball = Ellipsoid((radius, radius, radius))
        yield draw("ball", ball, cells[4] + side * across, None, name)


def _list_cells(rng: np.random.Generator) -> list[Floats]:
    """Return the centres of five of six cells, in mm, in random order."""
    length, height, width = np.multiply(VOLUME_SHAPE, VOLUME_SPACING_MM)
    centres = [
        np.array([length / 2, height * (row + 0.5) / 2, width * (column + 0.5) / 3])
        for row in range(2)
        for column in range(3)
    ]
    return [centres[i] + rng.uniform(-1.5, 1.5, 3) for i in rng.permutation(len(centres))[:5]]


def _scale(factor: float, a: float, b: float, c: float) -> tuple[float, float, float]:
    return a * factor, b * factor, c * factor


def _draw_texture(rng: np.random.Generator) -> Floats:
    """Return smooth noise of mean 0 and deviation 1."""
    grain_mm = 3.0
    field = gaussian_filter(
        rng.standard_normal(VOLUME_SHAPE), [grain_mm / step for step in VOLUME_SPACING_MM]
    )
    return np.asarray((field - field.mean()) / field.std())
