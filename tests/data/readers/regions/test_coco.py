"""COCO files: which picture is which, what is left out, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import make_pack_info, parse_spec
from cosmos_board.data.readers.regions.coco import read_coco
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, save_picture
from tests.import_files import iter_source_images

SQUARE = [[8, 8, 20, 8, 20, 20, 8, 20]]
MEANING = "kind = 'coco'\nnames = { cell = 'cell' }\ninstances = 'labels'"


def make_coco(names: list[str], *annotations: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return a COCO file; without annotations, each picture has one square."""
    given = annotations or tuple({"image_id": number} for number in range(len(names)))
    standard = {"category_id": 1, "segmentation": SQUARE}
    return {
        "images": [
            {"id": number, "file_name": name, "height": 32, "width": 32}
            for number, name in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [{"image_id": 0, **standard, **row} for row in given],
        **changes,
    }


def plan(
    folder: Path, table: object, pictures: tuple[str, ...] = ("a.png",), pattern: str = "{case}.png"
) -> ImportPlan:
    for number, path in enumerate(pictures):
        save_picture(folder / path, draw_noise(seed=number))
    (folder / "ann.json").write_text(json.dumps(table))
    return plan_import(parse_spec(write_spec(pattern, "ann.json", MEANING), "spec.toml"), folder)


def count_cells(found: ImportPlan) -> dict[str, int]:
    return {image.origin: len(image.masks.get("cell", ())) for image in iter_source_images(found)}


def test_a_crowd_and_a_box_are_left_out_and_counted(tmp_path: Path) -> None:
    rows: tuple[dict[str, Any], ...] = (
        {},
        {"iscrowd": 1},
        {"segmentation": None},
        {"segmentation": []},
        {"segmentation": {}},
    )
    found = plan(tmp_path / "in", make_coco(["a.png"], *rows))

    report = curate(found.units(), make_pack_info(found.spec), tmp_path / "pack", workers=1)

    assert report.info.counts.references == 1
    assert dict(report.counts.dropped) == {
        "crowd: a region that stands for many objects at once (iscrowd)": 1,
        "unsegmented: an annotation without a segmentation": 3,
    }


def test_an_annotation_that_lacks_the_field_costs_no_other(tmp_path: Path) -> None:
    table = make_coco(["a.png"], {}, {})
    del table["annotations"][1]["segmentation"]

    assert count_cells(plan(tmp_path, table)) == {"a.png": 1}


def test_a_file_of_boxes_says_so(tmp_path: Path) -> None:
    found = plan(tmp_path, make_coco(["a.png"], {"segmentation": [], "bbox": [1, 2, 3, 4]}))

    with pytest.raises(InputError, match=r"mask: ann\.json: segmentation: .* they are boxes only"):
        found.units()


def test_a_file_of_crowds_says_so(tmp_path: Path) -> None:
    found = plan(tmp_path, make_coco(["a.png"], {"iscrowd": 1}, {"segmentation": []}))

    with pytest.raises(InputError, match=r"iscrowd: is set for every region, and crowds are left"):
        found.units()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a.png", id="plain"),
        pytest.param("images/a.png", id="folders that are not there"),
        pytest.param("images\\a.png", id="of Windows"),
        pytest.param("C:\\data\\images\\a.png", id="of a drive"),
        pytest.param("./a.png", id="from here"),
        pytest.param("https://example.org/files/a.png?size=1", id="an address"),
    ],
)
def test_a_picture_is_found_however_its_path_is_written(name: str, tmp_path: Path) -> None:
    assert count_cells(plan(tmp_path, make_coco([name]))) == {"a.png": 1}


def test_a_picture_in_a_folder_is_found_by_its_name(tmp_path: Path) -> None:
    found = plan(tmp_path, make_coco(["a.png"]), ("x/a.png",), "x/{case}.png")

    assert count_cells(found) == {"x/a.png": 1}


def test_equal_names_in_two_folders_are_told_apart_by_folder(tmp_path: Path) -> None:
    table = make_coco(["x/a.png", "y/a.png"], {"image_id": 1})
    found = plan(tmp_path, table, ("x/a.png", "y/a.png"), "{folder}/{case}.png")

    assert count_cells(found) == {"x/a.png": 0, "y/a.png": 1}


