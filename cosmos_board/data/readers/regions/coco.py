"""COCO files: the annotated regions of many pictures in one JSON file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Rle
from cosmos_board.data.readers.regions.region import IsWanted, Region
from cosmos_board.data.readers.regions.text_files import name_format, read_json_object

CROWD = "crowd: a region that stands for many objects at once (iscrowd)"
BOX_ONLY = "unsegmented: an annotation without a segmentation"

_Id = int | str


@dataclass(frozen=True, slots=True)
class _Picture:
    number: _Id
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class _Annotation:
    category: _Id
    segmentation: object
    crowd: bool


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    pictures: Mapping[str, list[_Picture]]
    """By file name; several where the file says one name twice."""

    annotations: Mapping[_Id, list[_Annotation]]
    """By the number of their picture."""

    categories: Mapping[_Id, str]


def list_coco_pictures(path: Path) -> list[str]:
    """Return what a COCO file calls its pictures, one entry a row; InputError if it draws none."""
    file = _load(str(path), path.stat().st_mtime_ns)
    every = [row for rows in file.annotations.values() for row in rows]
    drawn = [row for row in every if row.segmentation]
    if every and not drawn:
        raise InputError(path, "segmentation", "is in none of the annotations: they are boxes only")
    if drawn and all(row.crowd for row in drawn):
        # Some tools mark every mask that is no polygon so.
        raise InputError(
            path, "iscrowd", "is set for every region, and crowds are left out",
            want="0 for a region of one object",
        )  # fmt: skip
    return [name for name, pictures in file.pictures.items() for _ in pictures]


def read_coco(
    path: Path,
    picture: str,
    shape: tuple[int, int],
    is_wanted: IsWanted,
    left_out: Counter[str],
) -> Iterator[Region]:
    """Yield the annotations of one picture in a COCO file.

    Regions of a crowd and annotations without a segmentation are passed over.

    `picture` is its `file_name`, `shape` its height and width; `left_out` counts what is passed
    over, by rule.

    Raises:
        InputError: If it is no COCO file, or says another size.
    """
    file = _load(str(path), path.stat().st_mtime_ns)
    positions = count()
    for row in file.pictures.get(picture, []):
        if (row.height, row.width) != shape:
            said = (row.height, row.width)
            raise InputError(path, picture, "has another size", got=said, want=shape)
        for annotation in file.annotations.get(row.number, []):
            if annotation.category not in file.categories:
                raise InputError(
                    path, "category_id", "is none of its categories", got=annotation.category
                )
            name = file.categories[annotation.category]
            if not is_wanted(0, name):
                continue
            if annotation.crowd or not annotation.segmentation:
                left_out[CROWD if annotation.crowd else BOX_ONLY] += 1
                continue
            drawn = draw_segmentation(path, annotation.segmentation, shape)
            yield Region(name, drawn, f"{next(positions):09d}")


def draw_segmentation(path: Path, segmentation: object, shape: tuple[int, int]) -> Mask:
    """Return a region that is given as polygons or as run lengths, as COCO does.

    `segmentation` is a list of polygons `[x, y, x, y, …]`, or `{"size": …, "counts": …}`.

    Raises:
        InputError: If it cannot be drawn.
    """
    try:
        if isinstance(segmentation, list):
            return _draw_polygons(segmentation, shape)
        if isinstance(segmentation, dict):
            return _draw_runs(segmentation, shape)
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(path, "segmentation", f"cannot be drawn: {error}") from error
    raise InputError(path, "segmentation", "is missing")


def _draw_polygons(polygons: list[Any], shape: tuple[int, int]) -> Mask:
    if not polygons:
        return np.zeros(shape, np.bool_)
    reach = 2 * max(shape)
    for polygon in polygons:
        points = np.array(polygon, np.float64)
        if points.ndim != 1 or len(points) < 6 or len(points) % 2:
            raise ValueError("a polygon needs at least three points")
        # The drawing routine walks every pixel between two points, wherever they are.
        if not np.isfinite(points).all() or np.abs(points).max() > reach:
            raise ValueError("a point lies far outside the picture")
    drawn = np.zeros(shape, np.bool_)
    for rle in coco.frPyObjects(polygons, *shape):
        drawn |= Rle(*shape, rle["counts"]).decode()
    return drawn


def _draw_runs(segmentation: dict[str, Any], shape: tuple[int, int]) -> Mask:
    counts = segmentation.get("counts")
    if list(segmentation.get("size", [])) != list(shape):
        raise ValueError(f"its size {segmentation.get('size')} is not the picture's {shape}")
    if isinstance(counts, str):
        return Rle(*shape, counts.encode("ascii")).decode()
    if not isinstance(counts, list) or not all(type(run) is int and run >= 0 for run in counts):
        raise ValueError("its run lengths are no numbers")
    if sum(counts) != shape[0] * shape[1]:
        raise ValueError("its run lengths do not fill the picture")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(shape, order="F")


@lru_cache(maxsize=4)
def _load(path: str, mtime_ns: int) -> _File:
    table = read_json_object(Path(path))
    if not all(isinstance(table.get(word), list) for word in ("images", "annotations")):
        kind = name_format(table)
        raise InputError(
            path, "", f"is {kind}" if kind else "is no COCO file: images or annotations missing"
        )
    pictures: dict[str, list[_Picture]] = defaultdict(list)
    seen: set[_Id] = set()
    for row in _iterate(path, table, "images"):
        number = row.identify("id")
        if number in seen:
            raise InputError(path, f"{row.place}.id", "is there twice", got=repr(number))
        seen.add(number)
        name = row.values.get("file_name") or row.values.get("coco_url")
        if not isinstance(name, str):
            raise InputError(path, f"{row.place}.file_name", "is missing")
        pictures[name].append(_Picture(number, row.measure("height"), row.measure("width")))
    annotations: dict[_Id, list[_Annotation]] = defaultdict(list)
    for row in _iterate(path, table, "annotations"):
        owner = row.identify("image_id")
        annotations[owner].append(
            _Annotation(
                row.identify("category_id"),
                row.values.get("segmentation"),
                bool(row.values.get("iscrowd")),
            )
        )
    # Parts of larger files keep annotations of pictures that they no longer list.
    if annotations and not seen & annotations.keys():
        got = repr(next(iter(annotations)))
        raise InputError(path, "annotations[0].image_id", "is none of its images", got=got)
    categories: dict[_Id, str] = {}
    for row in _iterate(path, table, "categories"):
        number = row.identify("id")
        if number in categories:
            raise InputError(path, f"{row.place}.id", "is there twice", got=repr(number))
        categories[number] = str(row.values.get("name", ""))
    return _File(dict(pictures), dict(annotations), categories)


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    place: str
    values: Mapping[str, Any]

    def identify(self, field: str) -> _Id:
        """Return an id: tools write numbers as 7, 7.0 or "7", and others use words."""
        value = self.values.get(field)
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise InputError(self.path, f"{self.place}.{field}", "is no id", got=repr(value))
        return value

    def measure(self, field: str) -> int:
        value = self.values.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise InputError(self.path, f"{self.place}.{field}", "is no size", got=repr(value))
        return int(value)


def _iterate(path: str, table: Mapping[str, Any], field: str) -> Iterator[_Row]:
    rows = table.get(field, [])
    for position, row in enumerate(rows if isinstance(rows, list) else [rows]):
        if not isinstance(row, dict):
            raise InputError(path, f"{field}[{position}]", "is no object")
        yield _Row(path, f"{field}[{position}]", row)
