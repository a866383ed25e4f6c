"""NIfTI: shapes, orientations, number types and headers of every kind; read again by nibabel."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
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
    return Made(
        spec=SPEC, slices=SLICES, refusal="sform|qform", readings=(seen(folder / "a.nii.gz"),)
    )


def _only_qform(folder: Path) -> Made:
    image, mask = make_image(VOXELS), make_image(DRAWN.astype(np.uint8))
    for one in (image, mask):
        one.set_qform(TO_RAS @ LPS, code=1)
        one.set_sform(None, code=0)
    nib.save(image, folder / "a.nii.gz")
    nib.save(mask, folder / "m.nii.gz")
    return Made(spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _frames(shape: tuple[int, ...], frame: str, slices_of: int | None, folder: Path) -> Made:
    """Four and five dimensions: a frame has to be chosen where there are several."""
    film = np.stack([VOXELS, draw_noise(SHAPE, 5)], -1)[..., : shape[0]]
    while film.ndim - 3 < len(shape):
        film = film[..., np.newaxis]
    film = np.broadcast_to(film, (*SHAPE, *shape)) if shape[-1] > 1 else film
    nib.save(make_image(np.ascontiguousarray(film)), folder / "a.nii.gz")
    save_mask(folder)
    stored = np.asarray(nib.load(folder / "a.nii.gz").dataobj)
    reading = Reading(
        "nibabel",
        lambda: stored.reshape((*SHAPE[::-1], -1))[..., 0].transpose(2, 1, 0), VOXELS,
    )  # fmt: skip
    spec = write_spec("a.nii.gz", "m.nii.gz", LABELS, f"{AS_STORED}\n{frame}")
    if slices_of is None:
        return Made(spec=spec, refusal="frame|dimension|shape", readings=(reading,))
    return Made(
        spec=spec, slices=cut_slices(film.reshape((*SHAPE, -1))[..., slices_of], DRAWN),
        readings=(reading,),
    )  # fmt: skip


def _every_frame(folder: Path) -> Made:
    """A film with as many masks as frames: all are of one cluster."""
    film = np.stack([VOXELS, draw_noise(SHAPE, 5)], -1)
    drawn = np.stack([DRAWN, DRAWN[:, ::-1, :]], -1)
    nib.save(make_image(film), folder / "a.nii.gz")
    nib.save(make_image(drawn.astype(np.uint8)), folder / "m.nii.gz")
    spec = write_spec(
        "a.nii.gz", "m.nii.gz", LABELS + '\nframe = "all"', AS_STORED + '\nframe = "all"'
    )
    slices = tuple(one for t in (0, 1) for one in cut_slices(film[..., t], drawn[..., t]))
    reading = Reading(
        "nibabel", lambda: np.asarray(nib.load(folder / "a.nii.gz").dataobj)[..., 1].T, film[..., 1]
    )
    return Made(spec=spec, slices=slices, readings=(reading,))


def _flat(depth: tuple[int, ...], folder: Path) -> Made:
    """One slice: of two dimensions, or of three with one of a single voxel."""
    image, mask = (
        nib.Nifti1Image(np.ascontiguousarray(one.T).reshape(one.shape[::-1] + depth), TO_RAS @ LPS)
        for one in (VOXELS[1], DRAWN[1].astype(np.uint8))
    )
    nib.save(image, folder / "a.nii.gz")
    nib.save(mask, folder / "m.nii.gz")
    reading = Reading(
        "nibabel", lambda: np.asarray(nib.load(folder / "a.nii.gz").dataobj).squeeze().T, VOXELS[1]
    )
    return Made(spec=SPEC, slices=cut_slices(VOXELS[1:2], DRAWN[1:2]), readings=(reading,))


def _thin(axis: int, folder: Path) -> Made:
    """A single coronal or sagittal slice: rows run from head to foot."""
    shape = (40, 1, 52) if axis == 1 else (40, 52, 1)
    shown, drawn = draw_noise((40, 52), 3), draw_letters((3, 40, 52))[1]
    nib.save(make_image(shown[::-1].reshape(shape)), folder / "a.nii.gz")
    nib.save(make_image(drawn[::-1].reshape(shape).astype(np.uint8)), folder / "m.nii.gz")
    reading = seen(folder / "a.nii.gz", shown[::-1].reshape(shape))
    slices = (Slice(shown, {"lesion": (drawn,)}),)
    return Made(spec=SPEC, slices=slices, readings=(reading,))


def _colours(flat: bool, folder: Path) -> Made:
    """RGB24: three bytes a voxel."""
    colour = draw_noise((*SHAPE, 3), 8)[1:2] if flat else draw_noise((*SHAPE, 3), 8)
    drawn = DRAWN[1:2] if flat else DRAWN
    packed = np.zeros(colour.shape[:3], [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for position, name in enumerate("RGB"):
        packed[name] = colour[..., position]
    nib.save(make_image(packed), folder / "a.nii.gz")
    nib.save(make_image(drawn.astype(np.uint8)), folder / "m.nii.gz")
    reading = Reading("nibabel", lambda: read_lps(folder / "a.nii.gz")["G"], colour[..., 1])
    return Made(
        spec=SPEC, slices=cut_slices(colour, drawn), refusal="RGB|colour|channel",
        readings=(reading,),
    )  # fmt: skip


def _complex(folder: Path) -> Made:
    nib.save(make_image(VOXELS.astype(np.complex64) * (1 + 1j)), folder / "a.nii.gz")
    save_mask(folder)
    return Made(spec=SPEC, refusal="complex")


def _holes(of_mask: bool, folder: Path) -> Made:
    """NaN outside of what was scanned: it is the darkest, or refused."""
    scanned = np.ones(SHAPE, np.bool_)
    scanned[:, :2] = False
    voxels = np.where(scanned, VOXELS, np.uint8(0)).astype(np.uint8)
    stored = np.where(scanned, voxels, np.nan).astype(np.float32)
    if of_mask:
        nib.save(make_image(VOXELS), folder / "a.nii.gz")
        drawn = np.where(scanned, DRAWN, np.nan).astype(np.float32)
        nib.save(make_image(drawn), folder / "m.nii.gz")
        reading = seen(folder / "a.nii.gz")
        return Made(spec=SPEC, slices=SLICES, refusal="numbers|NaN|finite", readings=(reading,))
    nib.save(make_image(stored), folder / "a.nii.gz")
    save_mask(folder)
    reading = Reading("nibabel", lambda: np.nan_to_num(read_lps(folder / "a.nii.gz")),
                      voxels.astype(np.float32))  # fmt: skip
    return Made(
        spec=SPEC, slices=cut_slices(voxels, DRAWN), refusal="finite|NaN", readings=(reading,)
    )


def _stored_as(dtype: str, slope: float, intercept: float, folder: Path) -> Made:
    """Numbers of any type and scale."""
    stored = ((VOXELS - intercept) / slope).astype(dtype)
    image = make_image(stored)
    image.header.set_slope_inter(slope, intercept)
    nib.save(image, folder / "a.nii.gz")
    # The library writes what was asked for only where no array is scaled anew.
    loaded = np.asarray(nib.load(folder / "a.nii.gz").dataobj)
    if not np.allclose(loaded.transpose(2, 1, 0), VOXELS):
        _patch_scale(folder / "a.nii.gz", slope, intercept)
    save_mask(folder)
    return Made(
        spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz", VOXELS.astype(float)),)
    )


def _patch_scale(path: Path, slope: float, intercept: float) -> None:
    """Write slope and intercept into a header: bytes 112 … 119."""
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[112:120] = np.array([slope, intercept], "<f4").tobytes()
    path.write_bytes(gzip.compress(bytes(data)))


def _mask_as(stored: NDArray[Any], meaning: str, folder: Path) -> Made:
    """Labels of any number type."""
    nib.save(make_image(VOXELS), folder / "a.nii.gz")
    nib.save(make_image(stored), folder / "m.nii.gz")
    spec = write_spec("a.nii.gz", "m.nii.gz", meaning, AS_STORED)
    reading = Reading("nibabel", lambda: np.rint(read_lps(folder / "m.nii.gz")) > 0, DRAWN)
    return Made(spec=spec, slices=SLICES, readings=(reading,))


def _big_endian(image: Any) -> Any:  # noqa: ANN401
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.dtype(">u2"))
    return nib.Nifti1Image(np.asarray(image.dataobj).astype(">u2"), image.affine, header)


def _written(change: Callable[[Any], Any], name: str, folder: Path) -> Made:
    """The same image in another kind of file."""
    nib.save(change(make_image(VOXELS)), folder / name)
    save_mask(folder)
    pattern = name.replace(".img", ".hdr")
    spec = write_spec(pattern, "m.nii.gz", LABELS, AS_STORED)
    return Made(spec=spec, slices=SLICES, readings=(seen(folder / name),))


def _same(image: Any) -> Any:  # noqa: ANN401
    return image


def _second_version(image: Any) -> Any:  # noqa: ANN401
    return nib.Nifti2Image(np.asarray(image.dataobj), image.affine)


def _pair(image: Any) -> Any:  # noqa: ANN401
    return nib.Nifti1Pair(np.asarray(image.dataobj), image.affine)


def _units(unit: str, factor: float, folder: Path) -> Made:
    """Distances in metres or micrometres, or very small ones."""
    affine = LPS.copy()
    affine[:3] *= factor
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        image = make_image(voxels, affine)
        image.header.set_xyzt_units(unit)
        nib.save(image, folder / f"{name}.nii.gz")
    return Made(spec=SPEC, slices=SLICES, readings=(seen(folder / "a.nii.gz"),))


def _cut_off(folder: Path) -> Made:
    nib.save(make_image(VOXELS), folder / "a.nii")
    data = (folder / "a.nii").read_bytes()
    (folder / "a.nii").write_bytes(data[: len(data) // 2])
    save_mask(folder)
    return Made(spec=SPEC.replace("a.nii.gz", "a.nii"), refusal="damaged|cut off")


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
    Case("4-d-unsaid", partial(_frames, (2,), "", None)),
    Case("4-d-first", partial(_frames, (2,), "frame = 0", 0)),
    Case("4-d-second", partial(_frames, (2,), "frame = 1", 1)),
    Case("4-d-beyond", partial(_frames, (2,), "frame = 2", None)),
    Case("4-d-of-one", partial(_frames, (1,), "", 0)),
    Case("4-d-all", _every_frame),
    Case("5-d-first", partial(_frames, (2, 1), "frame = 0", 0)),
    Case("5-d-second", partial(_frames, (2, 1), "frame = 1", 1)),
    Case("5-d-of-one", partial(_frames, (1, 1), "", 0)),
    Case("5-d-several", partial(_frames, (2, 3), "frame = 0", None)),
    Case("2-d", partial(_flat, ())),
    Case("3-d-of-one-slice", partial(_flat, (1,))),
    Case("4-d-of-one-slice", partial(_flat, (1, 1))),
    Case("one-coronal-slice", partial(_thin, 1)),
    Case("one-sagittal-slice", partial(_thin, 2)),
    Case("rgb-slice", partial(_colours, True)),
    Case("rgb-volume", partial(_colours, False)),
    Case("complex", _complex),
    Case("nan-background", partial(_holes, False)),
    Case("mask-nan-background", partial(_holes, True)),
    Case("slope", partial(_stored_as, "int16", 0.5, -10.0)),
    Case("negative-slope", partial(_stored_as, "int16", -0.25, 255.0)),
    *(
        Case(f"stored-as-{dtype}", partial(_stored_as, dtype, 1.0, 0.0))
        for dtype in ("int16", "uint16", "int32", "float32", "float64")
    ),
    *(
        Case(f"mask-as-{dtype}", partial(_mask_as, DRAWN.astype(dtype), LABELS))
        for dtype in ("int16", "uint16", "float32", "float64")
    ),
    Case("mask-of-0.9999999", partial(_mask_as, DRAWN * np.float32(0.9999999), LABELS)),
    Case("mask-of-255", partial(_mask_as, DRAWN * np.uint8(255), 'object = "lesion"')),
    Case("big-endian", partial(_written, _big_endian, "a.nii.gz")),
    Case("nifti-2", partial(_written, _second_version, "a.nii.gz")),
    Case("header-and-voxels", partial(_written, _pair, "a.img")),
    Case("not-packed", partial(_written, _same, "a.nii")),
    *(
        Case(f"unit-{unit}", partial(_units, unit, factor))
        for unit, factor in (("micron", 1000.0), ("meter", 1e-3), ("mm", 1e-3))
    ),
    Case("tiny-spacing", partial(_units, "mm", 1e-5)),
    Case("cut-off", _cut_off),
    Case("other-grid", partial(_other_shape, False)),
    Case("other-grid-resampled", partial(_other_shape, True)),
)
