"""DICOM RTSTRUCT: contours drawn on the slices of a series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.volumes import Volume

Contour = NDArray[np.float64]
"""Points of one closed planar contour: millimetres (left, posterior, superior), shape (n, 3)."""


def read_rtstruct(path: Path) -> dict[str, list[Contour]]:
    """Return the closed planar contours of each region by its name.

    Raises:
        InputError: If it is no RTSTRUCT file or damaged.
    """
    try:
        dataset = pydicom.dcmread(path)
        names = {int(roi.ROINumber): str(roi.ROIName) for roi in dataset.StructureSetROISequence}
        regions: dict[str, list[Contour]] = {name: [] for name in names.values()}
        for region in dataset.ROIContourSequence:
            for contour in region.get("ContourSequence", []):
                if contour.ContourGeometricType == "CLOSED_PLANAR":
                    points = np.array(contour.ContourData, np.float64).reshape(-1, 3)
                    regions[names[int(region.ReferencedROINumber)]].append(points)
    except Exception as error:
        raise InputError(path, "", f"is damaged or no RTSTRUCT file: {error}") from error
    return regions


def rasterise(contours: list[Contour], volume: Volume) -> NDArray[np.bool_]:
    """Return the voxels whose centres lie inside the contours, axes (Z, Y, X).

    Contours of one slice are combined by exclusive or: one inside another is a hole.

    Raises:
        InputError: If a contour lies on no slice of the volume.
    """
    from skimage.draw import polygon2mask

    drawn = np.zeros(volume.voxels.shape, np.bool_)
    to_index = np.linalg.inv(volume.affine_lps)
    for contour in contours:
        index = contour @ to_index[:3, :3].T + to_index[:3, 3]
        slices = np.unique(np.floor(index[:, 2] + 0.5).astype(int))
        if len(slices) != 1 or not 0 <= slices[0] < len(drawn):
            raise InputError("RTSTRUCT", "contour", "lies on no slice of the series", got=slices)
        drawn[slices[0]] ^= polygon2mask(drawn.shape[1:], index[:, 1::-1])
    return drawn
