"""Regions that are described: COCO, labelme and tables of runs.

Held against pycocotools, against drawing with OpenCV and against counting pixels one by one.
"""

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
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from cosmos_board.core.masks import Mask
from tests.corpus.case import Case, Made, Reading, Slice, write_spec
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise, one_slice, trace_letter
from tests.corpus.pictures import read_pillow, save

GREY = draw_noise()
MASK = draw_letter()
OTHER = draw_letter(top=17, left=33)
HEIGHT, WIDTH = SHAPE[1:]
CELLS = 'kind = "coco"\nnames = { cell = "lesion" }\ninstances = "labels"'
COCO_SPEC = write_spec("images/{c}.png", "ann.json", CELLS)


def outline(top: int = 5, left: int = 8) -> list[float]:
    """Return the letter as a polygon x, y, x, y …; pixels begin at whole numbers."""
    found: list[float] = (trace_letter(top, left) + 0.5).ravel().tolist()
    return found


def pack(mask: Mask) -> dict[str, Any]:
    """Return compressed run lengths, as pycocotools writes them."""
    packed = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": packed["counts"].decode()}


def count_runs(mask: Mask) -> list[int]:
    """Return plain run lengths down the columns, the first of background."""
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, flat.size]).tolist()
    return [0, *runs] if flat[0] else runs


def annotate(segmentation: object, **more: object) -> dict[str, object]:
    """Return an annotation of picture 7."""
    row: dict[str, object] = {"image_id": 7, "category_id": 2, "iscrowd": 0}
    return {**row, "segmentation": segmentation, "bbox": [8, 5, 14, 20], "area": 144, **more}


def write_coco(path: Path, rows: Sequence[dict[str, object]], **picture: object) -> None:
    """Write a COCO file of one picture."""
    facts = {"id": 7, "file_name": "a.png", "height": HEIGHT, "width": WIDTH, **picture}
    numbered = [{"id": number, **row} for number, row in enumerate(rows, 1)]
    table = {"images": [facts], "categories": [{"id": 2, "name": "cell"}], "annotations": numbered}
    path.write_text(json.dumps(table), "utf-8")


def read_coco(path: Path, number: int = 1) -> NDArray[np.bool_]:
    """Return an annotation as the reference implementation draws it."""
    file = COCO(str(path))
    found: NDArray[np.bool_] = file.annToMask(file.loadAnns([number])[0]) > 0
    return found


def _coco(form: str, folder: Path) -> Made:
    save(folder / "images/a.png", GREY)
    forms: dict[str, object] = {
        "polygon": [outline()], "two-polygons": [outline(), outline(17, 33)],
        "compressed": pack(MASK), "runs": {"size": [HEIGHT, WIDTH], "counts": count_runs(MASK)},
        "touching-corner": {"size": [HEIGHT, WIDTH], "counts": count_runs(~MASK)},
    }  # fmt: skip
    wanted = {"two-polygons": MASK | OTHER, "touching-corner": ~MASK}.get(form, MASK)
    write_coco(folder / "ann.json", [annotate(forms[form])])
    reading = Reading("pycocotools", partial(read_coco, folder / "ann.json"), wanted)
    return Made(spec=COCO_SPEC, slices=one_slice(GREY, wanted), readings=(reading,))


def _left_out(other: dict[str, object], said: str, folder: Path) -> Made:
    """One annotation is drawn; the other stands for no object of its own, and is counted."""
    save(folder / "images/a.png", GREY)
    rows = [annotate(pack(MASK)), annotate(pack(OTHER)) | other]
    rows = [{key: value for key, value in row.items() if value is not Ellipsis} for row in rows]
    write_coco(folder / "ann.json", rows)
    reading = Reading("pycocotools", partial(read_coco, folder / "ann.json"), MASK)
    return Made(spec=COCO_SPEC, slices=one_slice(GREY), said=said, readings=(reading,))


def _picture(facts: dict[str, object], refusal: str, folder: Path) -> Made:
    """What the file says of its picture."""
    save(folder / "images/a.png", GREY)
    write_coco(folder / "ann.json", [annotate(pack(MASK))], **facts)
    reading = Reading("pycocotools", partial(read_coco, folder / "ann.json"), MASK)
    return Made(
        spec=COCO_SPEC, slices=() if refusal == "size" else one_slice(GREY), refusal=refusal,
        readings=(reading,),
    )  # fmt: skip


