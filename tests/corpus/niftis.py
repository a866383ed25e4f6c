"""NIfTI: shapes, orientations, number types and headers of every kind; read again by nibabel."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from tests.corpus.case import AS_STORED, Case, Made, Reading, write_spec
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise

VOXELS = draw_noise(SHAPE)
DRAWN = draw_letters()
SLICES = cut_slices(VOXELS, DRAWN)
LABELS = 'labels = { 1 = "lesion" }'
SPEC = write_spec("a.nii.gz", "m.nii.gz", LABELS, AS_STORED)
LPS = np.diag([0.7, 0.8, 3.0, 1.0])
"""Voxel (x, y, z) to millimetres left, posterior, superior."""

LPS[:3, 3] = -20.3, 11.7, 100.2
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def make_image(
    voxels: NDArray[Any], affine_lps: NDArray[np.float64] = LPS, kind: type = nib.Nifti1Image
) -> Any:  # noqa: ANN401
    """Return an image of voxels with axes (Z, Y, X) to the head, the back and the left."""
    order = (*range(voxels.ndim)[2::-1], *range(3, voxels.ndim))
    return kind(np.ascontiguousarray(voxels.transpose(order)), TO_RAS @ affine_lps)


def turn(image: Any, code: str) -> Any:  # noqa: ANN401
    """Return the same image stored along other axes, such as PSR."""
    target = axcodes2ornt(tuple(code))
    return image.as_reoriented(ornt_transform(io_orientation(image.affine), target))


def read_lps(path: Path) -> NDArray[Any]:
    """Return voxels with axes (Z, Y, X) to the head, the back and the left, by nibabel."""
    image = nib.load(path)
    target = axcodes2ornt(("L", "P", "S"))
    turned = image.as_reoriented(ornt_transform(io_orientation(image.affine), target))
    return np.asarray(turned.dataobj).transpose(2, 1, 0)


def read_by_itk(path: Path) -> NDArray[Any]:
    """Return voxels with the same axes, by SimpleITK."""
    found: NDArray[Any] = sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS"))
    return found


def seen(path: Path, wanted: NDArray[Any] = VOXELS) -> Reading:
    """Return the reading of a file by nibabel."""
    return Reading("nibabel", partial(read_lps, path), wanted)


def seen_by_itk(path: Path, wanted: NDArray[Any] = VOXELS) -> Reading:
    """Return the reading of a file by SimpleITK."""
    return Reading("SimpleITK", partial(read_by_itk, path), wanted)


def save_mask(folder: Path, affine_lps: NDArray[np.float64] = LPS) -> None:
    """Write the letters as labels."""
    nib.save(make_image(DRAWN.astype(np.uint8), affine_lps), folder / "m.nii.gz")


def _turned(code: str, mask_code: str, folder: Path) -> Made:
    nib.save(turn(make_image(VOXELS), code), folder / "a.nii.gz")
    nib.save(turn(make_image(DRAWN.astype(np.uint8)), mask_code), folder / "m.nii.gz")
    readings = (
        seen(folder / "a.nii.gz"), seen_by_itk(folder / "a.nii.gz"),
        seen_by_itk(folder / "m.nii.gz", DRAWN.astype(np.uint8)),
    )  # fmt: skip
    return Made(spec=SPEC, slices=SLICES, readings=readings)


def _oblique(code: str, folder: Path) -> Made:
    """Turned by 20 degrees about two axes; the mask is stored along other axes."""
    a, b = np.deg2rad([20.0, -13.0])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    affine = LPS.copy()
    affine[:3, :3] = about_z @ about_x @ LPS[:3, :3]
    nib.save(make_image(VOXELS, affine), folder / "a.nii.gz")
    nib.save(turn(make_image(DRAWN.astype(np.uint8), affine), code), folder / "m.nii.gz")
    return Made(spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _elsewhere(how: str, folder: Path) -> Made:
    """A mask of the same shape that says it lies elsewhere."""
    nib.save(make_image(VOXELS), folder / "a.nii.gz")
    other = LPS.copy()
    if how == "shifted":
        other[2, 3] += 3.0
    elif how == "mirrored":
        other[0, 0], other[0, 3] = -0.7, -20.3 + 0.7 * (SHAPE[2] - 1)
    else:
        other[:3, 0] *= 1.2
    save_mask(folder, other)
    if how == "mirrored":
        mirrored = np.ascontiguousarray(DRAWN[:, :, ::-1])
        reading = seen(folder / "m.nii.gz", mirrored.astype(np.uint8))
        return Made(spec=SPEC, slices=cut_slices(VOXELS, mirrored), readings=(reading,))
    return Made(spec=SPEC, refusal="geometry|elsewhere", readings=(seen(folder / "a.nii.gz"),))


def _ignored(folder: Path) -> Made:
    nib.save(make_image(VOXELS), folder / "a.nii.gz")
    save_mask(folder, np.diag([1.0, 1.0, 1.0, 1.0]))
    spec = write_spec("a.nii.gz", "m.nii.gz", LABELS, AS_STORED + '\ngeometry = "ignore"')
    return Made(spec=spec, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _two_places(mask_has: str, folder: Path) -> Made:
    """Qform and sform differ: the sform counts, as nibabel takes it."""
    image = make_image(VOXELS)
    wrong = TO_RAS @ np.diag([0.7, 0.8, 3.0, 1.0])
    image.set_sform(TO_RAS @ LPS, code=2)
    image.set_qform(wrong @ np.diag([-1.0, 1.0, 1.0, 1.0]), code=1)
    nib.save(image, folder / "a.nii.gz")
    mask = make_image(DRAWN.astype(np.uint8))
    if mask_has == "both":
        mask.set_sform(TO_RAS @ LPS, code=2)
        mask.set_qform(wrong @ np.diag([-1.0, 1.0, 1.0, 1.0]), code=1)
    elif mask_has == "sform":
        mask.set_sform(TO_RAS @ LPS, code=2)
        mask.set_qform(None, code=0)
    nib.save(mask, folder / "m.nii.gz")
    return Made(spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _only_qform(folder: Path) -> Made:
    image, mask = make_image(VOXELS), make_image(DRAWN.astype(np.uint8))
    for one in (image, mask):
        one.set_qform(TO_RAS @ LPS, code=1)
        one.set_sform(None, code=0)
    nib.save(image, folder / "a.nii.gz")
    nib.save(mask, folder / "m.nii.gz")
    return Made(spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _units(unit: str, factor: float, folder: Path) -> Made:
    """Distances in metres or micrometres, or very small ones."""
    affine = LPS.copy()
    affine[:3] *= factor
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        image = make_image(voxels, affine)
        image.header.set_xyzt_units(unit)
        nib.save(image, folder / f"{name}.nii.gz")
    return Made(spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _other_shape(resample: bool, folder: Path) -> Made:
    """A mask of half the resolution that covers the same space."""
    nib.save(make_image(VOXELS), folder / "a.nii.gz")
    coarse = np.zeros((SHAPE[0], SHAPE[1] // 2, SHAPE[2] // 2), np.uint8)
    coarse[1, 3:12, 4:17], coarse[2, 6:16, 5:12] = 1, 1
    affine = LPS.copy()
    affine[:3, :2] *= 2
    affine[:3, 3] += (LPS[:3, 0] + LPS[:3, 1]) / 2
    nib.save(make_image(coarse, affine), folder / "m.nii.gz")
    fine = coarse.repeat(2, axis=1).repeat(2, axis=2) > 0
    reading = seen(folder / "m.nii.gz", coarse)
    if not resample:
        return Made(spec=SPEC, refusal="geometry|size|elsewhere", readings=(reading,))
    spec = write_spec("a.nii.gz", "m.nii.gz", LABELS, AS_STORED + '\nresample = "nearest"')
    return Made(spec=spec, slices=cut_slices(VOXELS, fine), readings=(reading,))


CODES = ("RAS", "LAS", "LPS", "RPI", "PSR", "ASL", "SRP", "IPL")

CASES = (
    *(Case(f"stored-{code.lower()}", partial(_turned, code, "LPS")) for code in CODES),
    *(Case(f"mask-stored-{code.lower()}", partial(_turned, "RAS", code)) for code in CODES),
    *(Case(f"oblique-mask-{code.lower()}", partial(_oblique, code)) for code in ("LPS", "PSR")),
    *(Case(f"mask-{how}", partial(_elsewhere, how)) for how in ("shifted", "mirrored", "larger")),
    Case("geometry-ignored", _ignored),
    *(Case(f"two-places-mask-{has}", partial(_two_places, has)) for has in ("both", "sform")),
    Case("only-qform", _only_qform),
    *(
        Case(f"unit-{unit}", partial(_units, unit, factor))
        for unit, factor in (("micron", 1000.0), ("meter", 1e-3), ("mm", 1e-3))
    ),
    Case("tiny-spacing", partial(_units, "mm", 1e-5)),
    Case("other-grid", partial(_other_shape, False)),
    Case("other-grid-resampled", partial(_other_shape, True)),
)
