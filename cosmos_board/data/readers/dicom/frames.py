"""Frames of multi-frame DICOM files: their functional groups, places and volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.dicom.planes import PATIENT, SlicePlane, lie_apart, make_plane

_VOLUME = ("PlanePositionVolumeSequence", "PlaneOrientationVolumeSequence",
           "ImagePositionVolume", "ImageOrientationVolume")  # fmt: skip
"""The same as `PATIENT` for the coordinates of an ultrasound volume."""

_POSITIONS = (0x00200032, 0x00209057, 0x00209301, 0x00201041)
"""Dimensions that tell slices of one volume apart: positions and the number in a stack."""


def find_group(dataset: Dataset, frame: int, name: str) -> Dataset | None:
    """Return the item of a functional group of one frame: its own, else the shared one."""
    groups = []
    if frame < len(own := dataset.get("PerFrameFunctionalGroupsSequence") or ()):
        groups.append(own[frame])
    groups += list(dataset.get("SharedFunctionalGroupsSequence") or ())[:1]
    return next((group[name].value[0] for group in groups if group.get(name)), None)


def read_frame_planes(
    where: str, header: Dataset, frames: int, *, in_patient: bool = True
) -> list[SlicePlane] | None:
    """Return where each frame of a multi-frame file lies, None where the file does not say.

    `in_patient` says whether in the patient, or in the coordinates of an ultrasound volume.

    Raises:
        InputError: If what it says is no place, or it tells the place of some frames only.
    """
    names = PATIENT if in_patient else _VOLUME
    planes = []
    positions = 0
    for frame in range(frames):
        position, orientation, measures = (
            find_group(header, frame, name) or Dataset()
            for name in (*names[:2], "PixelMeasuresSequence")
        )
        positions += names[2] in position
        place = f"{where} frame {frame}"
        planes.append(make_plane(place, position, orientation, measures, names))
    placed = [plane for plane in planes if plane is not None]
    if placed and len(placed) < frames:
        placed_frames = f"{len(placed)} of {frames}"
        raise InputError(where, names[0], "gives the place of some frames only", got=placed_frames)
    if positions and not placed and frames > 1:
        raise InputError(where, names[3], "or PixelSpacing is missing beside the positions")
    return placed or None


def split_volumes(
    where: str, header: Dataset, planes: Sequence[SlicePlane]
) -> list[tuple[int, ...]]:
    """Return the frames of each volume of a multi-frame file.

    Frames that lie apart are one volume. Several at one place, or in several directions, belong
    to volumes that the dimension index tells apart (echo, time, stack …).

    Raises:
        InputError: If it does not.
    """
    if lie_apart(planes):
        return [tuple(range(len(planes)))]
    volumes: dict[tuple[int, ...], list[int]] = {}
    for frame in range(len(planes)):
        volumes.setdefault(_find_dimensions(header, frame), []).append(frame)
    members = [tuple(volumes[key]) for key in sorted(volumes)]
    for frames in members:
        if not lie_apart([planes[frame] for frame in frames]):
            raise InputError(
                where, "frames", "lie at one place and no dimension index tells them apart",
                got=f"{len(planes)} frames",
            )  # fmt: skip
    return members


def _find_dimensions(header: Dataset, frame: int) -> tuple[int, ...]:
    """Return which volume a frame belongs to: its dimension index without the position."""
    content = find_group(header, frame, "FrameContentSequence") or Dataset()
    pointers = [
        int(item.get("DimensionIndexPointer") or 0)
        for item in header.get("DimensionIndexSequence") or ()
    ]
    values = content.get("DimensionIndexValues")
    values = [] if values is None else np.atleast_1d(np.array(values, np.int64)).tolist()
    if pointers and len(values) == len(pointers):
        pairs = zip(pointers, values, strict=True)
        return tuple(int(value) for pointer, value in pairs if pointer not in _POSITIONS)
    return (int(content.get("TemporalPositionIndex") or 0),)
