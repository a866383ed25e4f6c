"""A complete ordinary download gives nothing to look at; a pattern that finds nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import load_spec, parse_spec
from tests.data.hostile import write_spec


def plan(folder: Path, name: str, *paths: str) -> ImportPlan:
    put(folder, *paths)
    return plan_import(load_spec(name), folder)


def put(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


BRATS = "MICCAI_BraTS2020_TrainingData/BraTS20_Training"


@pytest.mark.parametrize(
    ("name", "paths", "images"),
    [
        ("brats20", [f"{BRATS}_{case}/BraTS20_Training_{case}_{what}.nii" for case in ("001", "002")
                     for what in ("t1", "t1ce", "t2", "flair", "seg")], 8),
        ("sstem-isbi-2012", ["train-volume.tif", "train-labels.tif", "test-volume.tif"], 1),
        ("drive", ["training/images/21_training.tif", "training/1st_manual/21_manual1.gif",
                   "test/images/01_test.tif"], 1),
        ("crossmoda", ["crossmoda_1_ceT1.nii.gz", "crossmoda_1_Label.nii.gz"], 1),
        ("msd", [f"Task09_Spleen/{name}Tr/spleen_2.nii.gz" for name in ("images", "labels")], 1),
    ],
)  # fmt: skip
def test_an_ordinary_download_gives_nothing_to_look_at(
    name: str, paths: list[str], images: int, tmp_path: Path
) -> None:
    found = plan(tmp_path, name, *paths)

    assert len(found.jobs) == images
    assert "look at this" not in found.describe()


def test_a_pattern_of_masks_that_finds_nothing_is_told(tmp_path: Path) -> None:
    spec = write_spec("a/{case}.png", "b/{case}.png") + (
        "[[images.masks]]\nfiles = 'c/{case}.png'\nobject = 'kidney'\n"
    )
    put(tmp_path, "a/1.png", "b/1.png")

    described = plan_import(parse_spec(spec, "spec.toml"), tmp_path).describe()

    assert "look at this: no file fits c/{case}.png" in described


def test_amos_is_ct_up_to_number_500_and_mr_above(tmp_path: Path) -> None:
    numbers = (1, 410, 499, 500, 501, 507, 599, 600)
    found = plan(tmp_path, "amos-2022", *(f"{kind}Tr/amos_{number:04d}.nii.gz" for number in numbers
                                          for kind in ("images", "labels")))  # fmt: skip

    assert {int(job.parts["case"]): job.modality for job in found.jobs} == {
        number: "ct" if number <= 500 else "mr" for number in numbers
    }


@pytest.mark.parametrize(
    ("name", "image", "mask"),
    [
        ("tn-scui-2020", "image/3.PNG", "mask/3.png"),
        ("ichallenge-amd", "Training400/AMD/A0001.JPG", "Disc_Masks/A0001.bmp"),
        ("ichallenge-palm", "PALM/Training/Images/H0001.JPG", "PALM/Training/Disc Masks/H0001.BMP"),
    ],
)
def test_endings_in_capitals_are_read_where_downloads_have_them(
    name: str, image: str, mask: str, tmp_path: Path
) -> None:
    (job,) = plan(tmp_path, name, image, mask).jobs

    assert (job.paths, job.masks[0].paths) == ((image,), (mask,))
