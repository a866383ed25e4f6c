"""JSON files of regions: they may be large, damaged, or of a tool whose files we do not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError

_LARGEST_BYTES = 1 << 30


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds; a byte order mark is passed over.

    Raises:
        InputError: If it cannot be read, is too large or holds no object.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large")
        data = path.read_bytes()
        table = json.loads(data)
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            raise InputError(
                path, "", "is XML (as of CVAT), which is not read", want="COCO"
            ) from error
        raise InputError(path, "", f"is no JSON: {error}") from error
    if not isinstance(table, dict):
        raise InputError(path, "", "is no JSON object", got=type(table).__name__, want="COCO")
    return table


def name_format(table: dict[str, Any]) -> str:
    """Return what a file of regions seems to be, in words that follow "is"; "" where unknown."""
    if table.get("type") in ("FeatureCollection", "Feature"):
        return "GeoJSON (as of QuPath), which is not read: export COCO or masks"
    if "_via_img_metadata" in table or any(
        isinstance(row, dict) and "regions" in row for row in table.values()
    ):
        return "of VIA, which is not read: export COCO"
    if "shapes" in table:
        return 'of labelme: kind = "polygons"'
    if isinstance(table.get("annotations"), list) and "images" in table:
        return 'COCO: kind = "coco"'
    return ""
