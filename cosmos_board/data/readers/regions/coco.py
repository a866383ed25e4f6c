"""COCO files: the annotated regions of many pictures in one JSON file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.regions.json_files import name_format, read_json_object
from cosmos_board.data.readers.regions.labelme import Region, draw_segmentation

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
    """Return what a COCO file calls its pictures, one entry a row.

    Raises:
        InputError: If it is no COCO file, or describes nothing but boxes or crowds.
    """
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
    left_out: Counter[str],
    is_skipped: Callable[[str], bool],
) -> Iterator[Region]:
    """Yield the annotations of one picture in a COCO file.

    Regions of a crowd and annotations without a segmentation are passed over.

    Args:
        path: The JSON file.
        picture: Its `file_name` in the file.
        shape: Height and width of the picture, in pixels.
        left_out: Counts what is passed over, by rule.
        is_skipped: Whether a category is passed over without being looked at.

    Raises:
        InputError: If it is no COCO file, or says another size.
    """
    file = _load(str(path), path.stat().st_mtime_ns)
    for row in file.pictures.get(picture, []):
        if (row.height, row.width) != shape:
            got = (row.height, row.width)
            raise InputError(path, picture, "has another size", got=got, want=shape)
        for annotation in file.annotations.get(row.number, []):
            if annotation.category not in file.categories:
                raise InputError(
                    path, "category_id", "is none of its categories", got=annotation.category
                )
            name = file.categories[annotation.category]
            if is_skipped(name):
                continue
            if annotation.crowd or not annotation.segmentation:
                left_out[CROWD if annotation.crowd else BOX_ONLY] += 1
                continue
            yield Region(name, draw_segmentation(path, annotation.segmentation, shape))


@lru_cache(maxsize=4)
def _load(path: str, mtime_ns: int) -> _File:
    table = read_json_object(Path(path))
    if not all(isinstance(table.get(word), list) for word in ("images", "annotations")):
        found = name_format(table)
        raise InputError(
            path, "", f"is {found}" if found else "is no COCO file: images or annotations missing"
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
