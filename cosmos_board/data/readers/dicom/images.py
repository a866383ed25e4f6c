"""DICOM images: pixels and geometry; whatever else the headers say is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.dicom.files import (
    count_pixel_frames,
    get_size,
    open_dataset,
    open_image_header,
)
from cosmos_board.data.readers.dicom.frames import read_frame_planes, split_volumes
from cosmos_board.data.readers.dicom.pixels import DicomPixels, is_inverted, read_pixels
from cosmos_board.data.readers.dicom.planes import SlicePlane, arrange, read_plane
from cosmos_board.data.readers.guard import reading
from cosmos_board.data.readers.raster import DicomIdentity, Raster


def read_dicom(paths: Sequence[Path], frame: int | None = None) -> Raster:
    """Return what one file, or the single-frame files of one series, hold.

    `frame` is which volume or picture of a file that holds several.

    Raises:
        InputError: If a file is damaged, no image, or the slices form no even grid.
    """
    if not paths:
        raise InputError("DICOM series", "", "has no file")
    headers = [open_image_header(path) for path in paths]
    with reading(paths[0]):
        if len(paths) > 1:
            _choose(paths[0], frame, 1, "volumes")
            return _read_series(paths, headers)
        return _read_file(paths[0], headers[0], frame)


def has_place(path: Path) -> bool:
    """Return whether a file says where in the patient it lies; InputError if it is no image."""
    with reading(path):
        header = open_image_header(path)
        return _find_planes(path, header, count_pixel_frames(header))[0] is not None


def count_volumes(path: Path) -> int:
    """Return how many volumes or pictures `frame` chooses among; InputError if it is no image."""
    header = open_image_header(path)
    frames = count_pixel_frames(header)
    with reading(path):
        planes, _ = _find_planes(path, header, frames)
        return frames if planes is None else len(split_volumes(str(path), header, planes))


def _read_series(paths: Sequence[Path], headers: Sequence[Dataset]) -> Raster:
    _check_one_series(paths, headers)
    planes: list[SlicePlane] = []
    for path, header in zip(paths, headers, strict=True):
        with reading(path):
            slice_planes, _ = _find_planes(path, header, 1)
        if slice_planes is None:
            names = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
            missing = next(name for name in names if header.get(name) is None)
            raise InputError(
                path, missing, f"is missing, so that the {len(paths)} files are no volume",
                want="a place in each, or a pattern of files that takes them one by one",
            )  # fmt: skip
        planes += slice_planes
    rows, columns = get_size(headers[0])
    check_size(paths[0].parent, (len(paths), rows, columns), LARGEST_VOLUME_PX)
    grid = arrange(planes)
    voxels = np.empty((len(paths), rows, columns), np.float32)
    padded = lossy = False
    for z, position in enumerate(grid.order):
        pixels = read_pixels(paths[position], open_dataset(paths[position]))
        if pixels.colour or pixels.palette is not None:
            raise InputError(paths[position], "pixels", "are in colour, as slices of a series")
        voxels[z] = pixels.array[0]
        padded, lossy = padded or pixels.padded, lossy or pixels.lossy
    return Raster(
        voxels,
        "ZYX",
        inverted=is_inverted(headers[0]),
        lossy=lossy,
        affine_lps=grid.affine_lps,
        order=grid.order,
        identity=_identify([headers[position] for position in grid.order]),
        notes=_note(padded, sheared=grid.sheared),
    )


def _check_one_series(paths: Sequence[Path], headers: Sequence[Dataset]) -> None:
    localizers = ["LOCALIZER" in (header.get("ImageType") or ()) for header in headers]
    if any(localizers) and not all(localizers):
        path = paths[localizers.index(True)]
        raise InputError(path, "ImageType", "is LOCALIZER, among the slices of a series")
    for path, header in zip(paths, headers, strict=True):
        frames = count_pixel_frames(header)
        if frames > 1:
            raise InputError(
                path, "NumberOfFrames", f"makes a volume of its own, among {len(paths)} files",
                got=frames, want="a pattern of files that takes them one by one",
            )  # fmt: skip
        for name in ("SeriesInstanceUID", "Rows", "Columns", "PhotometricInterpretation"):
            with reading(path):
                value, first_value = header.get(name), headers[0].get(name)
            if value != first_value:
                # Identifiers stay out of messages, which may be passed on.
                got, want = (None, None) if name.endswith("UID") else (value, first_value)
                raise InputError(
                    path, name, "differs from the other slices of the series", got=got, want=want
                )


def _read_file(path: Path, header: Dataset, frame: int | None) -> Raster:
    if header.get("TotalPixelMatrixRows") and count_pixel_frames(header) > 1:
        raise InputError(path, "NumberOfFrames", "are tiles of a slide, which are not read")
    if "GridFrameOffsetVector" in header:
        raise InputError(path, "GridFrameOffsetVector", "makes it a grid of doses, not an image")
    pixels = read_pixels(path, open_dataset(path))
    frames = len(pixels.array)
    planes, in_patient = _find_planes(path, header, frames)
    notes = _note(pixels.padded, header=header)
    if pixels.colour or pixels.palette is not None or planes is None:
        return _make_picture(path, header, pixels, frame, notes)
    volumes = split_volumes(str(path), header, planes)
    chosen = volumes[_choose(path, frame, len(volumes), "volumes")]
    grid = arrange([planes[position] for position in chosen])
    order = [chosen[position] for position in grid.order]
    voxels = pixels.array[order]
    if not in_patient:
        inverted = is_inverted(header)
        return Raster(voxels, "ZYX", inverted=inverted, lossy=pixels.lossy, notes=notes)
    return Raster(
        voxels if frames == 1 else voxels.astype(np.float32),
        "ZYX",
        inverted=is_inverted(header),
        lossy=pixels.lossy,
        affine_lps=grid.affine_lps,
        order=(0,) if frames == 1 else None,
        identity=_identify([header] * len(order), order),
        single=frames == 1,
        notes=_note(pixels.padded, sheared=grid.sheared),
    )


def _find_planes(path: Path, header: Dataset, frames: int) -> tuple[list[SlicePlane] | None, bool]:
    """Return where the frames lie, and whether in the patient (else in an ultrasound volume)."""
    planes = read_frame_planes(str(path), header, frames)
    if planes is None and frames == 1 and (plane := read_plane(str(path), header)) is not None:
        planes = [plane]
    if planes is not None or frames == 1:
        return planes, True
    return read_frame_planes(str(path), header, frames, in_patient=False), False


def _make_picture(
    path: Path, header: Dataset, pixels: DicomPixels, frame: int | None, notes: tuple[str, ...]
) -> Raster:
    """Return one picture, or all frames as a stack where they are grey and none is asked for."""
    frames = len(pixels.array)
    grey = not pixels.colour and pixels.palette is None
    inverted = grey and is_inverted(header)
    if grey and frames > 1 and frame is None:
        return Raster(pixels.array, "ZYX", inverted=inverted, lossy=pixels.lossy, notes=notes)
    picture = pixels.array[_choose(path, frame, frames, "pictures")]
    if grey and int(header.get("BitsStored") or 0) == 1:
        picture = picture.astype(np.bool_)
    return Raster(
        picture,
        "YXS" if pixels.colour else "YX",
        palette=pixels.palette,
        lossy=pixels.lossy,
        inverted=inverted,
        notes=notes,
    )


def _choose(path: Path, frame: int | None, count: int, what: str) -> int:
    if frame is None and count > 1:
        raise InputError(path, "frame", f"has to be chosen among {count} {what}")
    if frame is not None and frame >= count:
        raise InputError(path, "frame", "is not in the file", got=frame, want=f"below {count}")
    return frame or 0


def _identify(headers: Sequence[Dataset], frames: Sequence[int] | None = None) -> DicomIdentity:
    numbers = [0] * len(headers) if frames is None else frames
    return DicomIdentity(
        str(headers[0].get("FrameOfReferenceUID") or ""),
        tuple(
            (str(header.get("SOPInstanceUID") or ""), number + 1)
            for header, number in zip(headers, numbers, strict=True)
        ),
    )


def _note(padded: bool, *, sheared: bool = False, header: Dataset | None = None) -> tuple[str, ...]:
    notes = []
    if padded:
        notes.append("pixel padding kept as it is")
    if sheared:
        notes.append("slices shifted evenly within their plane (gantry tilt), kept as a shear")
    aspect = None if header is None else header.get("PixelAspectRatio")
    if aspect and len(aspect) == 2 and int(aspect[0]) != int(aspect[1]):
        notes.append("pixels are not square, kept as they are")
    return tuple(notes)
