"""Good files of every format with a few bytes changed: read or refused, never anything else."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.dicom_makers import make_enhanced, make_seg, place, save
from tests.data.hostile import write_spec
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    save_nifti,
    save_picture,
    save_rtstruct,
    save_seg,
    save_series,
)
from tests.import_files import iter_source_images

_BOX = [4.0, 4.0, 2.0, 12.0, 4.0, 2.0, 12.0, 12.0, 2.0, 4.0, 12.0, 2.0]
_ROI = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"
_SEGMENT = "kind = 'dicom-seg'\nlabels = { 1 = 'lesion' }"
_LAYERS = "kind = 'nrrd-seg'\nnames = { 'GTV*' = 'lesion' }"
_COCO = "kind = 'coco'\nnames = { '*' = 'lesion' }"


def _make_pictures(folder: Path, suffix: str) -> None:
    save_picture(folder / f"image.{suffix}", draw_noise())
    save_picture(folder / "mask.png", draw_square() * 255)


def _make_itk(folder: Path, suffix: str) -> None:
    for name, voxels in (
        ("image", draw_noise((4, 16, 16))),
        ("mask", draw_square((4, 16, 16), 1, 9)),
    ):
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(folder / f"{name}.{suffix}"))


def _make_nifti(folder: Path, suffix: str) -> None:
    save_nifti(folder / f"image.{suffix}", draw_noise((16, 16, 4)))
    save_nifti(folder / f"mask.{suffix}", draw_square((16, 16, 4), 2, 12))


def _make_arrays(folder: Path, suffix: str) -> None:
    np.save(folder / "image.npy", draw_noise())
    np.savez_compressed(folder / "mask.npz", a=draw_square())


def _make_contours(folder: Path, suffix: str) -> None:
    save_series(folder / "ct")
    save_rtstruct(folder / "rs", {"GTV-1": [_BOX]})


def _make_segments(folder: Path, suffix: str) -> None:
    save_series(folder / "ct")
    save_seg(folder / "seg", folder / "ct", draw_square((4, 32, 32)).astype(bool))


def _make_layers(folder: Path, suffix: str) -> None:
    save_nifti(folder / "image.nii", draw_noise((16, 16, 4)))
    drawn = draw_square((16, 16, 4), 2, 12)
    fields = {"Segment0_Name": "GTV", "Segment1_Name": "GTV 2", "kinds": ["list", *["domain"] * 3]}
    place = {"space": "RAS", "space directions": np.vstack([[np.nan] * 3, np.eye(3)])}
    nrrd.write(str(folder / "mask.seg.nrrd"), np.stack([drawn, drawn]), {**fields, **place})


def _make_frames(folder: Path, suffix: str) -> None:
    groups = [place([0.0, 0.0, z]) for z in (2.0, 0.0, 4.0)]
    frames = np.stack([draw_noise(seed=z) for z in range(3)])
    save(make_enhanced(frames, groups), folder / "image.dcm")
    save(make_seg(draw_square((3, 32, 32), 0, 20), groups, {1: "A"}), folder / "seg")


def _make_annotations(folder: Path, suffix: str) -> None:
    save_picture(folder / "image.png", draw_noise())
    file = {
        "images": [{"id": 1, "file_name": "image.png", "height": 32, "width": 32}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "segmentation": [[8, 8, 20, 8, 20, 20, 8, 20]]}
        ],
        "categories": [{"id": 1, "name": "lesion"}],
    }
    (folder / "coco.json").write_text(json.dumps(file))


def _make_tiff(folder: Path, name: str) -> None:
    """Write an image in one compression, and a mask with an alpha channel."""
    image = np.kron(draw_noise((8, 8)), np.ones((4, 4), np.uint8))
    if name in ("group3", "group4"):
        Image.fromarray(image > 99).save(folder / "image.tif", compression=name)
    else:
        tifffile.imwrite(folder / "image.tif", image, compression=name, tile=(16, 16))
    save_picture(folder / "mask.png", np.dstack([draw_square() * 255] * 4))


_COMPRESSIONS = ("lzw", "deflate", "packbits", "zstd", "lzma", "jpeg", "group3", "group4")
_PICTURES = ("png", "jpg", "gif", "bmp", "ppm", "tif")
FORMATS: dict[str, tuple[Callable[[Path, str], None], str]] = {
    **{s: (_make_pictures, write_spec(f"image.{s}", "mask.png")) for s in _PICTURES},
    **{s: (_make_tiff, write_spec("image.tif", "mask.png")) for s in _COMPRESSIONS},
    **{s: (_make_itk, write_spec(f"image.{s}")) for s in ("nrrd", "mha")},
    **{s: (_make_nifti, write_spec(f"image.{s}")) for s in ("nii", "nii.gz")},
    "arrays": (_make_arrays, write_spec("image.npy", "mask.npz")),
    "contours": (_make_contours, write_spec("ct/*.dcm", "rs", _ROI)),
    "segments": (_make_segments, write_spec("ct/*.dcm", "seg", _SEGMENT)),
    "layers": (_make_layers, write_spec("image.nii", "mask.seg.nrrd", _LAYERS)),
    "frames": (_make_frames, write_spec("image.dcm", "seg", _SEGMENT)),
    "annotations": (_make_annotations, write_spec("image.png", "coco.json", _COCO)),
}


def spoil(data: bytes, rng: random.Random) -> bytes:
    """Return `data` cut off or with up to 16 bytes changed, mostly near its beginning."""
    if rng.random() < 0.2:
        return data[: rng.randrange(len(data))]
    spoilt = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        position = rng.randrange(min(len(spoilt), rng.choice([64, 400, len(spoilt)])))
        flipped = spoilt[position] ^ (1 << rng.randrange(8))
        spoilt[position] = rng.choice([0, 255, rng.randrange(256), flipped])
    return bytes(spoilt)


def fuzz(folder: Path, name: str, rounds: int, seed: int) -> list[str]:
    """Spoil one file at a time and read; return the refusals."""
    make, spec = FORMATS[name]
    make(folder, name)
    rng = random.Random(f"{name} {seed}")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    refusals = []
    for _ in range(rounds):
        path = rng.choice(files)
        good = path.read_bytes()
        path.write_bytes(spoil(good, rng))
        try:
            list(iter_source_images(plan_import(parse_spec(spec, "spec.toml"), folder)))
        except InputError as error:
            refusals.append(str(error))
        path.write_bytes(good)
    return refusals


@pytest.mark.parametrize("name", FORMATS)
def test_a_spoilt_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    refusals = fuzz(tmp_path, name, rounds=40, seed=0)

    assert len(refusals) > 5
    assert all(line.isprintable() for line in refusals)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_thousand_spoilt_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    refusals = fuzz(tmp_path, name, rounds=1000, seed=1)

    assert len(refusals) > 100
    assert all(line.isprintable() for line in refusals)
