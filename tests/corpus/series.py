"""DICOM series: order, place and values of single slices."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless

from tests.corpus.case import AS_STORED, Case, Made, write_spec
from tests.corpus.dicoms import (
    AXIAL,
    GRIDS,
    TILTS,
    Change,
    save_nifti,
    save_series,
    seen_by_itk,
    seen_by_monai,
    seen_by_pydicom,
)
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise, one_slice
from tests.corpus.pictures import save

VOXELS = draw_noise(SHAPE)
DRAWN = draw_letters()
LABELS = 'labels = { 1 = "lesion" }'
SPEC = write_spec("ct/*.dcm", "m.nii.gz", LABELS, AS_STORED)
MINMAX = write_spec("ct/*.dcm", "m.nii.gz", LABELS, 'normalisation = "minmax"')
UNSURE = "slice|grid|position|place|tilt|spac|even"
"""Words of a refusal of slices that do not lie as they should."""


def _placed(grid_name: str, folder: Path) -> Made:
    """The mask is a NIfTI file with the same place in the patient."""
    grid = {**GRIDS, **TILTS}[grid_name]
    save_series(folder / "ct", VOXELS, grid)
    save_nifti(folder / "m.nii.gz", grid.store(DRAWN).astype(np.uint8), grid.affine_lps)
    spec = write_spec("ct/*.dcm", "m.nii.gz", LABELS, AS_STORED)
    seen = [see(folder / "ct", VOXELS, grid) for see in (seen_by_itk, seen_by_monai)]
    return Made(spec=spec, slices=cut_slices(VOXELS, DRAWN), readings=tuple(seen))


def _mask_series(grid_name: str, folder: Path) -> Made:
    """Masks are a DICOM series of their own, named otherwise than the images."""
    grid = GRIDS[grid_name]
    save_series(folder / "ct", VOXELS, grid)
    paths = save_series(folder / "seg", DRAWN.astype(np.uint8), grid)
    for z, path in enumerate(paths):
        path.rename(path.with_name(f"m{len(paths) - z}.dcm"))
    spec = write_spec("ct/*.dcm", "seg/*.dcm", f'{LABELS}\nstack = "name"', AS_STORED)
    readings = (
        seen_by_itk(folder / "ct", VOXELS, grid), seen_by_itk(folder / "seg", DRAWN, grid),
    )  # fmt: skip
    return Made(spec=spec, slices=cut_slices(VOXELS, DRAWN), readings=readings)


def _uneven(places: tuple[float, ...], folder: Path) -> Made:
    """Slices at other distances than even ones; masks pair with them by name."""
    paths = save_series(folder / "ct", VOXELS, places=places)
    for z, path in enumerate(paths):
        save(folder / f"png/{path.stem}.png", DRAWN[z].astype(np.uint8) * np.uint8(255))
    meaning = 'object = "lesion"\nstack = "name"'
    spec = write_spec("ct/*.dcm", "png/*.png", meaning, AS_STORED + '\nstack = "name"')
    reading = seen_by_pydicom(paths, VOXELS)
    return Made(spec=spec, slices=cut_slices(VOXELS, DRAWN), refusal=UNSURE, readings=(reading,))


def _uneven_with_volume(folder: Path) -> Made:
    """Between uneven slices an evenly spaced mask cannot be placed without a thought."""
    save_series(folder / "ct", VOXELS, places=(0, 1, 2, 3.4, 4.4, 5.4))
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    return Made(spec=SPEC, refusal=f"{UNSURE}|geometry")


def _twice(folder: Path) -> Made:
    """Two different slices at one place."""
    save_series(folder / "ct", VOXELS, places=(0, 1, 2, 2, 3, 4))
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    return Made(spec=SPEC, refusal=f"{UNSURE}|twice|same")


def _two_times(folder: Path) -> Made:
    """A series that was scanned twice: each place is there two times."""
    save_series(folder / "ct", VOXELS, places=(0, 1, 2, 0, 1, 2))
    save_nifti(folder / "m.nii.gz", DRAWN[:3].astype(np.uint8), AXIAL.affine_lps)
    return Made(spec=SPEC, refusal=f"{UNSURE}|twice|same")


def _two_series(folder: Path) -> Made:
    save_series(folder / "a", VOXELS[:3])
    save_series(folder / "b", VOXELS[3:], places=(3, 4, 5))
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    return Made(spec=SPEC.replace("ct/*", "**/*"), refusal="series")


def _scout(folder: Path) -> Made:
    """A scout view of another direction lies among the slices."""

    def change(dataset: FileDataset, z: int) -> None:
        if z == 0:
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    save_series(folder / "ct", VOXELS, change=change)
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    return Made(spec=SPEC, refusal="orientation|series")


def _drifting(folder: Path) -> Made:
    """Every slice lies a little further to the left: as with a tilt, but across."""

    def change(dataset: FileDataset, z: int) -> None:
        dataset.ImagePositionPatient[0] += 0.9 * z

    paths = save_series(folder / "ct", VOXELS, change=change)
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    return Made(
        spec=SPEC, refusal=f"{UNSURE}|geometry|drift", readings=(seen_by_pydicom(paths, VOXELS),)
    )


def _other_size(folder: Path) -> Made:
    def change(dataset: FileDataset, z: int) -> None:
        if z == 3:
            dataset.Rows, dataset.Columns = SHAPE[2], SHAPE[1]

    save_series(folder / "ct", VOXELS, change=change)
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    return Made(spec=SPEC, refusal="size|rows|differ")


def _changed(change: Change, folder: Path) -> Made:
    """The same voxels, stored in another way."""
    paths = save_series(folder / "ct", VOXELS, change=change)
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    reading = seen_by_pydicom(paths, VOXELS)
    return Made(spec=SPEC, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


def _slopes(dataset: FileDataset, z: int) -> None:
    """PET: each slice has a slope of its own."""
    dataset.RescaleSlope, dataset.RescaleIntercept = 2.0 ** -(z + 1), 0
    dataset.PixelData = (VOXELS[z].astype(np.uint16) * np.uint16(2 ** (z + 1))).tobytes()


def _intercepts(dataset: FileDataset, z: int) -> None:
    dataset.RescaleIntercept = -100 * z
    dataset.PixelData = (VOXELS[z] + np.uint16(100 * z)).tobytes()


def _signed(dataset: FileDataset, z: int) -> None:
    """Stored values are negative, in all 16 bits."""
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept = 512
    dataset.PixelData = (VOXELS[z].astype(np.int16) - np.int16(512)).tobytes()


def _signed_12(dataset: FileDataset, z: int) -> None:
    """Negative numbers of 12 bits: the bits above are not filled with their sign."""
    _signed(dataset, z)
    dataset.BitsStored, dataset.HighBit = 12, 11
    stored = (VOXELS[z].astype(np.int16) - np.int16(512)).view(np.uint16) & np.uint16(0x0FFF)
    dataset.PixelData = stored.tobytes()


def _overlay_bits(dataset: FileDataset, z: int) -> None:
    """Twelve bits are pixels; in the bits above somebody has drawn."""
    dataset.BitsStored, dataset.HighBit = 12, 11
    drawn = DRAWN[(z + 2) % len(DRAWN)].astype(np.uint16) << np.uint16(13)
    dataset.PixelData = (VOXELS[z] + np.uint16(1024) | drawn).tobytes()


def _eight_bits(dataset: FileDataset, z: int) -> None:
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.RescaleIntercept = 0
    dataset.PixelData = VOXELS[z].tobytes()


def _no_rescale(dataset: FileDataset, z: int) -> None:
    """MR files say nothing of a slope."""
    del dataset.RescaleSlope, dataset.RescaleIntercept
    dataset.PixelData = VOXELS[z].astype(np.uint16).tobytes()


def _lookup_table(dataset: FileDataset, z: int) -> None:
    """A table gives the value of each stored number."""
    del dataset.RescaleSlope, dataset.RescaleIntercept
    table = np.arange(255, -1, -1, dtype=np.uint16)
    row = Dataset()
    row.add_new("LUTDescriptor", "US", [256, 0, 16])
    row.ModalityLUTType = "US"
    row.add_new("LUTData", "OW", table.tobytes())
    dataset.ModalityLUTSequence = Sequence([row])
    dataset.PixelData = (255 - VOXELS[z].astype(np.uint16)).astype(np.uint16).tobytes()


def _run_lengths(dataset: FileDataset, z: int) -> None:
    dataset.compress(RLELossless, generate_instance_uid=False)


def _implicit(dataset: FileDataset, z: int) -> None:
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian


def _white_is_low(placed: bool, folder: Path) -> Made:
    """MONOCHROME1: small values are bright, whether the file has a place in the patient or not."""
    shown = draw_noise()

    def change(dataset: FileDataset, z: int) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.RescaleIntercept = 0
        dataset.PixelData = (np.uint16(255) - shown).tobytes()
        if not placed:
            del dataset.ImagePositionPatient, dataset.ImageOrientationPatient

    paths = save_series(folder / "ct", shown[np.newaxis], change=change)
    save(folder / "m.png", DRAWN[1].astype(np.uint8) * np.uint8(255))
    spec = write_spec("ct/*.dcm", "m.png", more='normalisation = "minmax"', modality="x-ray")
    reading = seen_by_pydicom(paths, 255.0 - shown[np.newaxis])
    return Made(spec=spec, slices=one_slice(shown, DRAWN[1]), readings=(reading,))


def _white_volume(folder: Path) -> Made:
    """MONOCHROME1 in a series of several slices."""

    def change(dataset: FileDataset, z: int) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.RescaleIntercept = 0
        dataset.PixelData = (np.uint16(255) - VOXELS[z]).tobytes()

    paths = save_series(folder / "ct", VOXELS, change=change)
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    reading = seen_by_pydicom(paths, 255.0 - VOXELS)
    return Made(spec=MINMAX, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


def _no_ending(folder: Path) -> Made:
    """Files as an archive hands them out: without an ending."""
    paths = save_series(folder / "ct", VOXELS, ending="")
    save_nifti(folder / "m.nii.gz", DRAWN.astype(np.uint8), AXIAL.affine_lps)
    spec = write_spec("ct/*", "m.nii.gz", LABELS, AS_STORED + '\nreader = "dicom"')
    reading = seen_by_pydicom(paths, VOXELS)
    return Made(spec=spec, slices=cut_slices(VOXELS, DRAWN), readings=(reading,))


def _shifted_names(folder: Path) -> Made:
    """Slices 1 … 6 as DICOM, their masks as pictures 0 … 5: nothing says which is which."""
    paths = save_series(folder / "ct", VOXELS)
    for z, path in enumerate(paths):
        path.rename(path.with_name(f"{z + 1}.dcm"))
        save(folder / f"png/{z}.png", DRAWN[z].astype(np.uint8) * np.uint8(255))
    meaning = 'object = "lesion"\nstack = "name"'
    spec = write_spec("ct/*.dcm", "png/*.png", meaning, AS_STORED + '\nstack = "name"')
    reading = seen_by_itk(folder / "ct", VOXELS, AXIAL)
    return Made(
        spec=spec, slices=cut_slices(VOXELS, DRAWN), refusal="number|name|slice|pair",
        readings=(reading,),
    )  # fmt: skip


CASES = (
    *(Case(f"{name}", partial(_placed, name)) for name in GRIDS),
    *(Case(f"tilt-{name}", partial(_placed, name)) for name in TILTS),
    *(Case(f"mask-series-{name}", partial(_mask_series, name)) for name in GRIDS),
    Case("irregular", partial(_uneven, (0, 1, 2.2, 3.6, 4.1, 6))),
    Case("missing-slice", partial(_uneven, (0, 1, 2, 4, 5, 6))),
    Case("missing-slice-volume", _uneven_with_volume),
    Case("place-twice", _twice),
    Case("two-times", _two_times),
    Case("two-series", _two_series),
    Case("scout", _scout),
    Case("drift", _drifting),
    Case("other-size", _other_size),
    *(
        Case(name, partial(_changed, change))
        for name, change in (
            ("pet-slopes", _slopes),
            ("intercepts", _intercepts),
            ("signed", _signed),
            ("signed-12-bits", _signed_12),
            ("overlay-bits", _overlay_bits),
            ("eight-bits", _eight_bits),
            ("no-rescale", _no_rescale),
            ("lookup-table", _lookup_table),
            ("rle", _run_lengths),
            ("implicit-vr", _implicit),
        )
    ),
    Case("monochrome1-placed", partial(_white_is_low, True)),
    Case("monochrome1-unplaced", partial(_white_is_low, False)),
    Case("monochrome1-volume", _white_volume),
    Case("no-ending", _no_ending),
    Case("shifted-names", _shifted_names),
)
