"""DICOM series: pixels and geometry; whatever else the headers say is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.dicom_picture import refuse_burned_in
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.volumes import Volume

_UNEVEN = 0.01
"""Share of the slice distance by which slices may be off an even grid."""


def read_dicom_series(paths: Sequence[Path]) -> Volume:
    """Return the slices of one series as a volume, in Hounsfield units where it is CT.

    Args:
        paths: The files of the series, in any order.

    Raises:
        InputError: If a file is damaged, or the slices do not form an even grid.
    """
    if not paths:
        raise InputError("DICOM series", "", "has no file")
    slices = [_read_header(path) for path in paths]
    first = slices[0]
    rows, columns = int(first.Rows), int(first.Columns)
    check_size(paths[0], (len(slices), rows, columns), LARGEST_VOLUME_PX)
    _check_one_series(paths, slices)
    across, down = np.array(first.ImageOrientationPatient, np.float64).reshape(2, 3)
    normal = np.cross(across, down)
    heights = _find_heights(slices, normal)
    order = np.argsort(heights, kind="stable")
    distance = _check_grid(paths[0], heights[order])
    down_mm, across_mm = (float(size) for size in first.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (
        across * across_mm,
        down * down_mm,
        normal * distance,
    )
    affine[:3, 3] = _position(slices[order[0]])
    voxels = np.stack([_read_pixels(paths[i], rows, columns) for i in order])
    return Volume(voxels, affine)


def order_series(paths: Sequence[Path]) -> tuple[int, ...]:
    """Return, for each slice of the volume of a series, the position of its file in `paths`.

    Raises:
        InputError: If a file is damaged.
    """
    slices = [_read_header(path) for path in paths]
    across, down = np.array(slices[0].ImageOrientationPatient, np.float64).reshape(2, 3)
    heights = _find_heights(slices, np.cross(across, down))
    return tuple(int(position) for position in np.argsort(heights, kind="stable"))


def _find_heights(
    slices: Sequence[pydicom.Dataset], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.array([float(np.dot(normal, _position(header))) for header in slices])


def _check_one_series(paths: Sequence[Path], slices: Sequence[pydicom.Dataset]) -> None:
    for name in ("SeriesInstanceUID", "ImageOrientationPatient", "PixelSpacing"):
        first = slices[0].get(name)
        for path, header in zip(paths, slices, strict=True):
            if header.get(name) != first:
                raise InputError(path, name, "differs from the other slices of the series")


def _read_header(path: Path) -> pydicom.Dataset:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        for name in ("Rows", "Columns", "PixelSpacing", "ImagePositionPatient"):
            if getattr(header, name, None) is None:
                raise InputError(path, name, "is missing")
        refuse_burned_in(path, header)
        if len(header.get("ImageOrientationPatient", [])) != 6:
            raise InputError(path, "ImageOrientationPatient", "is missing")
        # Values are only made out when they are asked for, here where it may fail.
        header.get("SeriesInstanceUID"), int(header.Rows), int(header.Columns)
        place = [*header.ImagePositionPatient, *header.ImageOrientationPatient]
        if not np.isfinite(np.array(place, np.float64)).all() or len(place) != 9:
            raise InputError(path, "ImagePositionPatient", "is no place", got=place)
        if not all(0 < float(size) < np.inf for size in header.PixelSpacing):
            raise InputError(path, "PixelSpacing", "is no distance", got=header.PixelSpacing)
    except InputError:
        raise
    except Exception as error:
        raise InputError(path, "", f"is damaged or no DICOM file: {error}") from error
    return header


def _read_pixels(path: Path, rows: int, columns: int) -> NDArray[np.float32]:
    try:
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array
        slope = float(dataset.get("RescaleSlope", 1))
        intercept = float(dataset.get("RescaleIntercept", 0))
    except Exception as error:
        raise InputError(path, "pixels", f"cannot be read: {error}") from error
    if pixels.shape != (rows, columns):
        raise InputError(path, "pixels", "differ in size", got=pixels.shape, want=(rows, columns))
    return (pixels * slope + intercept).astype(np.float32)


def _position(header: pydicom.Dataset) -> NDArray[np.float64]:
    return np.array(header.ImagePositionPatient, np.float64)


def _check_grid(path: Path, heights: NDArray[np.float64]) -> float:
    if len(heights) == 1:
        return 1.0
    steps = np.diff(heights)
    distance = float(np.median(steps))
    if distance <= 0 or np.abs(steps - distance).max() > _UNEVEN * distance + 1e-3:
        raise InputError(
            path.parent, "slices", "do not form an even grid", got=np.unique(steps)[:4]
        )
    return distance
