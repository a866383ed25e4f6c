"""Regions of one picture that JSON describes: polygons and other shapes, as labelme writes them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.readers.regions.coco import draw_segmentation
from cosmos_board.data.readers.regions.region import IsWanted, Region
from cosmos_board.data.readers.regions.text_files import name_format

_NO_AREA = ("point", "points", "line", "linestrip")


def read_labelme(
    path: Path, table: dict[str, Any], shape: tuple[int, int], is_wanted: IsWanted
) -> Iterator[Region]:
    """Yield the shapes of one picture: `{"shapes": [{"label": …, "points": [[x, y], …]}]}`.

    Polygons, rectangles, circles and masks are drawn, as `shape_type` says.

    Height and width of the picture are its `shape`.

    Raises:
        InputError: If it is no such file, says another size, or a shape cannot be drawn.
    """
    shapes = table.get("shapes")
    if not isinstance(shapes, list):
        kind = name_format(table)
        raise InputError(path, "" if kind else "shapes", f"is {kind}" if kind else "is no list")
    said = (table.get("imageHeight"), table.get("imageWidth"))
    if any(size is not None and size != real for size, real in zip(said, shape, strict=True)):
        raise InputError(path, "imageHeight and imageWidth", "differ from the picture",
                         got=said, want=shape)  # fmt: skip
    for position, row in enumerate(shapes):
        where = f"shapes[{position}]"
        if not isinstance(row, dict) or "label" not in row:
            raise InputError(path, where, "is no shape")
        label, group = str(row["label"]), row.get("group_id")
        if is_wanted(0, label):
            drawn = _draw_shape(path, where, row, shape)
            yield Region(
                label, drawn, f"{position:09d}" if group in (None, "") else f"group {group}"
            )


def names_other_picture(table: dict[str, Any], picture: str) -> bool:
    """Return whether a file of shapes says that it was drawn on a picture of another name."""
    said = table.get("imagePath")
    if not isinstance(said, str) or not said:
        return False
    return PurePosixPath(said.replace("\\", "/")).stem != PurePosixPath(picture).stem


def _draw_shape(path: Path, where: str, row: dict[str, Any], shape: tuple[int, int]) -> Mask:
    kind = row.get("shape_type") or "polygon"
    try:
        points = np.array(row["points"], np.float64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(path, where, "is no shape") from error
    if not np.isfinite(points).all() or np.abs(points).max(initial=0) > 2 * max(shape):
        raise InputError(path, where, "has a point far outside the picture")
    if kind in _NO_AREA:
        raise InputError(
            path, where, f"is a {kind}, which has no area", want="a polygon, or its label skipped"
        )
    if kind == "polygon" and len(points) >= 3:
        return draw_segmentation(path, [points.ravel().tolist()], shape)
    if kind in ("rectangle", "circle", "mask") and len(points) == 2:
        if kind == "mask":
            return _paste_mask(path, where, row, points, shape)
        return (_draw_rectangle if kind == "rectangle" else _draw_circle)(points, shape)
    want = "polygon, rectangle, circle or mask"
    raise InputError(
        path, where, "cannot be drawn", got=f"{kind} of {len(points)} points", want=want
    )


def _draw_rectangle(points: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Draw what lies between two corners (x, y): the pixels whose centres do."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    rows, columns = (np.arange(size) + 0.5 for size in shape)
    inside: Mask = np.outer((rows >= top) & (rows < bottom), (columns >= left) & (columns < right))
    return inside


def _draw_circle(points: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Draw the circle around the first point (x, y) through the second."""
    centre, edge = points
    rows, columns = (np.arange(size) + 0.5 for size in shape)
    squares = (rows[:, np.newaxis] - centre[1]) ** 2 + (columns - centre[0]) ** 2
    inside: Mask = squares <= ((edge - centre) ** 2).sum()
    return inside


def _paste_mask(
    path: Path, where: str, row: dict[str, Any], points: NDArray[np.float64], shape: tuple[int, int]
) -> Mask:
    """Draw a picture of a mask (PNG in base64) into its box, whose corners are pixels in it."""
    from PIL import Image

    left, top, right, bottom = (int(value) for value in np.rint(points).ravel())
    try:
        # Of the size of its box, or it is refused: a bomb is never unpacked.
        with Image.open(
            io.BytesIO(base64.b64decode(row["mask"], validate=True)), formats=["PNG"]
        ) as png:
            size = (png.height, png.width)
            if size != (bottom - top + 1, right - left + 1):
                raise InputError(path, where, "has a mask of another size than its box", got=size)
            stamp = np.asarray(png.convert("L")) > 0
    except (
        KeyError, TypeError, ValueError, OSError, SyntaxError, Image.DecompressionBombError
    ) as error:  # fmt: skip
        raise InputError(path, where, "has a mask that is no PNG in base64") from error
    if min(left, top) < 0 or bottom >= shape[0] or right >= shape[1]:
        raise InputError(path, where, "has a mask that leaves the picture")
    drawn = np.zeros(shape, np.bool_)
    drawn[top : bottom + 1, left : right + 1] = stamp
    return drawn
