"""Shapes of labelme and its like are drawn as they are meant, or refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, png_bytes, png_with_size, save_picture
from tests.import_files import iter_source_images

SQUARE = {"label": "liver", "points": [[8, 8], [20, 8], [20, 20], [8, 20]]}


def read(folder: Path, table: object, meaning: str = "") -> SourceImage:
    save_picture(folder / "a.png", draw_noise((32, 40)))
    text = table if isinstance(table, str) else json.dumps(table)
    (folder / "a.json").write_text(text, "utf-8-sig")
    spec = write_spec(
        "{case}.png", "{case}.json", f"kind = 'polygons'\nnames = {{ liver = 'liver' }}\n{meaning}"
    )
    (image,) = iter_source_images(plan_import(parse_spec(spec, "spec.toml"), folder))
    return image


def draw(folder: Path, **shape: Any) -> Mask:  # noqa: ANN401
    image = read(folder, {"shapes": [{"label": "liver", **shape}]})
    return image.masks["liver"][0]


def test_a_rectangle_is_the_polygon_of_its_corners(tmp_path: Path) -> None:
    square = draw(tmp_path, points=SQUARE["points"])

    assert square.sum() == 144
    for corners in ([[8, 8], [20, 20]], [[20, 8], [8, 20]]):
        assert np.array_equal(draw(tmp_path, shape_type="rectangle", points=corners), square)


def test_a_circle_goes_through_its_second_point(tmp_path: Path) -> None:
    mask = draw(tmp_path, shape_type="circle", points=[[16, 16], [16, 26]])

    assert abs(int(mask.sum()) - np.pi * 100) < 5
    assert np.flatnonzero(mask.any(axis=1)).tolist() == list(range(6, 26))
    assert np.flatnonzero(mask.any(axis=0)).tolist() == list(range(6, 26))


def test_a_mask_lies_in_its_box(tmp_path: Path) -> None:
    stamp = np.zeros((5, 7), np.uint8)
    stamp[1:4, 2:6] = 1
    png = base64.b64encode(png_bytes(stamp.astype(bool))).decode()

    mask = draw(tmp_path, shape_type="mask", points=[[30, 10], [36, 14]], mask=png)

    expected = np.zeros((32, 40), bool)
    expected[11:14, 32:36] = True
    assert np.array_equal(mask, expected)


def test_shapes_of_a_group_are_one_instance(tmp_path: Path) -> None:
    far = {"label": "liver", "points": [[24, 24], [30, 24], [30, 30]]}
    shapes = [{**SQUARE, "group_id": 3}, {**far, "group_id": 3}, SQUARE, {**far, "group_id": None}]

    image = read(tmp_path, {"shapes": shapes}, "instances = 'labels'")

    assert len(image.masks["liver"]) == 3
    assert max(int(mask.sum()) for mask in image.masks["liver"]) > 144


def test_a_skipped_label_may_be_a_line(tmp_path: Path) -> None:
    line = {"label": "scale", "shape_type": "line", "points": [[0, 0], [9, 9]]}

    image = read(tmp_path, {"shapes": [SQUARE, line]}, "skip = ['scale']")

    assert image.masks["liver"][0].sum() == 144


def test_the_size_that_it_states_may_be_that_of_the_picture(tmp_path: Path) -> None:
    image = read(tmp_path, {"imageHeight": 32, "imageWidth": 40, "shapes": [SQUARE]})

    assert image.warnings == ()


def test_another_picture_is_told(tmp_path: Path) -> None:
    same = {"shapes": [SQUARE], "imagePath": "..\\images\\a.jpg"}

    assert read(tmp_path, same).warnings == ()
    assert read(tmp_path, {**same, "imagePath": "b.png"}).warnings == ("other-picture",)


BOMB = base64.b64encode(png_with_size(60_000, 60_000)).decode()
PNG = base64.b64encode(png_bytes(np.ones((3, 3), np.uint8))).decode()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"imageHeight": 64, "imageWidth": 80, "shapes": []},
         r"differ from the picture \(got \(64, 80\), want \(32, 40\)\)"),
        ({"imageHeight": 40, "imageWidth": 32, "shapes": []}, "differ from the picture"),
        ({"shapes": [{**SQUARE, "shape_type": "linestrip"}]}, "is a linestrip, which has no area"),
        ({"shapes": [{**SQUARE, "shape_type": "point"}]}, "is a point, which has no area"),
        ({"shapes": [{**SQUARE, "shape_type": "circle"}]}, "got circle of 4 points"),
        ({"shapes": [{**SQUARE, "shape_type": "star"}]}, "got star of 4 points"),
        ({"shapes": [{"label": "liver", "points": [[1, 1], [2, 2]]}]}, "polygon of 2 points"),
        ({"shapes": [{"label": "liver", "points": [[1, 1], [9e9, 2], [2, 9]]}]}, "far outside"),
        ({"shapes": [{"label": "liver", "points": [[1, 1], [3, 3]], "shape_type": "mask"}]},
         "is no PNG in base64"),
        ({"shapes": [{"label": "liver", "points": [[1, 1], [9, 9]], "shape_type": "mask",
                      "mask": PNG}]}, "another size than its box"),
        ({"shapes": [{"label": "liver", "points": [[1, 1], [3, 3]], "shape_type": "mask",
                      "mask": BOMB}]}, "has a mask"),
        ({"shapes": [{"label": "liver", "points": [[38, 1], [40, 3]], "shape_type": "mask",
                      "mask": PNG}]}, "leaves the picture"),
        ({"type": "FeatureCollection", "features": []}, "is GeoJSON"),
        ({"a.png123": {"filename": "a.png", "regions": []}}, "is of VIA, which is not read"),
        ({"images": [], "annotations": []}, 'is COCO: kind = "coco"'),
        ([], "is no JSON object"),
        ("<annotations></annotations>", "is XML"),
        ({"other": 1}, "shapes: is no list"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_one_line(table: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, table)
