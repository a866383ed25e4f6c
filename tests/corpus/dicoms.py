"""DICOM files made with pydicom: single slices and where they lie in the patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.corpus.case import Reading

Vector = tuple[float, float, float]
FRAME = "1.2.826.0.1.3680043.8.498.77"
"""Of reference: which patient coordinates are meant."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the voxels of a series lie: millimetres to the left, posterior, superior."""

    across: Vector = (1.0, 0.0, 0.0)
    """Direction in which columns are counted."""

    down: Vector = (0.0, 1.0, 0.0)
    step_mm: Vector = (0.0, 0.0, 3.0)
    """From slice to slice."""

    origin_mm: Vector = (-20.3, 11.7, 100.2)
    spacing_mm: tuple[float, float] = (0.8, 0.7)
    """Between rows and between columns."""

    flip: tuple[bool, bool] = (False, False)
    """Whether rows and columns are stored against the way that they are looked at."""

    @property
    def affine_lps(self) -> NDArray[np.float64]:
        """4 x 4: (column, row, slice, 1) to millimetres."""
        affine = np.eye(4)
        affine[:3, 0] = np.array(self.across) * self.spacing_mm[1]
        affine[:3, 1] = np.array(self.down) * self.spacing_mm[0]
        affine[:3, 2], affine[:3, 3] = self.step_mm, self.origin_mm
        return affine

    def locate(self, z: float) -> list[float]:
        """Return the place of the first pixel of slice `z`, in millimetres."""
        place: list[float] = (np.array(self.origin_mm) + np.array(self.step_mm) * z).tolist()
        return place

    def store(self, shown: NDArray[Any]) -> NDArray[Any]:
        """Return slices (Z, Y, X) as they are stored."""
        rows, columns = (slice(None, None, -1 if flipped else 1) for flipped in self.flip)
        return np.ascontiguousarray(shown[:, rows, columns])


AXIAL = Grid()
_TURN = np.deg2rad(20.0)
_TILT = np.deg2rad(15.0)

GRIDS = {
    "axial": AXIAL,
    "descending": Grid(step_mm=(0.0, 0.0, -3.0)),
    "feet-first": Grid(across=(-1.0, 0.0, 0.0), step_mm=(0.0, 0.0, -3.0), flip=(False, True)),
    "prone": Grid((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), flip=(True, True)),
    "coronal": Grid(down=(0.0, 0.0, -1.0), step_mm=(0.0, 3.0, 0.0)),
    "sagittal": Grid((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (3.0, 0.0, 0.0)),
    "oblique": Grid(
        down=(0.0, float(np.cos(_TURN)), float(np.sin(_TURN))),
        step_mm=(0.0, float(-3 * np.sin(_TURN)), float(3 * np.cos(_TURN))),
    ),
}
TILTS = {
    sign: Grid(down=(0.0, float(np.cos(_TILT)), float(factor * np.sin(_TILT))))
    for sign, factor in (("forward", 1), ("back", -1))
}
"""A gantry that is tilted: slices follow each other along the table, not along their normal."""


def make_header(sop_class: str, series: str, number: int) -> FileDataset:
    """Return a file without pixels, with the fields that libraries insist on."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = pydicom.uid.UID(sop_class)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series, str(number)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[series])
    dataset.FrameOfReferenceUID = FRAME
    dataset.PatientID, dataset.PatientName, dataset.InstanceNumber = "0", "Test^Nobody", number
    for name in ("PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime",
                 "AccessionNumber", "ReferringPhysicianName", "SeriesNumber"):  # fmt: skip
        setattr(dataset, name, None)
    return dataset


def set_pixels(dataset: pydicom.Dataset, stored: NDArray[Any], bits: int = 0) -> None:
    """Put grey pixels, whole numbers with axes (Y, X) or (frames, Y, X), into a file."""
    allocated = stored.dtype.itemsize * 8
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored = allocated, bits or allocated
    dataset.HighBit = (bits or allocated) - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    data = stored.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)


def make_slice(
    stored: NDArray[Any], place_mm: Sequence[float], grid: Grid, series: str, number: int
) -> FileDataset:
    """Return one CT slice of stored values that are 1024 above their Hounsfield units."""
    dataset = make_header(CTImageStorage, series, number)
    dataset.Modality = "CT"
    dataset.ImagePositionPatient = [float(round(value, 6)) for value in place_mm]
    dataset.ImageOrientationPatient = [round(value, 9) for value in (*grid.across, *grid.down)]
    dataset.PixelSpacing, dataset.SliceThickness = list(grid.spacing_mm), 3.0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    set_pixels(dataset, stored)
    return dataset


Change = Callable[[FileDataset, int], None]
"""What is otherwise in the file of slice z."""


def save_series(
    folder: Path,
    shown: NDArray[np.uint8],
    grid: Grid = AXIAL,
    change: Change | None = None,
    *,
    places: Sequence[float] = (),
    ending: str = ".dcm",
) -> list[Path]:
    """Write slices (Z, Y, X), Hounsfield units 0 … 255; names do not follow their places.

    Args:
        folder: Where to; its name makes the series.
        shown: As they are looked at.
        grid: Where they lie.
        change: What is otherwise in each file.
        places: Positions along `step_mm`; 0, 1, 2 … where there are none.
        ending: Of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for z, stored in enumerate(grid.store(shown)):
        place = grid.locate(places[z] if places else z)
        dataset = make_slice(stored + np.uint16(1024), place, grid, folder.name, z + 1)
        if change is not None:
            change(dataset, z)
        paths.append(folder / f"{(z * 5 + 3) % len(shown):02d}-{z}{ending}")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def save_nifti(path: Path, stored: NDArray[Any], affine_lps: NDArray[np.float64]) -> None:
    """Write an array with axes (Z, Y, X) as NIfTI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_lps
    nib.save(nib.Nifti1Image(stored.transpose(2, 1, 0), affine), path)


def read_by_itk(folder: Path) -> NDArray[Any]:
    """Return a series as GDCM sorts and scales it, axes (Z, Y, X)."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    found: NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    return found


def read_by_pydicom(paths: Sequence[Path]) -> NDArray[Any]:
    """Return files in the given order, scaled by pydicom, axes (Z, Y, X)."""
    datasets = [pydicom.dcmread(path) for path in paths]
    return np.stack([apply_modality_lut(one.pixel_array, one) for one in datasets])


def seen_by_itk(folder: Path, shown: NDArray[Any], grid: Grid) -> Reading:
    """Return the reading of a series by GDCM, which sorts along the normal of the slices."""
    along = float(np.dot(np.cross(grid.across, grid.down), grid.step_mm))
    stored = grid.store(shown)
    return Reading("SimpleITK", partial(read_by_itk, folder), stored[:: 1 if along > 0 else -1])


def seen_by_monai(folder: Path, shown: NDArray[Any], grid: Grid) -> Reading:
    """Return the reading of a series by MONAI, which sorts by instance numbers."""

    def read() -> NDArray[Any]:
        from monai.transforms import LoadImage

        loaded = LoadImage(reader="PydicomReader", image_only=True)(str(folder))
        return np.asarray(loaded).transpose(2, 1, 0)

    return Reading("MONAI", read, grid.store(shown))


def seen_by_pydicom(paths: Sequence[Path], wanted: NDArray[Any]) -> Reading:
    """Return the reading of files by pydicom and numpy."""
    return Reading("pydicom", partial(read_by_pydicom, paths), wanted)
