"""A plan says how much it finds of what the catalog expects, and how files are named instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.expected import load_expected
from cosmos_board.data.imports.planning.comparison import (
    compare_plan,
    describe_comparison,
    explain_nothing,
)
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import load_spec, parse_spec
from tests.data.hostile import write_spec


def put(folder: Path, *names: str) -> None:
    """Make empty files: a plan opens none."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def put_task(folder: Path, task: str, *cases: str) -> None:
    for case in cases:
        put(folder, f"{task}/imagesTr/{case}.nii.gz", f"{task}/labelsTr/{case}.nii.gz")


def plan_of(name: str, folder: Path) -> ImportPlan:
    return plan_import(load_spec(name), folder)


def plan_msd(folder: Path) -> ImportPlan:
    """Plan with a task whose names differ from the pattern, as BRATS_001 differed from ours."""
    text = write_spec(
        "**/Task01_BrainTumour/imagesTr/{case:[a-z]+_[0-9]+}.nii.gz",
        "**/Task01_BrainTumour/labelsTr/{case}.nii.gz",
        "labels = { 1 = 'brain-tumour' }",
    ) + (
        "[[images]]\nfiles = '**/Task09_Spleen/imagesTr/{case}.nii.gz'\nmodality = 'ct'\n"
        "[[images.masks]]\nfiles = '**/Task09_Spleen/labelsTr/{case}.nii.gz'\n"
        "labels = { 1 = 'spleen' }\n"
    )
    return plan_import(parse_spec(text.replace("'hostile'", "'msd'"), "spec.toml"), folder)


def find_line(plan: ImportPlan, part: str) -> str:
    (line,) = [line for line in describe_comparison(plan) if line.startswith(f"    {part}: ")]
    return line.strip()


def test_all_484_cases_of_the_brain_are_told(tmp_path: Path) -> None:
    put_task(tmp_path, "Task01_BrainTumour", *(f"brats_{number:03d}" for number in range(484)))

    assert find_line(plan_msd(tmp_path), "Task01_BrainTumour").startswith(
        "Task01_BrainTumour: 484 of 484 cases"
    )


def test_names_that_fit_no_pattern_stand_beside_what_is_expected(tmp_path: Path) -> None:
    put_task(tmp_path, "Task09_Spleen", "spleen_2", "spleen_3")
    put_task(tmp_path, "Task01_BrainTumour", "BRATS_001", "BRATS_002")
    plan = plan_msd(tmp_path)

    assert find_line(plan, "Task09_Spleen") == "Task09_Spleen: 2 of 41 cases"
    line = find_line(plan, "Task01_BrainTumour")
    assert line.startswith("Task01_BrainTumour: 0 of 484 cases, 0 of 1936 volumes: files are named")
    assert "Task01_BrainTumour/imagesTr/BRATS_001.nii.gz" in line
    assert line.endswith(
        "the catalog expects **/Task01_BrainTumour/imagesTr/{case:[a-z]+_[0-9]+}.nii.gz"
    )
    assert "  4 files that may be images or masks fit no pattern:" in plan.describe()


def test_a_part_that_was_not_downloaded_is_not_blamed_on_names_of_another(tmp_path: Path) -> None:
    put_task(tmp_path, "Task09_Spleen", "spleen_2")
    put(tmp_path, "Task03_Liver/imagesTr/liver_1.nii.gz")

    assert ": no file is named alike" in find_line(plan_msd(tmp_path), "Task01_BrainTumour")


def test_a_case_with_two_sequences_is_one_case_and_two_volumes(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        stem = f"iSeg-2019-Training/subject-{number}"
        put(tmp_path, *(f"{stem}-{what}.{end}" for what in ("T1", "T2", "label")
                        for end in ("hdr", "img")))  # fmt: skip
    plan = plan_of("iseg-2019", tmp_path)

    assert find_line(plan, "training") == "training: 3 of 10 cases, 6 of 20 volumes"
    assert plan.unmatched == ()


def test_more_than_is_expected_is_told_too(tmp_path: Path) -> None:
    for number in range(1001):
        put(tmp_path, f"images/{number}.jpg", f"masks/{number}.jpg")

    line = find_line(plan_of("kvasir-seg", tmp_path), "all")

    assert line == "all: 1001 pictures, more than the 1000 expected"


def test_an_image_without_its_mask_is_not_found(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "masks/a.jpg", "images/b.jpg")

    assert find_line(plan_of("kvasir-seg", tmp_path), "all") == "all: 1 of 1000 pictures"


def test_a_folder_of_other_names_is_refused_with_examples_and_the_pattern(tmp_path: Path) -> None:
    put(tmp_path, "Images/a.png", "Masks/a.png")

    with pytest.raises(InputError) as error:
        explain_nothing(plan_of("kvasir-seg", tmp_path))

    assert "all: 0 of 1000 pictures: files are named Images/a.png, the" in str(error.value)
    assert "the catalog expects **/images/{case}.jpg" in str(error.value)


def test_what_only_lacks_its_masks_is_left_to_the_plan_to_explain(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "other/a.jpg")
    plan = plan_of("kvasir-seg", tmp_path)

    explain_nothing(plan)

    with pytest.raises(InputError, match="no file fits"):
        plan.refuse_nothing()


def test_images_of_none_of_the_expected_parts_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "image/a.png", "mask/a.png")
    text = write_spec("image/{case}.png", "mask/{case}.png", "object = 'kidney'")
    spec = parse_spec(text.replace("'hostile'", "'msd'"), "spec.toml")

    with pytest.raises(InputError, match="nothing that is expected was found: Task01"):
        describe_comparison(plan_import(spec, tmp_path))


