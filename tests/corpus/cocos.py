"""COCO annotations, held against the reference implementation, pycocotools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from cosmos_board.core.masks import Mask
from tests.corpus.case import Case, Made, Reading, Slice, write_spec
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise, one_slice, trace_letter
from tests.corpus.pictures import save

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


CASES = (
    *(
        Case(form, partial(_coco, form))
        for form in ("polygon", "two-polygons", "compressed", "runs", "touching-corner")
    ),
    Case("crowd", partial(_left_out, {"iscrowd": 1}, "crowd")),
    Case("no-segmentation", partial(_left_out, {"segmentation": ...}, "segment")),
    Case("null-segmentation", partial(_left_out, {"segmentation": None}, "segment")),
    Case("empty-segmentation", partial(_left_out, {"segmentation": []}, "segment|absent")),
    Case("other-size", partial(_picture, {"height": WIDTH, "width": HEIGHT}, "size")),
    Case("backslashes", partial(_picture, {"file_name": "data\\images\\a.png"}, "")),
    Case("other-folder", partial(_picture, {"file_name": "train/2017/a.png"}, "called|picture")),
    Case("equal-names-told-apart", partial(_equal_names, True)),
    Case("equal-names", partial(_equal_names, False)),
    Case("one-name-for-two", _one_name_for_two),
    Case("unknown-category", _unknown_category),
)
