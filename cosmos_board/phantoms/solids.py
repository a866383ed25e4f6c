"""Solids of known volume: ellipsoids, tubes, walls around a cavity, branches, balls that touch.

All lengths are in mm. A solid is drawn on a grid by asking of each voxel centre whether it lies
inside; positions are arrays of shape (3, slices, rows, columns), axes (slice, row, column).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Protocol

import numpy as np

from cosmos_board.core.arrays import Floats
from cosmos_board.core.volumes import SpacingMm, VolumeMask


class Solid(Protocol):
    """A solid around the origin."""

    @property
    def volume_mm3(self) -> float:
        """Its exact volume."""

    def contains(self, points_mm: Floats) -> VolumeMask:
        """Return which points lie inside; `points_mm` has three coordinates along axis 0."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An organ or a lesion; a ball where its axes are equal."""

    semi_axes_mm: tuple[float, float, float]

    @property
    def volume_mm3(self) -> float:
        """4/3 π a b c."""
        a, b, c = self.semi_axes_mm
        return 4 / 3 * pi * a * b * c

    def contains(self, points_mm: Floats) -> VolumeMask:
        """Return which points lie inside."""
        scaled = [points / axis for points, axis in zip(points_mm, self.semi_axes_mm, strict=True)]
        return np.asarray(sum(part * part for part in scaled) <= 1)


@dataclass(frozen=True, slots=True)
class Wall:
    """What lies between an ellipsoid and a smaller one of the same shape: a myocardium."""

    outer: Ellipsoid
    share: float
    """Length of the inner axes as a share of the outer ones, in (0, 1)."""

    @property
    def cavity(self) -> Ellipsoid:
        """The ellipsoid inside."""
        a, b, c = (axis * self.share for axis in self.outer.semi_axes_mm)
        return Ellipsoid((a, b, c))

    @property
    def volume_mm3(self) -> float:
        """The outer volume less the inner one."""
        return self.outer.volume_mm3 - self.cavity.volume_mm3

    def contains(self, points_mm: Floats) -> VolumeMask:
        """Return which points lie inside."""
        return self.outer.contains(points_mm) & ~self.cavity.contains(points_mm)


@dataclass(frozen=True, slots=True)
class Tube:
    """A vessel along the first axis, round at both ends, with branches at right angles."""

    radius_mm: float
    length_mm: float
    """Between the centres of its round ends."""

    branches: tuple[tuple[float, float], ...] = ()
    """(position along the tube from its middle, length from its axis) of each, in mm. They leave to
    alternate sides along the second axis, and are more than two radii apart and from the ends."""

    @property
    def volume_mm3(self) -> float:
        """That of its parts, less what a branch shares with the trunk (8/3 r³).

        Two cylinders of equal radius that cross at right angles share 16/3 r³ (Archimedes); a
        branch is half of such a cylinder.
        """
        r = self.radius_mm
        trunk = pi * r**2 * self.length_mm + 4 / 3 * pi * r**3
        branch = -8 / 3 * r**3 + 2 / 3 * pi * r**3
        return trunk + sum(pi * r**2 * length + branch for _, length in self.branches)

    def contains(self, points_mm: Floats) -> VolumeMask:
        """Return which points lie inside."""
        half = self.length_mm / 2
        inside = self._is_near(points_mm, (-half, 0.0), (half, 0.0))
        for number, (position, length) in enumerate(self.branches):
            end = (position, length if number % 2 == 0 else -length)
            inside |= self._is_near(points_mm, (position, 0.0), end)
        return inside

    def _is_near(
        self, points_mm: Floats, start: tuple[float, float], end: tuple[float, float]
    ) -> VolumeMask:
        """Return which points lie within the radius of a stretch of the first two axes."""
        across = np.subtract(end, start)
        first, second = points_mm[0] - start[0], points_mm[1] - start[1]
        share = (first * across[0] + second * across[1]) / float(across @ across)
        share = np.clip(share, 0, 1)
        distance_sq = (
            (first - share * across[0]) ** 2 + (second - share * across[1]) ** 2 + points_mm[2] ** 2
        )
        return np.asarray(distance_sq <= self.radius_mm**2)


def draw_solid(
    solid: Solid,
    shape: tuple[int, int, int],
    spacing_mm: SpacingMm,
    centre_mm: tuple[float, float, float],
    turn: Floats | None = None,
) -> VolumeMask:
    """Return the voxels whose centres lie in a solid, bool, axes (slice, row, column).

    Args:
        solid: What to draw.
        shape: Voxels along (slice, row, column).
        spacing_mm: Of the voxels; the centre of voxel (0, 0, 0) is the origin.
        centre_mm: Where the solid's origin lies.
        turn: Rotation matrix, 3 × 3, from the solid's axes to those of the volume.
    """
    axes = [
        np.arange(count) * step - centre
        for count, step, centre in zip(shape, spacing_mm, centre_mm, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"))
    if turn is not None:
        points = np.tensordot(turn.T, points, axes=1)
    return solid.contains(points)


def random_turn(rng: np.random.Generator) -> Floats:
    """Return a rotation matrix, 3 × 3, uniform over all directions."""
    quarter, upper = np.linalg.qr(rng.standard_normal((3, 3)))
    turned = quarter * np.sign(np.diag(upper))
    return np.asarray(turned * np.sign(np.linalg.det(turned)))
