"""Names, ids and dates are planted everywhere that raw files can hold them, and looked for."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import PngImagePlugin

from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import make_pack_info, parse_spec
from cosmos_board.data.pack import open_pack
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    save_nifti,
    save_picture,
    save_rtstruct,
    save_series,
)

NAME, NUMBER, DATE = "Mustermann", "MRN4711", "19700131"
PLANTED = (NAME, NUMBER, DATE, "1970-01-31")

SPEC = r"""
schema_version = 1
name = "planted"

[[images]]
files = 'pictures/{patient}/scan.png'
modality = "x-ray"
cluster = "{patient}"

[[images.masks]]
files = "pictures/{patient}/mask.png"
object = "lung"

[[images.masks]]
files = "pictures/{patient}/second.png"
object = "lung"
observer = "second"

[[images]]
files = 'volumes/{patient}.nii.gz'
modality = "mr"
cluster = "{patient}"

[[images.masks]]
files = "masks/{patient}.nii.gz"
labels = { 1 = "prostate" }

[[images]]
files = 'series/{patient}/*.dcm'
modality = "ct"
cluster = "{patient}"

[[images.masks]]
files = "contours/{patient}.rt"
kind = "rtstruct"
names = { "GTV*" = "lung-cancer" }
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack made of pictures, volumes and a series that say who the patient is."""
    source = tmp_path_factory.mktemp(f"{NAME}_{DATE}")
    who = f"{NAME}_{NUMBER}_{DATE}"
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", NAME)
    text.add_itxt("Comment", f"{NUMBER} born 1970-01-31")
    save_picture(source / f"pictures/{who}/scan.png", draw_noise(seed=9), pnginfo=text)
    save_picture(source / f"pictures/{who}/mask.png", draw_square() * 255, pnginfo=text)
    save_picture(source / f"pictures/{who}/second.png", draw_square(low=9) * 255)
    save_nifti(source / f"volumes/{who}.nii.gz", draw_noise((32, 32, 3)), descrip=f"{NAME} {DATE}")
    save_nifti(source / f"masks/{who}.nii.gz", draw_square((32, 32, 3)), descrip=NUMBER)
    save_series(
        source / f"series/{who}",
        PatientName=f"{NAME}^Erika",
        PatientID=NUMBER,
        PatientBirthDate=DATE,
        StudyDate=DATE,
        InstitutionName=f"Clinic of {NAME}",
    )
    box = [4.0, 4.0, 2.0, 12.0, 4.0, 2.0, 12.0, 12.0, 2.0, 4.0, 12.0, 2.0]
    (source / "contours").mkdir()
    save_rtstruct(
        source / f"contours/{who}.rt", {f"GTV {NAME}": [box]}, PatientName=NAME, StudyDate=DATE
    )
    spec = parse_spec(SPEC, f"/home/{NAME}/spec.toml")
    out = tmp_path_factory.mktemp("packs") / "pack"

    report = curate(plan_import(spec, source).units(), make_pack_info(spec), out, workers=1)

    assert not report.quarantined
    assert report.info.counts.images == 1 + 1 + 1
    return out


def _read_everything(pack: Path) -> Iterator[bytes]:
    for path in sorted(pack.rglob("*")):
        if path.is_file():
            yield path.name.encode() + path.read_bytes()
    # Parquet may compress: the values themselves are looked through as well.
    opened = open_pack(pack)
    for row in (*opened.iter_image_rows(), *opened.iter_reference_rows()):
        yield repr(row).encode()


def test_nothing_planted_reaches_a_pack(pack: Path) -> None:
    for data in _read_everything(pack):
        for secret in PLANTED:
            assert secret.encode() not in data
            assert secret.lower().encode() not in data.lower()


def test_the_text_of_a_png_is_dropped(pack: Path) -> None:
    assert all(b"tEXt" not in data and b"iTXt" not in data for data in _read_everything(pack))


def test_nothing_says_when_the_files_were_made(pack: Path) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat().encode()

    assert all(today not in data for data in _read_everything(pack))


def test_the_same_pixels_have_the_same_id_whoever_they_are_of(tmp_path: Path) -> None:
    packs = []
    for who in ("Doe", "Roe"):
        source = tmp_path / who
        save_picture(source / f"pictures/{who}/scan.png", draw_noise(seed=9))
        save_picture(source / f"pictures/{who}/mask.png", draw_square() * np.uint8(255))
        spec = parse_spec(SPEC, "spec.toml")
        units = plan_import(spec, source).units()
        packs.append(curate(units, make_pack_info(spec), tmp_path / f"pack {who}", workers=1).info)

    assert packs[0].content_sha256 == packs[1].content_sha256
