"""Volumes: where their voxels lie, how they are oriented and cut into slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.volumes import SpacingMm

Plane: TypeAlias = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
Voxels: TypeAlias = NDArray[Any]
"""Any number type, axes (Z, Y, X)."""

_Number = TypeVar("_Number", bound=np.generic)
_FLAT = 1e-4
"""Volume of the cell of unit axes below which two axes are the same within what headers hold."""

_SHEAR = 0.01
"""Cosine of the angle between two axes."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels and where they lie in the patient."""

    voxels: Voxels
    """Axes (Z, Y, X)."""

    affine_lps: NDArray[np.float64]
    """4 x 4: voxel index (x, y, z, 1) → millimetres to the left, posterior, superior.

    Its axes need not be at right angles: slices of a tilted gantry are shifted against each other.
    """

    placed: bool = True
    """Whether the file says where it lies; if not, only the distances of voxels are known."""

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between the centres of neighbouring voxels along (Z, Y, X)."""
        x, y, z = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(z), float(y), float(x)


def orient(volume: Volume) -> Volume:
    """Return the volume with X to the left, Y to the back and Z to the head, by flips and swaps.

    Nothing is resampled: an oblique volume takes the nearest of the 48 orientations.
    """
    return _turn(volume, _find_directions(volume.affine_lps))


def turn_like(volume: Volume, other: Volume) -> Volume:
    """Return the volume with its axes along those of another, by flips and swaps.

    Two volumes of one place become the same, also where `orient` has two orientations to choose
    from, as at 45°, and differences in the last digit decide.
    """
    directions = _find_directions(volume.affine_lps)
    return _turn(volume, np.linalg.inv(_find_directions(other.affine_lps)) @ directions)


def spans_space(affine: NDArray[np.float64]) -> bool:
    """Return whether a 4 x 4 affine is finite and its three axes leave no dimension out.

    Example:
        >>> spans_space(np.diag([1e-6, 1e-6, 1e-6, 1])), spans_space(np.diag([1.0, 1, 0, 1]))
        (True, False)
    """
    if not np.isfinite(affine).all() or not np.linalg.norm(affine[:3, :3], axis=0).all():
        return False
    return bool(abs(np.linalg.det(_find_directions(affine))) > _FLAT)


def is_sheared(affine: NDArray[np.float64]) -> bool:
    """Return whether two axes of a 4 x 4 affine are not at right angles (by over half a degree)."""
    directions = _find_directions(affine)
    return bool(np.abs(np.triu(directions.T @ directions, 1)).max() > _SHEAR)


def _find_directions(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    directions: NDArray[np.float64] = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return directions


def _turn(volume: Volume, direction: NDArray[np.float64]) -> Volume:
    axes = _assign_axes(np.abs(direction))
    voxels = volume.voxels.transpose(2, 1, 0).transpose(axes)
    affine = volume.affine_lps[:, [*axes, 3]].copy()
    for world, axis in enumerate(axes):
        if direction[world, axis] < 0:
            voxels = np.flip(voxels, world)
            affine[:, 3] += affine[:, world] * (voxels.shape[world] - 1)
            affine[:, world] *= -1
    return Volume(np.ascontiguousarray(voxels.transpose(2, 1, 0)), affine, volume.placed)


def choose_plane(spacing_mm: tuple[float, float, float]) -> Plane:
    """Return the plane with the smallest pixels; within 1 %: axial, coronal, sagittal.

    `spacing_mm` is along (Z, Y, X) of an oriented volume.

    Example:
        >>> choose_plane((1.0, 1.0, 1.0)), choose_plane((1.0, 3.0, 1.0))
        ('axial', 'coronal')
    """
    z, y, x = spacing_mm
    areas: dict[Plane, float] = {"axial": y * x, "coronal": z * x, "sagittal": z * y}
    smallest = min(areas.values())
    return next(plane for plane, area in areas.items() if area <= smallest * 1.01)


def order_spacing(spacing_mm: tuple[float, float, float], plane: Plane) -> SpacingMm:
    """Return the spacing along (slice, row, column) of a plane.

    `spacing_mm` is along (Z, Y, X) of an oriented volume. The result is rounded to 1e-6 mm: what
    follows from it in headers differs in the last digits between machines.

    Example:
        >>> order_spacing((3.0, 2.0, 1.0), "coronal")
        (2.0, 3.0, 1.0)
    """
    z, y, x = (round(length, 6) for length in spacing_mm)
    ordered: dict[Plane, SpacingMm] = {
        "axial": (z, y, x), "coronal": (y, z, x), "sagittal": (x, z, y),
    }  # fmt: skip
    return ordered[plane]


def count_slices(voxels: Voxels, plane: Plane) -> int:
    """Return the number of slices of an oriented volume in a plane."""
    return int(voxels.shape[PLANES.index(plane)])


def take_slice(voxels: NDArray[_Number], plane: Plane, index: int) -> NDArray[_Number]:
    """Return one slice of an oriented volume, the way it is looked at.

    Rows run from front to back in axial slices, from head to foot in the others; columns from
    the patient's right to left, in sagittal slices from front to back.
    """
    if plane == "axial":
        return np.ascontiguousarray(voxels[index])
    if plane == "coronal":
        return np.ascontiguousarray(voxels[::-1, index, :])
    return np.ascontiguousarray(voxels[::-1, :, index])


def _assign_axes(strength: NDArray[np.float64]) -> list[int]:
    # The strongest pair first, so that an oblique volume still uses each axis once.
    strength = strength.copy()
    axes = [0, 0, 0]
    for _ in range(3):
        world, axis = np.unravel_index(int(np.argmax(strength)), strength.shape)
        axes[int(world)] = int(axis)
        strength[world, :] = -1
        strength[:, axis] = -1
    return axes
