"""Where the slices of DICOM images lie: planes in millimetres → the one affine of a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cosmos_board.core.errors import InputError

Vector = NDArray[np.float64]

UNEVEN = 0.05
"""Share of the slice distance by which a slice may lie off an even grid."""

DRIFT = 0.1
"""Share of a pixel by which a slice may lie beside the straight or evenly sheared stack."""

_SAME = 1e-3
"""By how much directions (length 1) and sizes of pixels (as a share) may differ in a volume."""

_SAME_PLACE = 0.01
"""Share of the mean slice distance under which two slices lie at one place."""


PATIENT = ("PlanePositionSequence", "PlaneOrientationSequence",
           "ImagePositionPatient", "ImageOrientationPatient")  # fmt: skip
"""Groups that hold position and orientation in multi-frame files, and what is in them."""


@dataclass(frozen=True, slots=True, eq=False)
class SlicePlane:
    """Where one slice lies; millimetres to the left, posterior, superior."""

    where: str
    """File (and frame), for messages."""

    corner: Vector
    """Centre of the first pixel, shape (3,)."""

    across: Vector
    """Direction in which columns are counted, length 1, shape (3,)."""

    down: Vector
    """Direction in which rows are counted, length 1, shape (3,)."""

    spacing_mm: tuple[float, float]
    """Distance between rows, distance between columns."""

    thickness_mm: float
    """What the file says of the distance between slices, 1 where it says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceGrid:
    """The planes of one volume in their order."""

    order: tuple[int, ...]
    """For each slice, its position in the given planes."""

    affine_lps: NDArray[np.float64]
    """Voxel index (x, y, z, 1) → millimetres; sheared where the slices drift evenly."""

    sheared: bool


def read_plane(where: str, header: Dataset) -> SlicePlane | None:
    """Return where a single-frame file lies, None if it does not say; InputError if wrong."""
    return make_plane(where, header, header, header, PATIENT)


def make_plane(
    where: str,
    position: Dataset,
    orientation: Dataset,
    measures: Dataset,
    names: tuple[str, ...],
) -> SlicePlane | None:
    """Return the plane that three items of a file describe, None where one is missing.

    `position` holds `names[2]`, `orientation` holds `names[3]` (`names` as `PATIENT`), and
    `measures` holds `PixelSpacing`. InputError if it is no place.
    """
    corner = position.get(names[2])
    directions = orientation.get(names[3])
    spacing = measures.get("PixelSpacing")
    if corner is None or directions is None or spacing is None:
        return None
    place = np.array([*corner, *directions], np.float64)
    if len(corner) != 3 or len(directions) != 6 or not np.isfinite(place).all():
        raise InputError(where, names[2], "is no place", got=place.tolist())
    across, down = place[3:].reshape(2, 3)
    lengths = np.array([np.linalg.norm(across), np.linalg.norm(down), 1 + across @ down])
    if np.abs(lengths - 1).max() > 0.02:
        raise InputError(
            where, names[3], "is no pair of perpendicular directions",
            got=place[3:].tolist(),
        )  # fmt: skip
    sizes = [float(size) for size in spacing]
    if len(sizes) != 2 or not all(0 < size < np.inf for size in sizes):
        raise InputError(where, "PixelSpacing", "is no distance", got=sizes)
    thickness_mm = next(
        (
            float(measures[name].value)
            for name in ("SpacingBetweenSlices", "SliceThickness")
            if measures.get(name) and 0 < float(measures[name].value) < np.inf
        ),
        1.0,
    )
    return SlicePlane(where, place[:3], across, down, (sizes[0], sizes[1]), thickness_mm)


def arrange(planes: Sequence[SlicePlane]) -> SliceGrid:
    """Return the order and the affine of slices, each where its position says.

    Raises:
        InputError: If they are not parallel, of one pixel size, evenly spaced and straight or
            evenly sheared.
    """
    first = planes[0]
    for plane in planes[1:]:
        _check_alike(first, plane)
    normal = _get_normal(first)
    heights = np.array([plane.corner @ normal for plane in planes])
    order = np.argsort(heights, kind="stable")
    ordered = [planes[position] for position in order]
    distance = _check_even(ordered, heights[order])
    drift = _check_drift(ordered, normal, heights[order])
    down_mm, across_mm = first.spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = first.across * across_mm
    affine[:3, 1] = first.down * down_mm
    affine[:3, 2] = normal * distance
    affine[:3, 3] = ordered[0].corner
    if drift is not None:
        affine[:3, 2] += drift
    return SliceGrid(tuple(int(position) for position in order), affine, drift is not None)


