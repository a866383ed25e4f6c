"""CSV and JSON files: they may be large, damaged, or of a tool whose files we do not read."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError, describe_unreadable

_LARGEST_JSON_BYTES = 1 << 30
_LARGEST_TABLE_BYTES = 1 << 28
_LONGEST_CELL = 1 << 24
_LONGEST_LINE = 1 << 20


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds; a byte order mark is ignored.

    Raises:
        InputError: If it cannot be read, is too large or holds no object.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON_BYTES:
            raise InputError(path, "", "is too large")
        data = path.read_bytes()
        table = json.loads(data)
    except OSError as error:
        raise describe_unreadable(path, error) from error
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


def read_csv_table(path: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file by column.

    Messages call it `name`.

    Raises:
        InputError: If it cannot be read, or is no table.
    """
    columns: list[str] = []
    for line, cells in read_csv_rows(path, name, _LARGEST_TABLE_BYTES):
        if not columns:
            columns = cells
            if len(set(columns)) < len(columns):
                raise InputError(name, f"line {line}", "names a column twice", got=columns)
            continue
        if len(cells) != len(columns):
            raise InputError(name, f"line {line}", "has too many or few cells")
        yield dict(zip(columns, cells, strict=True))


def read_csv_rows(path: Path, name: str, largest_bytes: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells without spaces around them) of each row that is not empty.

    Commas separate cells; semicolons or tabs where the first line holds no comma.

    Messages call it `name`.

    Raises:
        InputError: If it cannot be read, is larger than `largest_bytes`, or is no CSV in UTF-8.
    """
    try:
        if path.stat().st_size > largest_bytes:
            raise InputError(name, "table", "is too large")
        csv.field_size_limit(_LONGEST_CELL)
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(_LONGEST_LINE)
            if "\0" in first:
                raise InputError(name, "table", "is no CSV in UTF-8: save it as UTF-8")
            file.seek(0)
            delimiter = next((mark for mark in ",;\t" if mark in first), ",")
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    yield reader.line_num, [cell.strip() for cell in row]
    except OSError as error:
        raise describe_unreadable(name, error, field="table") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(name, "table", f"is no CSV in UTF-8: {error}") from error
