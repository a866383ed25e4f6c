"""RTSTRUCT files made with pydicom, and read again by dcmrtstruct2nii.

Its drawing is called with the places that SimpleITK (GDCM) finds.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import RTStructureSetStorage

from cosmos_board.core.masks import Mask
from tests.corpus.dicoms import FRAME, Grid, make_header
from tests.corpus.drawing import (
    SHAPE,
)

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One contour: points (column, row) in pixels of a slice."""

    z: float
    points: Points
    kind: str = "CLOSED_PLANAR"


def rectangle(top: int, left: int, height: int, width: int) -> Points:
    """Return the outline of whole pixels, clockwise."""
    low, high = np.array([left, top]) - 0.5, np.array([left + width, top + height]) - 0.5
    return np.array([low, (high[0], low[1]), high, (low[0], high[1])])


def fill(*boxes: tuple[int, int, int, int]) -> Mask:
    """Return the pixels that an odd number of (top, left, height, width) hold."""
    drawn = np.zeros(SHAPE[1:], np.bool_)
    for top, left, height, width in boxes:
        drawn[top : top + height, left : left + width] ^= True
    return drawn


def save_structures(path: Path, rois: Items[tuple[str, Items[Contour]]], grid: Grid) -> None:
    """Write regions of interest in the order given; names may occur twice."""
    dataset = make_header(RTStructureSetStorage, "structures", 1)
    dataset.Modality = "RTSTRUCT"
    names, regions = [], []
    for number, (name, contours) in enumerate(rois, 1):
        roi, region = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        roi.ReferencedFrameOfReferenceUID, roi.ROIGenerationAlgorithm = FRAME, "MANUAL"
        region.ReferencedROINumber = number
        region.ContourSequence = Sequence([_make(contour, grid) for contour in contours])
        names.append(roi)
        regions.append(region)
    dataset.StructureSetROISequence = Sequence(names)
    dataset.ROIContourSequence = Sequence(regions)
    dataset.save_as(path, enforce_file_format=True)


def _make(contour: Contour, grid: Grid) -> Dataset:
    x, y = contour.points.T
    if grid.flip[1]:
        x = SHAPE[2] - 1 - x
    if grid.flip[0]:
        y = SHAPE[1] - 1 - y
    index = np.stack([x, y, np.full_like(x, contour.z), np.ones_like(x)])
    row = Dataset()
    row.ContourGeometricType = contour.kind
    row.NumberOfContourPoints = len(contour.points)
    row.ContourData = [round(float(mm), 5) for mm in (grid.affine_lps @ index)[:3].T.ravel()]
    return row


def read_structures(folder: Path, number: int, grid: Grid, kind: str = "") -> NDArray[np.bool_]:
    """Return a region as dcmrtstruct2nii draws it, slices in the order of `grid`.

    Args:
        folder: Of the case.
        number: Of the region, 1, 2 …
        grid: Where the series lies.
        kind: Of the contours, where the library knows only others.
    """
    from dcmrtstruct2nii.adapters.convert.rtstructcontour2mask import DcmPatientCoords2Mask

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder / "ct")))
    region = pydicom.dcmread(folder / "rs.dcm").ROIContourSequence[number - 1]
    contours: list[dict[str, Any]] = [
        {
            "type": kind or row.ContourGeometricType,
            "points": {
                axis: [float(mm) for mm in row.ContourData[position::3]]
                for position, axis in enumerate("xyz")
            },
        }
        for row in region.ContourSequence
    ]
    drawn = DcmPatientCoords2Mask().convert(contours, reader.Execute(), 0, 1)
    along = float(np.dot(np.cross(grid.across, grid.down), grid.step_mm))
    found: NDArray[np.bool_] = sitk.GetArrayFromImage(drawn)[:: 1 if along > 0 else -1] > 0
    return grid.store(found)