def lie_apart(planes: Sequence[SlicePlane]) -> bool:
    """Return whether slices are parallel, and no two of them are at one place."""
    if not all(_are_parallel(planes[0], plane) for plane in planes):
        return False
    normal = _get_normal(planes[0])
    heights = np.sort([plane.corner @ normal for plane in planes])
    steps = np.diff(heights)
    return len(steps) == 0 or bool(steps.min() > _SAME_PLACE * steps.mean() > 0)


def _get_normal(plane: SlicePlane) -> Vector:
    normal = np.cross(plane.across, plane.down)
    return np.asarray(normal / np.linalg.norm(normal), np.float64)


def _are_parallel(plane: SlicePlane, other: SlicePlane) -> bool:
    off = np.abs(np.concatenate([plane.across - other.across, plane.down - other.down]))
    return bool(off.max() <= _SAME)


def _check_alike(first: SlicePlane, plane: SlicePlane) -> None:
    if not _are_parallel(first, plane):
        raise InputError(
            plane.where, "ImageOrientationPatient", "differs from the other slices of the series",
            got=[*plane.across.round(4).tolist(), *plane.down.round(4).tolist()],
            want=[*first.across.round(4).tolist(), *first.down.round(4).tolist()],
        )  # fmt: skip
    if not np.allclose(plane.spacing_mm, first.spacing_mm, rtol=_SAME, atol=0):
        raise InputError(
            plane.where, "PixelSpacing", "differs from the other slices of the series",
            got=plane.spacing_mm, want=first.spacing_mm,
        )  # fmt: skip


def _check_even(ordered: Sequence[SlicePlane], heights: Vector) -> float:
    """Return the distance between slices along their normal, in mm."""
    if len(ordered) == 1:
        return ordered[0].thickness_mm
    steps = np.diff(heights)
    distance = float(steps.mean())
    closest = int(np.argmin(steps))
    if not steps[closest] > _SAME_PLACE * distance:
        raise InputError(
            ordered[closest + 1].where, "ImagePositionPatient",
            f"lies at the same place as {ordered[closest].where}: two acquisitions, or one twice",
            got=ordered[closest].corner.tolist(),
        )  # fmt: skip
    off = heights - heights[0] - distance * np.arange(len(heights))
    if np.abs(off).max() > UNEVEN * distance:
        usual = float(np.median(steps))
        oddest = int(np.argmax(np.abs(steps - usual)))
        raise InputError(
            ordered[oddest + 1].where, "ImagePositionPatient",
            f"is unevenly far from {ordered[oddest].where}: slices are missing or shifted",
            got=f"{steps[oddest]:g} mm", want=f"{usual:g} mm",
        )  # fmt: skip
    return distance


def _check_drift(ordered: Sequence[SlicePlane], normal: Vector, heights: Vector) -> Vector | None:
    """Return by how much each slice lies beside the one below it, in mm; None if it does not."""
    first = ordered[0]
    corners = np.array([plane.corner - first.corner for plane in ordered])
    beside = corners - np.outer(heights - heights[0], normal)
    axes = np.stack([first.down, first.across], 1) / np.array(first.spacing_mm)
    pixels = beside @ axes
    share = np.linspace(0, 1, len(ordered))[:, np.newaxis]
    if np.abs(pixels - share * pixels[-1]).max() > DRIFT:
        steps = np.diff(pixels, axis=0)
        odd = np.abs(steps - np.median(steps, axis=0)).max(axis=1)
        oddest = int(np.argmax(odd))
        raise InputError(
            ordered[oddest + 1].where, "ImagePositionPatient",
            f"is shifted within its plane against {ordered[oddest].where}, unlike other slices",
            got=f"{odd[oddest]:.3g} pixels",
        )  # fmt: skip
    if np.abs(pixels[-1]).max() <= DRIFT:
        return None  # Rounding of positions and directions.
    return np.asarray(beside[-1] / (len(ordered) - 1), np.float64)
