"""CSV files as people save them: with a byte order mark, with semicolons or tabs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.errors import InputError

_LONGEST_CELL = 1 << 24
_LONGEST_LINE = 1 << 20


def read_csv_rows(path: Path, name: str, largest_bytes: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells without spaces around them) of each row that is not empty.

    Commas separate cells; semicolons or tabs where the first line holds no comma.

    Args:
        path: The file.
        name: What messages call it.
        largest_bytes: Size beyond which it is refused.

    Raises:
        InputError: If it cannot be read, or is no CSV in UTF-8.
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
            reader = csv.reader(file, delimiter=_find_delimiter(first), strict=True)
            for row in reader:
                if row:
                    yield reader.line_num, [cell.strip() for cell in row]
    except OSError as error:
        raise InputError(name, "table", f"cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(name, "table", f"is no CSV in UTF-8: {error}") from error


def _find_delimiter(line: str) -> str:
    return next((mark for mark in ",;\t" if mark in line), ",")