@pytest.mark.parametrize(
    ("names", "pictures", "message"),
    [
        pytest.param(["a.png"], ("x/a.png", "y/a.png"),
                     "ann.json calls 2 pictures a.png: x/a.png and y/a.png", id="two files"),
        pytest.param(["x/p/a.png", "y/p/a.png"], ("p/a.png",),
                     "2 pictures of ann.json may be p/a.png: x/p/a.png, y/p/a.png", id="two rows"),
        pytest.param(["a.png", "a.png"], ("p/a.png",),
                     "2 pictures of ann.json may be p/a.png", id="a row twice"),
        pytest.param(["z/a.png"], ("p/a.png",),
                     "no picture of ann.json is called p/a.png, only z/a.png", id="another folder"),
        pytest.param(["b.png"], ("p/a.png",),
                     "no picture of ann.json is called p/a.png", id="not there"),
    ],
)  # fmt: skip
def test_a_picture_that_is_not_certain_is_not_used(
    names: list[str], pictures: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    found = plan(tmp_path, make_coco(names), pictures, "{folder}/{case}.png")

    assert f"  not used: {message}" in found.describe()
    with pytest.raises(InputError, match="holds no image with a mask: ") as error:
        found.units()
    assert message in str(error.value)


def test_pictures_that_are_not_there_are_told(tmp_path: Path) -> None:
    found = plan(tmp_path, make_coco(["a.png", "b.png", "c.png"]))

    assert found.masks_without_image == ("ann.json: b.png", "ann.json: c.png")
    assert "2 masks without an image: ann.json: b.png, ann.json: c.png" in found.describe()


def test_one_file_may_describe_the_pictures_of_two_entries(tmp_path: Path) -> None:
    plan(tmp_path, make_coco(["a.png", "b.png"]), ("a.png", "b.png"))
    one = write_spec("{case:a}.png", "ann.json", MEANING)
    spec = one + one.partition("[[images]]")[2].join(["[[images]]", ""]).replace(":a", ":b")

    found = plan_import(parse_spec(spec, "s"), tmp_path)

    assert len(found.jobs) == 2
    assert not found.masks_without_image


def test_annotations_of_pictures_that_are_listed_no_more_are_no_error(tmp_path: Path) -> None:
    assert count_cells(plan(tmp_path, make_coco(["a.png"], {}, {"image_id": 5}))) == {"a.png": 1}


def test_the_same_path_wins_over_the_same_name(tmp_path: Path) -> None:
    found = plan(tmp_path, make_coco(["a.png"]), ("a.png", "x/a.png"), "**/{case:a}.png")

    assert [path for path, _ in found.problems] == ["a.png", "x/a.png"]  # The pattern's own fault.

    found = plan(tmp_path, make_coco(["x/a.png"]), ("x/a.png", "y/x/a.png"), "{folder:.*}/a.png")
    assert count_cells(found) == {"x/a.png": 1}


@pytest.mark.parametrize(
    "ids", [pytest.param(("7", "c1"), id="words"), pytest.param((7.0, 1.0), id="floating point")]
)
def test_ids_may_be_words_or_of_floating_point(ids: tuple[Any, Any], tmp_path: Path) -> None:
    table = make_coco(["a.png"], {"image_id": ids[0], "category_id": ids[1]})
    table["images"][0]["id"] = ids[0]
    table["categories"][0]["id"] = ids[1]

    assert count_cells(plan(tmp_path, table)) == {"a.png": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": [{"id": 0, "file_name": "a.png", "height": 64, "width": 32}]},
         r"has another size \(got \(64, 32\), want \(32, 32\)\)"),
        ({"images": [{"id": 0, "file_name": "a.png"}]}, r"images\[0\]\.height: is no size"),
        ({"images": [{"id": 0, "height": 32, "width": 32}]}, r"images\[0\]\.file_name: is missing"),
        ({"images": [{"id": 0, "file_name": "a.png", "height": 32, "width": 32}] * 2},
         r"images\[1\]\.id: is there twice"),
        ({"categories": []}, "category_id: is none of its categories"),
        ({"categories": [{"id": 1, "name": "cell"}, {"id": 1, "name": "gland"}]},
         r"categories\[1\]\.id: is there twice"),
        ({"categories": [{"id": 1, "name": "gland"}]}, "a region means nothing.*'gland'"),
        ({"annotations": [{"image_id": 9, "category_id": 1, "segmentation": SQUARE}]},
         r"annotations\[0\]\.image_id: is none of its images"),
        ({"annotations": [{"image_id": 0, "segmentation": SQUARE}]},
         r"annotations\[0\]\.category_id: is no id"),
        ({"annotations": [{"image_id": 0, "category_id": 1, "segmentation": [[1, 1, 9, 9]]}]},
         "at least three points"),
        ({"annotations": None}, "annotations missing"),
        ({"annotations": None, "shapes": []}, "is of labelme"),
        ({"annotations": None, "type": "FeatureCollection"}, "is GeoJSON"),
    ],
)  # fmt: skip
def test_what_a_file_says_wrongly_is_one_line(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        list(iter_source_images(plan(tmp_path, make_coco(["a.png"], **change))))


def test_a_category_that_is_skipped_may_be_of_any_form(tmp_path: Path) -> None:
    table = make_coco(["a.png"], {}, {"category_id": 2, "segmentation": [[1, 1]]})
    table["categories"].append({"id": 2, "name": "ruler"})
    (tmp_path / "ann.json").write_text(json.dumps(table))
    left_out: Counter[str] = Counter()

    regions = list(
        read_coco(
            tmp_path / "ann.json", "a.png", (32, 32), lambda _, name: name != "ruler", left_out
        )
    )

    assert [int(region.drawn.sum()) for region in regions] == [144]
    assert not left_out


def test_a_file_may_begin_with_the_mark_of_its_byte_order(tmp_path: Path) -> None:
    plan(tmp_path, {})
    (tmp_path / "ann.json").write_text(json.dumps(make_coco(["a.png"])), "utf-8-sig")
    again = plan_import(parse_spec(write_spec("{case}.png", "ann.json", MEANING), "s"), tmp_path)

    (image,) = iter_source_images(again)

    expected = np.zeros((32, 32), bool)
    expected[8:20, 8:20] = True
    assert np.array_equal(image.masks["cell"][0], expected)
