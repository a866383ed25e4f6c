"""Shapes of labelme, held against drawing them 16 times as large with OpenCV."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.corpus.case import Case, Made, Reading, Slice, write_spec
from tests.corpus.cocos import GREY, HEIGHT, MASK, OTHER, WIDTH, outline
from tests.corpus.drawing import one_slice
from tests.corpus.pictures import read_pillow, save

SHAPES = 'kind = "polygons"\nnames = { cell = "lesion" }'
LABELME = write_spec("{c}.png", "{c}.json", SHAPES)


def write_labelme(path: Path, shapes: Sequence[dict[str, object]], **facts: object) -> None:
    """Write shapes as labelme does."""
    size = {"imageHeight": HEIGHT, "imageWidth": WIDTH, "imagePath": "a.png", "imageData": None}
    rows = [{"label": "cell", "group_id": None, "flags": {}, **shape} for shape in shapes]
    table = {"version": "5.4.1", "flags": {}, "shapes": rows, **size, **facts}
    path.write_text(json.dumps({key: value for key, value in table.items() if value is not ...}))


def polygon(top: int = 5, left: int = 8) -> dict[str, object]:
    """Return the letter as a shape."""
    points = np.array(outline(top, left)).reshape(-1, 2).tolist()
    return {"points": points, "shape_type": "polygon"}


def _fill(shape: dict[str, Any]) -> NDArray[np.bool_]:
    """Return a shape as OpenCV fills it, 16 times as large, at the centres of pixels."""
    large = np.zeros((HEIGHT * 16, WIDTH * 16), np.uint8)
    points = np.array(shape["points"]) * 16
    if shape["shape_type"] == "circle":
        radius = float(np.hypot(*(points[1] - points[0])))
        centre = [round(float(value)) for value in points[0]]
        cv2.circle(large, centre, round(radius), 1, cv2.FILLED)
    elif shape["shape_type"] == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        large[round(top) : round(bottom), round(left) : round(right)] = 1
    else:
        cv2.fillPoly(large, [np.rint(points - 0.5).astype(np.int32)], [1])
    return large[8::16, 8::16] > 0


def _shape(shape: dict[str, Any], folder: Path) -> Made:
    save(folder / "a.png", GREY)
    write_labelme(folder / "a.json", [shape])
    wanted = _area(shape)
    reading = Reading("OpenCV", partial(_fill, shape), wanted)
    return Made(spec=LABELME, slices=one_slice(GREY, wanted), readings=(reading,))


def _area(shape: dict[str, Any]) -> NDArray[np.bool_]:
    """Return the pixels whose centres a shape holds."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    if shape["shape_type"] == "polygon":
        return MASK
    (left, top), (right, bottom) = shape["points"]
    if shape["shape_type"] == "rectangle":
        between = ((x - left) * (x - right) <= 0) & ((y - top) * (y - bottom) <= 0)
        return np.asarray(between)
    inside = (x - left) ** 2 + (y - top) ** 2 <= (right - left) ** 2 + (bottom - top) ** 2
    return np.asarray(inside)


def _no_area(kind: str, folder: Path) -> Made:
    save(folder / "a.png", GREY)
    points = [[12.0, 9.0], [30.0, 20.0], [14.0, 22.0]][: 1 if kind == "point" else 3]
    write_labelme(folder / "a.json", [polygon(), {"points": points, "shape_type": kind}])
    return Made(spec=LABELME, refusal="shape|area|polygon")


def _size(facts: dict[str, object], refusal: str, folder: Path) -> Made:
    save(folder / "a.png", GREY)
    write_labelme(folder / "a.json", [polygon()], **facts)
    reading = Reading("OpenCV", partial(_fill, polygon()), MASK)
    slices = () if refusal else one_slice(GREY)
    return Made(spec=LABELME, slices=slices, refusal=refusal, readings=(reading,))


def _turned_picture(folder: Path) -> Made:
    """Drawn on a picture as labelme shows it: turned as its tag says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "a.jpg", np.ascontiguousarray(np.rot90(GREY)), exif=exif, quality=95)
    write_labelme(folder / "a.json", [polygon()], imagePath="a.jpg")
    spec = write_spec("{c}.jpg", "{c}.json", SHAPES)
    reading = Reading("OpenCV", partial(_fill, polygon()), MASK)
    return Made(
        spec=spec, slices=one_slice(read_pillow(folder / "a.jpg")), tolerance=3,
        readings=(reading,),
    )  # fmt: skip


def _pasted(folder: Path) -> Made:
    """A mask as a small picture within the file."""
    save(folder / "a.png", GREY)
    file = io.BytesIO()
    Image.fromarray(MASK[5:25, 8:22]).save(file, "PNG")
    shape: dict[str, object] = {
        "points": [[8, 5], [21, 24]], "shape_type": "mask",
        "mask": base64.b64encode(file.getvalue()).decode(),
    }  # fmt: skip
    write_labelme(folder / "a.json", [shape])
    stamp = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert stamp is not None
    reading = Reading("OpenCV", lambda: np.pad(stamp > 0, ((5, 15), (8, 30))), MASK)
    return Made(spec=LABELME, slices=one_slice(GREY), readings=(reading,))


def _instances(by_label: bool, folder: Path) -> Made:
    """Two shapes of one label: two cells, or one reference."""
    save(folder / "a.png", GREY)
    write_labelme(folder / "a.json", [polygon(), polygon(17, 33)])
    masks = (MASK, OTHER) if by_label else (MASK | OTHER,)
    meaning = SHAPES + ('\ninstances = "labels"' if by_label else "")
    reading = Reading("OpenCV", partial(_fill, polygon(17, 33)), OTHER)
    return Made(
        spec=write_spec("{c}.png", "{c}.json", meaning),
        slices=(Slice(GREY, {"lesion": masks}),), readings=(reading,),
    )  # fmt: skip


CASES = (
    Case("polygon", partial(_shape, polygon())),
    Case("rectangle", partial(
        _shape, {"points": [[30.0, 25.0], [9.0, 6.0]], "shape_type": "rectangle"})),
    Case("circle", partial(
        _shape, {"points": [[20.0, 18.0], [27.0, 22.0]], "shape_type": "circle"})),
    *(Case(kind, partial(_no_area, kind)) for kind in ("point", "line", "linestrip")),
    Case("mask", _pasted),
    Case("other-size", partial(
        _size, {"imageHeight": 80, "imageWidth": 104}, "size|Height|differ")),
    Case("sides-swapped", partial(
        _size, {"imageHeight": WIDTH, "imageWidth": HEIGHT}, "size|Height|differ")),
    Case("size-unsaid", partial(_size, {"imageHeight": ..., "imageWidth": ...}, "")),
    Case("turned-picture", _turned_picture),
    Case("two-instances", partial(_instances, True)),
    Case("two-in-one", partial(_instances, False)),
)  # fmt: skip