def _equal_names(in_folders: bool, folder: Path) -> Made:
    """Two pictures are called a.png: the folder tells them apart, or nothing does."""
    shown = {"x": GREY, "y": draw_noise(seed=5)}
    for name, pixels in shown.items():
        save(folder / f"images/{name}/a.png", pixels)
    rows = [annotate(pack(MASK)), annotate(pack(OTHER), image_id=8)]
    names = ["x/a.png", "y/a.png"] if in_folders else ["a.png", "a.png"]
    write_coco(folder / "ann.json", rows, file_name=names[0])
    table = json.loads((folder / "ann.json").read_text())
    table["images"].append({**table["images"][0], "id": 8, "file_name": names[1]})
    (folder / "ann.json").write_text(json.dumps(table))
    spec = write_spec("images/{d}/{c}.png", "ann.json", CELLS)
    reading = Reading("pycocotools", partial(read_coco, folder / "ann.json", 2), OTHER)
    if not in_folders:
        return Made(spec=spec, refusal="a.png|twice|same|several", readings=(reading,))
    slices = (
        Slice(shown["x"], {"lesion": (MASK,)}, "x"), Slice(shown["y"], {"lesion": (OTHER,)}, "y"),
    )  # fmt: skip
    return Made(spec=spec, slices=slices, readings=(reading,))


def _one_name_for_two(folder: Path) -> Made:
    """The file knows one a.png, the source has two: neither may take the other's masks."""
    save(folder / "images/x/a.png", GREY)
    save(folder / "images/y/a.png", draw_noise(seed=5))
    write_coco(folder / "ann.json", [annotate(pack(MASK))])
    spec = write_spec("images/{d}/{c}.png", "ann.json", CELLS)
    return Made(spec=spec, refusal="a.png|several|same|twice")


def _unknown_category(folder: Path) -> Made:
    save(folder / "images/a.png", GREY)
    write_coco(folder / "ann.json", [annotate(pack(MASK), category_id=3)])
    return Made(spec=COCO_SPEC, refusal="categor")


COCOS = (
    *(
        Case(form, partial(_coco, form))
        for form in ("polygon", "two-polygons", "compressed", "runs", "touching-corner")
    ),
    Case("crowd", partial(_left_out, {"iscrowd": 1}, "crowd")),
    Case("no-segmentation", partial(_left_out, {"segmentation": ...}, "segment")),
    Case("null-segmentation", partial(_left_out, {"segmentation": None}, "segment")),
    Case("empty-segmentation", partial(_left_out, {"segmentation": []}, "segment|absent")),
    Case("other-size", partial(_picture, {"height": WIDTH, "width": HEIGHT}, "size")),
    Case("backslashes", partial(_picture, {"file_name": "data\\images\\a.png"}, "called|picture")),
    Case("other-folder", partial(_picture, {"file_name": "train/2017/a.png"}, "called|picture")),
    Case("equal-names-told-apart", partial(_equal_names, True)),
    Case("equal-names", partial(_equal_names, False)),
    Case("one-name-for-two", _one_name_for_two),
    Case("unknown-category", _unknown_category),
)

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


def _shape(shape: dict[str, Any], refusal: str, folder: Path) -> Made:
    save(folder / "a.png", GREY)
    write_labelme(folder / "a.json", [shape])
    wanted = _area(shape)
    reading = Reading("OpenCV", partial(_fill, shape), wanted)
    return Made(spec=LABELME, slices=one_slice(GREY, wanted), refusal=refusal, readings=(reading,))


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
        spec=spec, slices=one_slice(read_pillow(folder / "a.jpg")), refusal="orientation",
        tolerance=3, readings=(reading,),
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
    return Made(
        spec=LABELME, slices=one_slice(GREY), refusal="shape|mask|polygon", readings=(reading,)
    )


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