def test_a_dataset_that_the_catalog_knows_no_number_of_has_no_comparison(tmp_path: Path) -> None:
    put(tmp_path, "image/a.png", "mask/a.png")
    text = write_spec("image/{case}.png", "mask/{case}.png", "object = 'kidney'")
    plan = plan_import(parse_spec(text, "spec.toml"), tmp_path)

    assert compare_plan(plan) == ()
    assert describe_comparison(plan) == []


PARTS = {
    "amos-2022": (
        ("imagesTr/amos_0001.nii.gz", "labelsTr/amos_0001.nii.gz"),
        ("imagesTs/amos_0002.nii.gz", "labelsTs/amos_0002.nii.gz"),
    ),
    "cellseg-2022": (
        ("Training-labeled/images/a.png", "Training-labeled/labels/a_label.tiff"),
        ("Tuning/images/a.png", "Tuning/labels/a_label.tiff"),
        ("Testing/Public/images/a.png", "Testing/Public/labels/a_label.tiff"),
    ),
    "crossmoda": (
        ("crossmoda2021/crossmoda_1_ceT1.nii.gz", "crossmoda2021/crossmoda_1_Label.nii.gz"),
        ("crossmoda2022_ldn_1_ceT1.nii.gz", "crossmoda2022_ldn_1_Label.nii.gz"),
    ),
    "drive": (
        ("training/images/21_training.tif", "training/1st_manual/21_manual1.gif"),
        ("test/images/01_test.tif", "test/1st_manual/01_manual1.gif"),
    ),
    "endotect-2020": (
        ("Test_Dataset/images/a.jpg", "Test_Dataset/masks/a.jpg"),
        ("hyper-kvasir/segmented-images/images/b.jpg", "hyper-kvasir/segmented-images/masks/b.jpg"),
    ),
    "feta": (
        ("sub-080_rec-mial_T2w.nii.gz", "sub-080_rec-mial_dseg.nii.gz"),
        ("sub-081_rec-mial_T2w.nii.gz", "sub-081_rec-mial_dseg.nii.gz"),
        ("sub-120_rec-mial_T2w.nii.gz", "sub-120_rec-mial_dseg.nii.gz"),
    ),
    "isic-2018": (
        ("ISIC2018_Task1-2_Training_Input/ISIC_0000001.jpg", "ISIC_0000001_segmentation.png"),
        ("ISIC2018_Task1-2_Validation_Input/ISIC_0000002.jpg", "ISIC_0000002_segmentation.png"),
        ("ISIC2018_Task1-2_Test_Input/ISIC_0000003.jpg", "ISIC_0000003_segmentation.png"),
    ),
    "promise12": (
        ("training_data/Case00.mhd", "training_data/Case00_segmentation.mhd"),
        ("test_data/Case00.mhd", "test_data/Case00_segmentation.mhd"),
        ("livechallenge_test_data/Case00.mhd", "livechallenge_test_data/Case00_segmentation.mhd"),
    ),
}  # fmt: skip
"""Of each dataset whose import file reads more than the counted part: one image of every part."""


@pytest.mark.parametrize("name", PARTS)
def test_a_number_is_compared_with_the_part_that_it_is_of(name: str, tmp_path: Path) -> None:
    counted, *others = PARTS[name]
    put(tmp_path, *counted, *(path for pair in others for path in pair))
    plan = plan_of(name, tmp_path)
    (found,) = compare_plan(plan)

    assert len(plan.jobs) == 1 + len(others)
    assert (found.cases, found.files, found.others) == (1, 1, len(others))
    last = describe_comparison(plan)[-1]
    assert last.startswith(f"    beside these, of parts without a known number: {len(others)}, ")


def test_every_dataset_with_a_counted_part_among_others_is_tried_above() -> None:
    named = {name for name, parts in load_expected().items() if any(part.exclude for part in parts)}

    assert named == PARTS.keys()


def test_images_of_another_part_alone_are_no_reason_to_refuse(tmp_path: Path) -> None:
    for pair in PARTS["promise12"][1:]:
        put(tmp_path, *pair)
    plan = plan_of("promise12", tmp_path)

    assert find_line(plan, "training") == (
        "training: 0 of 50 cases: all that was found is of other parts"
    )
    assert [unit.parts for unit in plan.units()] == [(), ()]
