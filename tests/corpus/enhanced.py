"""Enhanced multi-frame DICOM: each frame has its own place, its own scale and any position."""

from __future__ import annotations

from collections.abc import Sequence as Items
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage

from tests.corpus.case import AS_STORED, Case, Made, Reading, write_spec
from tests.corpus.dicoms import AXIAL, GRIDS, TILTS, Grid, make_header, save_nifti, set_pixels
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise

VOXELS = draw_noise(SHAPE)
DRAWN = draw_letters()
SHUFFLED = (3, 0, 5, 1, 4, 2)
"""Slice of each frame."""

SPEC = write_spec("a.dcm", "m.nii.gz", 'labels = { 1 = "lesion" }', AS_STORED)
UNSURE = "slice|grid|position|place|tilt|spac|even|frame"


def _row(**values: object) -> Sequence:
    """Return a sequence of one item."""
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return Sequence([item])


def _scale(slope: float, intercept: float) -> Sequence:
    return _row(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")


def make_enhanced(
    shown: NDArray[np.uint8],
    grid: Grid,
    *,
    order: Items[int] = SHUFFLED,
    scales: Items[tuple[float, float]] = ((1.0, -1024.0),),
    places: Items[float] = (),
    kind: str = EnhancedCTImageStorage,
) -> FileDataset:
    """Return one file of all slices.

    Args:
        shown: Slices (Z, Y, X) as they are looked at.
        grid: Where they lie.
        order: Slice of each frame.
        scales: (slope, intercept) of each slice; one alone is shared by all frames.
        places: Positions along the step of the grid, where not 0, 1, 2 …
        kind: Storage class.
    """
    dataset = make_header(kind, "enhanced", 1)
    dataset.Modality = "CT" if kind == EnhancedCTImageStorage else "MR"
    shared, stored = Dataset(), grid.store(shown)
    turned = [round(value, 9) for value in (*grid.across, *grid.down)]
    shared.PlaneOrientationSequence = _row(ImageOrientationPatient=turned)
    shared.PixelMeasuresSequence = _row(PixelSpacing=list(grid.spacing_mm), SliceThickness=3.0)
    if len(scales) == 1:
        shared.PixelValueTransformationSequence = _scale(*scales[0])
    frames, pixels = [], []
    for z in order:
        slope, intercept = scales[z % len(scales)]
        frame = Dataset()
        place = grid.locate(places[z] if places else z)
        frame.PlanePositionSequence = _row(
            ImagePositionPatient=[float(round(value, 6)) for value in place]
        )
        if len(scales) > 1:
            frame.PixelValueTransformationSequence = _scale(slope, intercept)
        frames.append(frame)
        pixels.append(((stored[z] - intercept) / slope).astype(np.uint16))
    set_pixels(dataset, np.stack(pixels))
    dataset.NumberOfFrames = len(frames)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


def _read_frames(path: Path) -> NDArray[np.float64]:
    """Return the frames scaled one by one, in the order of the file."""
    dataset = pydicom.dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    scaled = []
    for pixels, own in zip(
        dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True
    ):
        rows = own.get("PixelValueTransformationSequence") or shared.get(
            "PixelValueTransformationSequence"
        )
        slope, intercept = (rows[0].RescaleSlope, rows[0].RescaleIntercept) if rows else (1, 0)
        scaled.append(pixels * float(slope) + float(intercept))
    return np.stack(scaled)


def _file(folder: Path, dataset: FileDataset, grid: Grid = AXIAL) -> Path:
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)
    save_nifti(folder / "m.nii.gz", grid.store(DRAWN).astype(np.uint8), grid.affine_lps)
    return folder / "a.dcm"


def _by_highdicom(path: Path, wanted: NDArray[np.uint8]) -> Reading:
    """Return the reading of highdicom, which sorts frames by their places."""

    def read() -> NDArray[np.float64]:
        from highdicom import imread

        volume = imread(path).get_volume(apply_real_world_transform=False)
        found: NDArray[np.float64] = volume.to_patient_orientation("HPL").array
        return found

    return Reading("highdicom", read, wanted)


