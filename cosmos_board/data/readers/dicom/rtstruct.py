"""DICOM RTSTRUCT: contours drawn on the slices of a series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.readers.regions.region import IsWanted, Region
from cosmos_board.data.volumes import Volume

Contour = NDArray[np.float64]
"""Points of one closed planar contour: millimetres (left, posterior, superior), shape (n, 3)."""

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_WITHOUT_AREA = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")

_OFF = 0.25
"""Share of the slice distance by which a contour may miss its slice."""

_HELD = 0.9
"""Share of the voxels of a contour that lie in another, of which it is a hole, at least."""

_DECIMALS = 6
"""Of voxel indices: smaller differences are rounding of the change of units."""

_INSIDE = 1
"""Label of a voxel centre strictly inside a contour; one on the contour itself has a larger one."""


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """The contours of one region of interest (ROI) of an RTSTRUCT file."""

    number: int
    """Unique in its file, as names need not be."""

    name: str
    frame_of_reference: str
    """UID of the coordinates that its contours are given in, empty where the file does not say."""

    contours: tuple[Contour, ...]
    exclusive: bool
    """Whether the file asks for the exclusive or of the contours of a slice."""

    without_area: int
    """Number of points and open contours, which enclose nothing."""


def read_rtstruct(path: Path) -> list[Contours]:
    """Return the regions of a file, by name and number.

    Raises:
        InputError: If it is no RTSTRUCT file, damaged, or a contour is of no known type.
    """
    with reading(path, "RTSTRUCT file"):
        dataset = pydicom.dcmread(path)
        items: dict[int, list[pydicom.Dataset]] = {}
        for roi in dataset.StructureSetROISequence:
            if int(roi.ROINumber) in items:
                raise InputError(path, "ROINumber", "is given to two regions", got=roi.ROINumber)
            items[int(roi.ROINumber)] = []
        for region in dataset.get("ROIContourSequence") or []:
            if (number := int(region.ReferencedROINumber)) not in items:
                raise InputError(path, "ReferencedROINumber", "is of no region", got=number)
            items[number].extend(region.get("ContourSequence") or [])
        regions = [
            _make_region(path, roi, items[int(roi.ROINumber)])
            for roi in dataset.StructureSetROISequence
        ]
    return sorted(regions, key=lambda region: (region.name, region.number))


def draw_rtstruct(
    path: Path, image: Volume, frame_of_reference: str, is_wanted: IsWanted
) -> Iterator[Region]:
    """Yield the wanted regions of a file, drawn on the voxels of `image`.

    Of `image`, only shape and affine are used; `frame_of_reference` is the UID of its coordinates,
    empty where it is not to be compared. Regions that are not wanted may lie anywhere.

    Raises:
        InputError: As `read_rtstruct` and `rasterise`, or if a region is drawn on another series.
    """
    for region in read_rtstruct(path):
        if not is_wanted(region.number, region.name):
            continue
        if frame_of_reference and region.frame_of_reference not in ("", frame_of_reference):
            raise InputError(
                path, "ReferencedFrameOfReferenceUID", "differs from that of the image",
                want="the RTSTRUCT of this series, or geometry = 'ignore'",
            )  # fmt: skip
        drawn = rasterise(region, image, path)
        key = f"{region.name}\0{region.number:09d}"
        yield Region(region.name, drawn, key, region.number, _list_notes(region, drawn))


def rasterise(region: Contours, volume: Volume, where: object) -> NDArray[np.bool_]:
    """Return the voxels whose centres lie inside or on the contours, axes (Z, Y, X).

    Contours of one slice are joined; one that lies in another is a hole, and so on inwards. Where
    the file asks for it (CLOSEDPLANAR_XOR), they are combined by exclusive or instead.

    Raises:
        InputError: If a contour lies on no slice of the volume, or no contour encloses an area.
    """
    field = f"region {region.name!r}"
    if region.without_area and not region.contours:
        raise InputError(
            where, field, "has points or open contours only, which enclose no area",
            want="skip it in the import file",
        )  # fmt: skip
    drawn = np.zeros(volume.voxels.shape, np.bool_)
    to_index = np.linalg.inv(volume.affine_lps)
    slices: dict[int, list[Contour]] = defaultdict(list)
    for contour in region.contours:
        index = np.round(contour @ to_index[:3, :3].T + to_index[:3, 3], _DECIMALS)
        slices[_find_slice(index[:, 2], len(drawn), where, field)].append(index[:, 1::-1])
    for z, polygons in slices.items():
        combine = _combine_exclusive if region.exclusive else _combine_nested
        drawn[z] = combine(polygons, volume.voxels.shape[1:])
    return drawn


def _list_notes(region: Contours, drawn: NDArray[np.bool_]) -> tuple[str, ...]:
    notes = []
    if region.without_area:
        notes.append("points and open contours of a region left out")
    used = np.flatnonzero(drawn.any(axis=(1, 2)))
    if not len(used):
        notes.append("a region encloses no voxel")
    elif used[-1] - used[0] + 1 != len(used):
        notes.append("a region has no contour on a slice between its first and its last")
    return tuple(notes)


def _make_region(path: Path, roi: pydicom.Dataset, items: Sequence[pydicom.Dataset]) -> Contours:
    name = str(roi.get("ROIName") or "").strip()
    contours, types, without_area = [], set(), 0
    for item in items:
        kind = str(item.ContourGeometricType).strip()
        points = _read_points(path, name, item)
        if kind in _WITHOUT_AREA or (kind in _CLOSED and len(points) < 3):
            without_area += 1
        elif kind in _CLOSED:
            types.add(kind)
            contours.append(points)
        else:
            raise InputError(
                path, f"region {name!r}", "has a contour of an unknown type", got=repr(kind),
                want=" or ".join(_CLOSED + _WITHOUT_AREA),
            )  # fmt: skip
    if len(types) > 1:
        raise InputError(
            path, f"region {name!r}", "mixes two ways of telling holes", got=" and ".join(_CLOSED)
        )
    return Contours(
        number=int(roi.ROINumber),
        name=name,
        frame_of_reference=str(roi.get("ReferencedFrameOfReferenceUID") or ""),
        contours=tuple(contours),
        exclusive=_CLOSED[1] in types,
        without_area=without_area,
    )


def _read_points(path: Path, name: str, item: pydicom.Dataset) -> Contour:
    data = np.array(item.get("ContourData") or [], np.float64).ravel()
    counted = item.get("NumberOfContourPoints")
    if len(data) % 3 or not np.isfinite(data).all() or counted not in (None, len(data) // 3):
        raise InputError(
            path, f"region {name!r}", "has a contour that is cut off or holds no points",
            got=f"{len(data)} numbers for {counted} points",
        )  # fmt: skip
    return data.reshape(-1, 3)


def _find_slice(z: NDArray[np.float64], count: int, where: object, field: str) -> int:
    nearest = int(np.floor(np.median(z) + 0.5))
    seen = f"slices {z.min():.2f} to {z.max():.2f}"
    if np.ptp(z) > 2 * _OFF:
        raise InputError(
            where, field, "has a contour that is not parallel to the slices of its image",
            got=seen, want="one slice, or skip the region",
        )  # fmt: skip
    if not 0 <= nearest < count:
        raise InputError(
            where, field, "has a contour that lies on no slice of its image",
            got=seen, want=f"0 to {count - 1}, or skip the region",
        )  # fmt: skip
    if np.abs(z - nearest).max() > _OFF:
        raise InputError(
            where, field, "has a contour that lies between two slices of its image",
            got=seen, want=f"within {_OFF} of a slice, or skip the region",
        )  # fmt: skip
    return nearest


def _label(polygon: Contour, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return 0 outside of a polygon (row, column), `_INSIDE` in it and more on its line."""
    from skimage.measure import grid_points_in_poly

    labels = np.zeros(shape, np.uint8)
    low = np.clip(np.floor(polygon.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(polygon.max(axis=0)) + 1, 0, shape).astype(int)
    if (high > low).all():
        labels[low[0] : high[0], low[1] : high[1]] = grid_points_in_poly(
            tuple(high - low), polygon - low, binarize=False
        )
    return labels


def _combine_exclusive(polygons: Sequence[Contour], shape: tuple[int, ...]) -> Mask:
    inside, line = np.zeros((2, *shape), np.bool_)
    for polygon in polygons:
        labels = _label(polygon, shape)
        inside ^= labels == _INSIDE
        line |= labels > _INSIDE
    # By the standard, points on the path of a contour belong to the region.
    drawn: Mask = inside | line
    return drawn


def _combine_nested(polygons: Sequence[Contour], shape: tuple[int, ...]) -> Mask:
    areas = [_measure_area(polygon) for polygon in polygons]
    order = sorted(range(len(polygons)), key=areas.__getitem__, reverse=True)
    labels = [_label(polygons[position], shape) for position in order]
    depths: list[int] = []
    for position, inner in enumerate(labels):
        around = [
            depths[before]
            for before in range(position)
            if areas[order[position]] < areas[order[before]] and _holds(labels[before], inner)
        ]
        depths.append(1 + max(around, default=-1))
    drawn = np.zeros(shape, np.bool_)
    for position in sorted(range(len(labels)), key=depths.__getitem__):
        if depths[position] % 2:
            # By the standard, points on the path of a contour belong to the region.
            drawn &= labels[position] != _INSIDE
        else:
            drawn |= labels[position] > 0
    return drawn


def _holds(outer: NDArray[np.uint8], inner: NDArray[np.uint8]) -> bool:
    """Return whether a contour lies in another, but for a few voxels right beside it.

    A hole that touches the outer line often crosses it by rounding, and is a hole all the same.
    """
    from scipy.ndimage import binary_dilation

    filled = inner > 0
    shared = np.count_nonzero(filled & (outer > 0))
    if shared <= _HELD * np.count_nonzero(filled):
        return False
    return not (filled & ~binary_dilation(outer > 0)).any()


def _measure_area(polygon: Contour) -> float:
    # From one corner, so that copies of a contour have the same area to the last digit.
    (y, x) = (polygon - polygon.min(axis=0)).T
    doubled: Any = np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))
    return float(np.round(abs(doubled) / 2, _DECIMALS - 2))
