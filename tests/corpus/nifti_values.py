"""NIfTI: dimensions, number types and kinds of files; read again by nibabel."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise
from tests.corpus.niftis import (
    DRAWN,
    LABELS,
    LPS,
    SLICES,
    SPEC,
    TO_RAS,
    VOXELS,
    make_image,
    read_lps,
    save_mask,
    seen,
)


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
    """NaN outside of what was scanned: in an image it is the darkest."""
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
    return Made(spec=SPEC, slices=cut_slices(voxels, DRAWN), readings=(reading,))


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


def _cut_off(folder: Path) -> Made:
    nib.save(make_image(VOXELS), folder / "a.nii")
    data = (folder / "a.nii").read_bytes()
    (folder / "a.nii").write_bytes(data[: len(data) // 2])
    save_mask(folder)
    return Made(spec=SPEC.replace("a.nii.gz", "a.nii"), refusal="damaged|cut off")


CASES = (
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
    Case("cut-off", _cut_off),
)