def _placed(name: str, folder: Path) -> Made:
    """Frames are shuffled; the mask is a NIfTI file at the same place."""
    grid = {**GRIDS, **TILTS}[name]
    path = _file(folder, make_enhanced(VOXELS, grid), grid)
    readings = [Reading("pydicom", partial(_read_frames, path), grid.store(VOXELS)[[*SHUFFLED]])]
    if name == "axial":
        readings.append(_by_highdicom(path, VOXELS))
    return Made(
        spec=SPEC, slices=cut_slices(VOXELS, DRAWN),
        readings=tuple(readings),
    )  # fmt: skip


def _scaled(kind: str, scales: Items[tuple[float, float]], folder: Path) -> Made:
    path = _file(folder, make_enhanced(VOXELS, AXIAL, scales=scales, kind=kind))
    reading = Reading("pydicom", partial(_read_frames, path), VOXELS[[*SHUFFLED]])
    return Made(spec=SPEC, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


def _unscaled(folder: Path) -> Made:
    """MR without any scale."""
    dataset = make_enhanced(VOXELS, AXIAL, scales=((1.0, 0.0),), kind=EnhancedMRImageStorage)
    del dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    path = _file(folder, dataset)
    reading = Reading("pydicom", partial(_read_frames, path), VOXELS[[*SHUFFLED]])
    return Made(spec=SPEC, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


def _orientation_of_each(folder: Path) -> Made:
    """The orientation stands in each frame instead of being shared."""
    dataset = make_enhanced(VOXELS, AXIAL)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.PlaneOrientationSequence = shared.PlaneOrientationSequence
        frame.PixelMeasuresSequence = shared.PixelMeasuresSequence
    del shared.PlaneOrientationSequence, shared.PixelMeasuresSequence
    path = _file(folder, dataset)
    reading = Reading("pydicom", partial(_read_frames, path), VOXELS[[*SHUFFLED]])
    return Made(spec=SPEC, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


def _turned_frame(folder: Path) -> Made:
    """One frame is a scout view of another direction."""
    dataset = make_enhanced(VOXELS, AXIAL)
    frame = dataset.PerFrameFunctionalGroupsSequence[2]
    frame.PlaneOrientationSequence = _row(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    _file(folder, dataset)
    return Made(spec=SPEC, refusal=f"{UNSURE}|orientation")


def _uneven(places: Items[float], folder: Path) -> Made:
    _file(folder, make_enhanced(VOXELS, AXIAL, places=places))
    return Made(spec=SPEC, refusal=f"{UNSURE}|geometry|twice")


def _one_frame(folder: Path) -> Made:
    dataset = make_enhanced(VOXELS[1:2], AXIAL, order=(0,))
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)
    save_nifti(folder / "m.nii.gz", DRAWN[1:2].astype(np.uint8), AXIAL.affine_lps)
    reading = Reading("pydicom", lambda: pydicom.dcmread(folder / "a.dcm").pixel_array - 1024.0,
                      VOXELS[1].astype(float))  # fmt: skip
    return Made(spec=SPEC, slices=cut_slices(VOXELS[1:2], DRAWN[1:2]), readings=(reading,))


def _white_is_low(folder: Path) -> Made:
    dataset = make_enhanced(np.uint8(255) - VOXELS, AXIAL, scales=((1.0, 0.0),))
    dataset.PhotometricInterpretation = "MONOCHROME1"
    path = _file(folder, dataset)
    spec = SPEC.replace(AS_STORED, 'normalisation = "minmax"')
    wanted = (np.uint8(255) - VOXELS)[[*SHUFFLED]]
    reading = Reading("pydicom", partial(_read_frames, path), wanted)
    return Made(spec=spec, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


SLOPES = tuple((2.0**-z, -64.0 * z) for z in range(SHAPE[0]))

CASES = (
    *(Case(name, partial(_placed, name)) for name in (*GRIDS, "forward", "back")),
    Case("ct-scale-of-each", partial(_scaled, EnhancedCTImageStorage, SLOPES)),
    Case("mr-scale-of-each", partial(_scaled, EnhancedMRImageStorage, SLOPES)),
    Case("mr-unscaled", _unscaled),
    Case("orientation-of-each", _orientation_of_each),
    Case("scout", _turned_frame),
    Case("irregular", partial(_uneven, (0, 1, 2.3, 3, 4, 5))),
    Case("missing-slice", partial(_uneven, (0, 1, 2, 4, 5, 6))),
    Case("place-twice", partial(_uneven, (0, 1, 2, 2, 3, 4))),
    Case("one-frame", _one_frame),
    Case("monochrome1", _white_is_low),
)
