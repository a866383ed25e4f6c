"""Files that cannot be used take a few lines of a plan, however many they are."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.planning.problems import describe_problems
from cosmos_board.data.imports.spec.load import load_spec


def test_reasons_that_differ_in_paths_and_numbers_are_told_three_times() -> None:
    twice = [(f"a/{n}.png", f"is in both a/{n}.zip and b.zip") for n in range(500)]
    named = [(f"{n}.png", f"has the name {word!r}, which means nothing")
             for word in ("cyst", "heart") for n in range(5)]  # fmt: skip

    lines = describe_problems([*twice, *named, ("x", "is a link to a folder")])

    assert lines[:4] == [
        *(f"  not used: a/{n}.png: is in both a/{n}.zip and b.zip" for n in range(3)),
        "  and 497 more like these",
    ]
    assert [line for line in lines if "'cyst'" in line][-1].startswith("  not used: 2.png")
    assert lines.count("  and 2 more like these") == 2
    assert lines[-1] == "  not used: x: is a link to a folder"


def test_many_reasons_end_in_a_count() -> None:
    lines = describe_problems([("x.png", f"reason {letter}") for letter in "abcdefghijklmnop"])

    assert len(lines) == 13
    assert lines[-1] == "  not used: 4 more, for 4 further reasons"


def test_a_second_copy_of_a_dataset_is_a_short_plan_that_says_what_to_do(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        for number in range(400):
            for path in (f"images/{number}.jpg", f"masks/{number}.jpg"):
                (tmp_path / copy / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / copy / path).touch()

    text = plan_import(load_spec("kvasir-seg"), tmp_path).describe()

    assert len(text.splitlines()) < 15
    assert "b/images/0.jpg: remove one of the two copies" in text
    assert "and 797 more like these" in text


def test_the_other_tasks_of_idrid_are_no_problem(tmp_path: Path) -> None:
    segmented, disc = "1. Original Images/a. Training Set", "a. Training Set/5. Optic Disc"
    for path in (
        f"A. Segmentation/{segmented}/IDRiD_01.jpg",
        f"A. Segmentation/2. All Segmentation Groundtruths/{disc}/IDRiD_01_OD.tif",
        f"B. Disease Grading/{segmented}/IDRiD_001.jpg",
        f"C. Localization/{segmented}/IDRiD_001.jpg",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    plan = plan_import(load_spec("idrid-2018"), tmp_path)

    assert (len(plan.jobs), plan.problems, plan.images_without_mask) == (1, (), ())
