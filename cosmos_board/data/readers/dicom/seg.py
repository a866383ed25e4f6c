"""DICOM SEG: one mask a segment, its frames put where they belong among the voxels of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.dicom.files import (
    SEGMENTATIONS,
    get_size,
    get_sop_class,
    open_dataset,
)
from cosmos_board.data.readers.dicom.frames import find_group, read_frame_planes
from cosmos_board.data.readers.dicom.pixels import decode_stored
from cosmos_board.data.readers.dicom.planes import SlicePlane
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.readers.raster import DicomIdentity
from cosmos_board.data.readers.regions.region import IsWanted, Region
from cosmos_board.data.volumes import Volume

_OFF = 0.2
"""Share of a voxel by which a pixel may miss its voxel; slices themselves may be 0.1 off."""

_TYPES = ("BINARY", "FRACTIONAL", "LABELMAP")


@dataclass(frozen=True, slots=True, eq=False)
class _SegFile:
    path: Path
    dataset: Dataset
    kind: str
    labels: dict[int, str]
    frames: NDArray[Any]
    """Stored values, axes (frame, Y, X)."""

    numbers: tuple[int, ...]
    """The segment of each frame; empty for a label map, whose values are the segments."""


def read_dicom_seg(
    path: Path,
    image: Volume,
    identity: DicomIdentity | None = None,
    is_wanted: IsWanted = lambda number, label: True,
) -> Iterator[Region]:
    """Yield the segments of a file, drawn on the voxels of `image`, in the order of their numbers.

    Fractional segments are cut at half of their range. Frames may be flipped, transposed or cover
    a part of the slices, if their pixels coincide with voxels.

    Of `image`, only shape and affine are used; `identity` is what DICOM files call it, for frames
    that name a slice and no place. Segments that are not wanted may lie anywhere.

    Raises:
        InputError: If it is no DICOM SEG file, damaged, of another frame of reference, or
            something is drawn outside of the voxels of `image`.
    """
    file = _open(path)
    own = str(file.dataset.get("FrameOfReferenceUID") or "")
    if identity and own and identity.frame_of_reference_uid not in ("", own):
        raise InputError(
            path, "FrameOfReferenceUID", "differs from that of the image",
            want="the SEG of this series, or geometry = 'ignore'",
        )  # fmt: skip
    with reading(path, "DICOM SEG file"):
        count = len(file.frames)
        planes = read_frame_planes(str(path), file.dataset, count)
        to_voxels = (
            _follow_references(file, image, identity)
            if planes is None
            else [_find_voxels(plane, image) for plane in planes]
        )
    for number, label in sorted(file.labels.items()):
        if not is_wanted(number, label):
            continue
        drawn = np.zeros(image.voxels.shape, np.bool_)
        for frame, to_voxel in enumerate(to_voxels):
            mask = _take_segment(file, frame, number)
            if mask is not None and mask.any():
                _draw(f"{path} frame {frame}", mask, to_voxel, drawn)
        yield Region(label, drawn, str(number), number)


def _open(path: Path) -> _SegFile:
    with reading(path, "DICOM SEG file"):
        dataset = open_dataset(path)
        kind = str(dataset.get("SegmentationType") or "")
        if get_sop_class(dataset) not in SEGMENTATIONS or kind not in _TYPES:
            seen = f"{get_sop_class(dataset).name or 'nothing'} {kind}".rstrip()
            raise InputError(path, "SegmentationType", "is not read", got=seen,
                             want=" or ".join(_TYPES))  # fmt: skip
        groups = dataset.get("PerFrameFunctionalGroupsSequence") or ()
        if dataset.get("NumberOfFrames") is None:
            dataset.NumberOfFrames = max(len(groups), 1)
        count = int(dataset.NumberOfFrames)
        if len(groups) != count:
            raise InputError(path, "NumberOfFrames", "differs from the frames that are described",
                             got=count, want=len(groups))  # fmt: skip
        check_size(path, (count, *get_size(dataset)), LARGEST_VOLUME_PX)
        labels: dict[int, str] = {}
        for row in dataset.SegmentSequence:
            if int(row.SegmentNumber) in labels:
                raise InputError(path, "SegmentNumber", "is given twice", got=row.SegmentNumber)
            labels[int(row.SegmentNumber)] = str(row.get("SegmentLabel") or "")
        frames, _ = decode_stored(path, dataset)
        numbers: tuple[int, ...] = ()
        if kind == "LABELMAP":
            labels.pop(int(dataset.get("PixelPaddingValue") or 0), None)
        else:
            numbers = tuple(_find_number(path, dataset, frame) for frame in range(count))
        file = _SegFile(path, dataset, kind, labels, frames, numbers)
        _check_values(file)
    return file


def _find_number(path: Path, dataset: Dataset, frame: int) -> int:
    group = find_group(dataset, frame, "SegmentIdentificationSequence")
    if group is None:
        raise InputError(path, "SegmentIdentificationSequence", "is missing", got=f"frame {frame}")
    return int(group.ReferencedSegmentNumber)


def _check_values(file: _SegFile) -> None:
    used = set(file.numbers)
    if file.kind == "LABELMAP":
        background = int(file.dataset.get("PixelPaddingValue") or 0)
        used = {int(value) for value in np.unique(file.frames)} - {background}
    if unknown := sorted(used - file.labels.keys()):
        raise InputError(
            file.path, "SegmentSequence", "does not describe a segment that is drawn",
            got=unknown[0], want=sorted(file.labels)[:8],
        )  # fmt: skip
    if file.kind == "FRACTIONAL":
        largest = int(file.dataset.get("MaximumFractionalValue") or 0)
        if not largest > 0 or file.frames.max(initial=0) > largest:
            raise InputError(
                file.path, "MaximumFractionalValue", "is missing or below a value",
                got=largest, want=file.frames.max(initial=0),
            )  # fmt: skip


def _take_segment(file: _SegFile, frame: int, number: int) -> NDArray[np.bool_] | None:
    if file.kind == "LABELMAP":
        return np.asarray(file.frames[frame] == number)
    if file.numbers[frame] != number:
        return None
    half = int(file.dataset.MaximumFractionalValue) / 2 if file.kind == "FRACTIONAL" else 0
    return np.asarray(file.frames[frame] > half)


def _find_voxels(plane: SlicePlane, image: Volume) -> NDArray[np.float64]:
    """Return pixel (column, row, 1) → voxel index (x, y, z) of the image, shape (3, 3)."""
    down_mm, across_mm = plane.spacing_mm
    to_mm = np.stack([plane.across * across_mm, plane.down * down_mm, plane.corner], 1)
    to_index = np.linalg.inv(image.affine_lps)
    to_voxel = to_index[:3, :3] @ to_mm
    to_voxel[:, 2] += to_index[:3, 3]
    return np.asarray(to_voxel, np.float64)


def _follow_references(
    file: _SegFile, image: Volume, identity: DicomIdentity | None
) -> Sequence[NDArray[np.float64]]:
    """Return what `_find_voxels` does for frames that name the slice they were drawn on."""
    slices = {} if identity is None else {key: z for z, key in enumerate(identity.slices)}
    if get_size(file.dataset) != image.voxels.shape[1:]:
        raise InputError(
            file.path, "size", "differs from the series, and frames have no place",
            got=get_size(file.dataset), want=image.voxels.shape[1:],
        )  # fmt: skip
    result = []
    for frame in range(len(file.frames)):
        z = slices.get(_find_reference(file.dataset, frame))
        if z is None:
            raise InputError(
                file.path, "PlanePositionSequence",
                f"is missing, and frame {frame} names no slice of the image",
            )  # fmt: skip
        result.append(np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, z]]))
    return result


def _find_reference(dataset: Dataset, frame: int) -> tuple[str, int]:
    derivation = find_group(dataset, frame, "DerivationImageSequence") or Dataset()
    sources = list(derivation.get("SourceImageSequence") or ())
    if len(sources) != 1:
        return "", 0
    number = sources[0].get("ReferencedFrameNumber") or 1
    return str(sources[0].get("ReferencedSOPInstanceUID") or ""), int(number)


def _draw(
    where: str, mask: NDArray[np.bool_], to_voxel: NDArray[np.float64], drawn: NDArray[np.bool_]
) -> None:
    """Set the voxels on which the pixels of `mask` (axes (Y, X)) lie."""
    rows, columns = np.argwhere(mask).T
    rounded = np.rint(to_voxel)
    corners = np.array([[x, y, 1] for x in (columns.min(), columns.max())
                        for y in (rows.min(), rows.max())], np.float64)  # fmt: skip
    off = np.abs(corners @ (to_voxel - rounded).T).max()
    steps = np.abs(rounded[:, :2])
    if off > _OFF or steps.sum(axis=0).tolist() != [1, 1] or steps.sum(axis=1).max() > 1:
        raise InputError(
            where, "ImagePositionPatient", "lies on no slice of the series",
            got=f"first pixel at voxel {np.round(to_voxel[::-1, 2], 2).tolist()} (z, y, x)",
        )  # fmt: skip
    pixels = np.stack([columns, rows, np.ones_like(rows)])
    x, y, z = (row @ pixels for row in rounded.astype(np.intp))
    depth, height, width = drawn.shape
    if ((x < 0) | (x >= width) | (y < 0) | (y >= height) | (z < 0) | (z >= depth)).any():
        raise InputError(
            where, "ImagePositionPatient", "is drawn outside of the series",
            got=f"voxels {[int(z.min()), int(y.min()), int(x.min())]} to "
            f"{[int(z.max()), int(y.max()), int(x.max())]} (z, y, x)",
            want=f"below {list(drawn.shape)}",
        )  # fmt: skip
    drawn[z, y, x] = True