LABELMES = (
    Case("polygon", partial(_shape, polygon(), "")),
    Case("rectangle", partial(
        _shape, {"points": [[30.0, 25.0], [9.0, 6.0]], "shape_type": "rectangle"}, "shape")),
    Case("circle", partial(
        _shape, {"points": [[20.0, 18.0], [27.0, 22.0]], "shape_type": "circle"}, "shape")),
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


def _list_absolute(mask: Mask) -> str:
    """Return starts, the first pixel being 1, and lengths down the columns, pixel by pixel."""
    words: list[int] = []
    before = False
    for position, inside in enumerate(mask.ravel(order="F").tolist(), 1):
        if inside and not before:
            words += [position, 0]
        if inside:
            words[-1] += 1
        before = inside
    return " ".join(map(str, words))


def _list_relative(mask: Mask) -> str:
    """Return how far to go on from the end of the run before, and lengths."""
    runs = count_runs(mask)
    return " ".join(map(str, runs[: len(runs) // 2 * 2]))


def _draw_runs(text: str, relative: bool) -> NDArray[np.bool_]:
    """Return a mask drawn run by run."""
    flat, end = np.zeros(HEIGHT * WIDTH, np.bool_), 0
    numbers = [int(word) for word in text.split()]
    for first, length in zip(numbers[::2], numbers[1::2], strict=True):
        start = end + first if relative else first - 1
        end = start + length
        flat[start:end] = True
    return flat.reshape(WIDTH, HEIGHT).T


def _runs(way: str, said: str, folder: Path) -> Made:
    save(folder / "images/a.png", GREY)
    text = (_list_relative if way == "relative" else _list_absolute)(MASK)
    (folder / "t.csv").write_text(f"ImageId,EncodedPixels\nb,1 3\na,{text}\n")
    convention = f'\nruns = "{said}"' if said else ""
    meaning = f'kind = "runs"\nname = "{{c}}"\nobject = "lesion"{convention}'
    spec = write_spec("images/{c}.png", "t.csv", meaning, modality="x-ray")
    reading = Reading("numpy", partial(_draw_runs, text, way == "relative"), MASK)
    if way != said:
        return Made(spec=spec, refusal="run", readings=(reading,))
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


def _rows(rows: Sequence[str], wanted: Mask | None, refusal: str, folder: Path) -> Made:
    """Several rows of a picture, rows that say nothing, and runs that leave the picture."""
    save(folder / "images/a.png", GREY)
    (folder / "t.csv").write_text("\n".join(["\ufeffImageId,EncodedPixels", *rows]) + "\n", "utf-8")
    meaning = 'kind = "runs"\nname = "{c}"\nobject = "lesion"\nruns = "absolute"'
    spec = write_spec("images/{c}.png", "t.csv", meaning, modality="x-ray")
    if wanted is None:
        return Made(spec=spec, refusal=refusal)
    text = [row.partition(",")[2] for row in rows if "-1" not in row and row.strip(" a,")]
    reading = Reading(
        "numpy", lambda: np.logical_or.reduce([_draw_runs(one, False) for one in text]), wanted
    )
    return Made(spec=spec, slices=one_slice(GREY, wanted), readings=(reading,))


ONE, TWO = _list_absolute(MASK), _list_absolute(OTHER)

RUNS = (
    Case("absolute", partial(_runs, "absolute", "absolute")),
    Case("relative", partial(_runs, "relative", "relative")),
    Case("unsaid", partial(_runs, "absolute", "")),
    Case("absolute-said-relative", partial(_runs, "absolute", "relative")),
    Case("two-rows", partial(_rows, (f"a,{ONE}", f"a,{TWO}"), MASK | OTHER, "")),
    Case("row-of-nothing", partial(_rows, (f"a,{ONE}", "b,-1", "c,"), MASK, "")),
    Case("beyond", partial(_rows, (f"a,{HEIGHT * WIDTH - 5} 60",), None, "run")),
    Case("zero-start", partial(_rows, ("a,0 60",), None, "run")),
    Case("odd", partial(_rows, ("a,5 60 9",), None, "run|pair")),
    Case("no-numbers", partial(_rows, ("a,5 x",), None, "run|number")),
    Case("overlapping", partial(_rows, ("a,5 60 30 60",), None, "run|overlap|order")),
)
