"""DICOM SEG: one mask a segment, its frames put where they belong among the slices of a series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.volumes import Volume

_OFF = 0.05
"""Share of a voxel by which a frame may miss its slice."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment of a DICOM SEG file."""

    number: int
    label: str
    drawn: NDArray[np.bool_]
    """Axes (Z, Y, X), of the shape of the volume it was drawn on."""


def read_dicom_seg(path: Path, image: Volume) -> Iterator[Segment]:
    """Yield the segments of a file, drawn on the voxels of `image`, in the order of their numbers.

    Fractional segments are cut at half of their range.

    Raises:
        InputError: If it is no DICOM SEG file, damaged, or a frame lies on no slice of `image`.
    """
    try:
        dataset = pydicom.dcmread(path)
        labels = {int(row.SegmentNumber): str(row.SegmentLabel) for row in dataset.SegmentSequence}
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        frames = int(dataset.NumberOfFrames)
        check_size(path, (frames, rows, columns), LARGEST_VOLUME_PX)
        half = int(dataset.get("MaximumFractionalValue") or 1) / 2
        pixels = dataset.pixel_array.reshape(frames, rows, columns)
        places = [_find_place(dataset, frame) for frame in range(frames)]
    except InputError:
        raise
    except Exception as error:
        raise InputError(path, "", f"is damaged or no DICOM SEG file: {error}") from error
    if (rows, columns) != image.voxels.shape[1:]:
        raise InputError(
            path,
            "size",
            "differs from the series",
            got=(rows, columns),
            want=image.voxels.shape[1:],
        )
    for number in sorted(labels):
        drawn = np.zeros(image.voxels.shape, np.bool_)
        for position, (segment, corner, across, down) in enumerate(places):
            if segment == number:
                z = _find_slice(path, image, corner, across, down)
                drawn[z] |= pixels[position] > half
        yield Segment(number, labels[number], drawn)


_Vector = NDArray[np.float64]


def _find_place(dataset: pydicom.Dataset, frame: int) -> tuple[int, _Vector, _Vector, _Vector]:
    """Return (segment number, corner, direction across, direction down) of one frame."""
    own = dataset.PerFrameFunctionalGroupsSequence[frame]
    shared = dataset.SharedFunctionalGroupsSequence[0]
    plane = (own if "PlaneOrientationSequence" in own else shared).PlaneOrientationSequence[0]
    place = (own if "PlanePositionSequence" in own else shared).PlanePositionSequence[0]
    which = (
        own if "SegmentIdentificationSequence" in own else shared
    ).SegmentIdentificationSequence[0]
    across, down = np.array(plane.ImageOrientationPatient, np.float64).reshape(2, 3)
    corner = np.array(place.ImagePositionPatient, np.float64)
    return int(which.ReferencedSegmentNumber), corner, across, down


def _find_slice(path: Path, image: Volume, corner: _Vector, across: _Vector, down: _Vector) -> int:
    to_index = np.linalg.inv(image.affine_lps)
    index = to_index[:3, :3] @ corner + to_index[:3, 3]
    z = int(np.floor(index[2] + 0.5))
    _, down_mm, across_mm = image.spacing_mm
    turned = (
        np.abs(image.affine_lps[:3, 0] / across_mm - across).max()
        + np.abs(image.affine_lps[:3, 1] / down_mm - down).max()
    )
    off = np.abs(index - [0, 0, z]).max()
    if turned > _OFF or off > _OFF or not 0 <= z < len(image.voxels):
        raise InputError(path, "frame", "lies on no slice of the series", got=np.round(index, 2))
    return z
