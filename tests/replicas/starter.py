"""Replicas of the archives of the starter board: real trees, names, codes and counts."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import generate_uid

from tests.data.raw_files import make_dicom
from tests.replicas.scenes import draw_scene, join_codes

Members = Iterator[tuple[str, bytes]]
"""(path inside an archive, content)."""

SLICES = 4
SLICE_DISTANCE_MM = 3.0
MR_CODES = (63, 126, 189, 252)


def make_archive(name: str) -> bytes:
    """Return the archive of a name under which it is published."""
    return _pack(name, _ARCHIVES[name]())


def _kvasir() -> Members:
    for number in range(1000):
        pixels, masks = draw_scene(f"kvasir {number}", 1)
        yield f"Kvasir-SEG/images/cju{number:04d}.jpg", _encode(_colour(pixels), "JPEG")
        yield f"Kvasir-SEG/masks/cju{number:04d}.jpg", _encode(255 * masks[0], "JPEG")


def _chase() -> Members:
    for person in range(1, 15):
        for eye in "LR":
            name = f"Image_{person:02d}{eye}"
            pixels, masks = draw_scene(name, 1)
            yield f"{name}.jpg", _encode(_colour(pixels), "JPEG")
            for reader in ("1stHO", "2ndHO"):
                yield f"{name}_{reader}.png", _encode(255 * masks[0], "PNG")


def _montgomery() -> Members:
    root = "MontgomerySet"
    for number in range(138):
        name = f"MCUCXR_{number + 1:04d}_{number % 2}.png"
        pixels, masks = draw_scene(name, 2)
        yield f"{root}/CXR_png/{name}", _encode(pixels, "PNG")
        for side, mask in zip(("leftMask", "rightMask"), masks, strict=True):
            yield f"{root}/ManualMask/{side}/{name}", _encode(255 * mask, "PNG")
    yield f"{root}/NLM-MontgomeryCXRSet-ReadMe.pdf", b"%PDF"


def _isic_images() -> Members:
    root = "ISIC2018_Task1-2_Validation_Input"
    for number in range(100):
        name = f"ISIC_{12255 + number:07d}"
        yield f"{root}/{name}.jpg", _encode(_colour(draw_scene(name, 1)[0]), "JPEG")
    yield f"{root}/LICENSE.txt", b"CC BY-NC 4.0"


def _isic_masks() -> Members:
    root = "ISIC2018_Task1_Validation_GroundTruth"
    for number in range(100):
        name = f"ISIC_{12255 + number:07d}"
        mask = draw_scene(name, 1)[1][0]
        yield f"{root}/{name}_segmentation.png", _encode(255 * mask, "PNG")


def _hippocampus() -> Members:
    root = "Task04_Hippocampus"
    yield f"{root}/dataset.json", b"{}"
    for number in range(1, 261):
        name = f"hippocampus_{number:03d}.nii.gz"
        slices = [draw_scene(f"{name} {z}", 2, 40) for z in range(SLICES)]
        codes = np.stack([join_codes(masks, (1, 2)) for _, masks in slices])
        codes[0] = 0
        yield f"{root}/imagesTr/{name}", _encode_nifti(np.stack([grey for grey, _ in slices]))
        yield f"{root}/labelsTr/{name}", _encode_nifti(codes)
        yield f"{root}/imagesTr/._{name}", b"a trace of another system"
    yield f"{root}/imagesTs/hippocampus_302.nii.gz", _encode_nifti(codes)


def _chaos() -> Members:
    for patient in range(1, 21):
        folder = f"Train_Sets/CT/{patient}"
        for z in range(SLICES):
            pixels, masks = draw_scene(f"ct {patient} {z}", 1)
            mask = masks[0] & (z > 0)
            yield f"{folder}/DICOM_anon/i{z:04d},0000b.dcm", _encode_dicom(pixels, z, folder)
            yield f"{folder}/Ground/liver_GT_{z:03d}.png", _encode(255 * mask, "PNG")
        for series, phases in (("T1DUAL", ("/InPhase", "/OutPhase")), ("T2SPIR", ("",))):
            folder = f"Train_Sets/MR/{patient}/{series}"
            for z in range(SLICES):
                pixels, masks = draw_scene(f"{folder} {z}", 4)
                name = f"IMG-{patient:04d}-{z + 1:05d}"
                for phase in phases:
                    path = f"{folder}/DICOM_anon{phase}"
                    yield f"{path}/{name}.dcm", _encode_dicom(pixels, z, path)
                codes = join_codes(masks, MR_CODES) * np.uint8(z > 0)
                yield f"{folder}/Ground/{name}.png", _encode(codes, "PNG")


def _colour(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([grey, grey // 2, grey // 3], axis=-1)


def _encode(array: NDArray[Any], form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(file, form, quality=95)
    return file.getvalue()


def _encode_nifti(volume: NDArray[np.uint8]) -> bytes:
    affine = np.diag([1.0, 1.0, SLICE_DISTANCE_MM, 1.0])
    whole: bytes = nib.Nifti1Image(volume.transpose(2, 1, 0), affine).to_bytes()
    return gzip.compress(whole, mtime=0)


def _encode_dicom(pixels: NDArray[np.uint8], z: int, series: str) -> bytes:
    file = io.BytesIO()
    uid = generate_uid(entropy_srcs=[series])
    dataset = make_dicom(pixels, z * SLICE_DISTANCE_MM, uid, InstanceNumber=z + 1)
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _pack(name: str, members: Members) -> bytes:
    file = io.BytesIO()
    if name.endswith(".tar"):
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path, content in members:
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    else:
        with zipfile.ZipFile(file, "w") as archive:
            for path, content in members:
                archive.writestr(zipfile.ZipInfo(path), content)
    return file.getvalue()


_ARCHIVES: dict[str, Callable[[], Members]] = {
    "kvasir-seg.zip": _kvasir,
    "CHASEDB1.zip": _chase,
    "NLM-MontgomeryCXRSet.zip": _montgomery,
    "ISIC2018_Task1-2_Validation_Input.zip": _isic_images,
    "ISIC2018_Task1_Validation_GroundTruth.zip": _isic_masks,
    "Task04_Hippocampus.tar": _hippocampus,
    "CHAOS_Train_Sets.zip": _chaos,
}
