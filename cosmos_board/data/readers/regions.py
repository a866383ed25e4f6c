"""Regions described in JSON: COCO annotations and polygons of one picture."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Rle

_LARGEST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One drawn region of a picture."""

    name: str
    mask: Mask


def read_coco(path: Path, picture: str, shape: tuple[int, int]) -> Iterator[Region]:
    """Yield the annotations of one picture in a COCO file.

    Args:
        path: The JSON file.
        picture: Path of the picture, which ends with its `file_name` in the file.
        shape: Height and width of the picture, in pixels.

    Raises:
        InputError: If it is no COCO file, or says another size.
    """
    file = _load_coco(str(path), path.stat().st_mtime_ns)
    parts = picture.split("/")
    endings = ("/".join(parts[start:]) for start in range(len(parts)))
    row = next((file.pictures[ending] for ending in endings if ending in file.pictures), None)
    if row is None:
        return
    if (row.height, row.width) != shape:
        got = (row.height, row.width)
        raise InputError(path, picture, "has another size", got=got, want=shape)
    for category, segmentation in file.annotations.get(row.number, []):
        if category not in file.categories:
            raise InputError(path, "category_id", "is none of its categories", got=category)
        yield Region(file.categories[category], _draw(path, segmentation, shape))


def read_polygons(path: Path, shape: tuple[int, int]) -> Iterator[Region]:
    """Yield the polygons of one picture: `{"shapes": [{"label": …, "points": [[x, y], …]}]}`.

    Args:
        path: The JSON file.
        shape: Height and width of the picture, in pixels.

    Raises:
        InputError: If it is no such file, or a shape is no polygon.
    """
    shapes = _load(path, dict).get("shapes")
    if not isinstance(shapes, list):
        raise InputError(path, "shapes", "is no list")
    for position, row in enumerate(shapes):
        try:
            kind = row.get("shape_type", "polygon")
            points = np.array(row["points"], np.float64).reshape(-1, 2)
            label = str(row["label"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(path, f"shapes[{position}]", "is no shape") from error
        if kind != "polygon" or len(points) < 3 or not np.isfinite(points).all():
            raise InputError(path, f"shapes[{position}]", "is no polygon", got=kind)
        yield Region(label, _draw(path, [points.ravel().tolist()], shape))


@dataclass(frozen=True, slots=True)
class _CocoPicture:
    number: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class _CocoFile:
    pictures: Mapping[str, _CocoPicture]
    annotations: Mapping[int, list[tuple[int, object]]]
    """(category, segmentation) of each annotation, by the number of the picture."""

    categories: Mapping[int, str]


@lru_cache(maxsize=4)
def _load_coco(path: str, mtime_ns: int) -> _CocoFile:
    table = _load(Path(path), dict)
    try:
        annotations: dict[int, list[tuple[int, object]]] = defaultdict(list)
        for row in table["annotations"]:
            annotations[int(row["image_id"])].append((int(row["category_id"]), row["segmentation"]))
        return _CocoFile(
            {
                str(row["file_name"]): _CocoPicture(
                    int(row["id"]), int(row["height"]), int(row["width"])
                )
                for row in table["images"]
            },
            annotations,
            {int(row["id"]): str(row["name"]) for row in table["categories"]},
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(path, "", f"is no COCO file: {error!r}") from error


def _load(path: Path, kind: type[dict[str, Any]]) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large")
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(path, "", f"is no JSON: {error}") from error
    if not isinstance(table, kind):
        raise InputError(path, "", "is no JSON object")
    return table


def _draw(path: Path, segmentation: object, shape: tuple[int, int]) -> Mask:
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
