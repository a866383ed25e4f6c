"""Tables (CSV) that say which files belong together."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.errors import InputError

_LARGEST_BYTES = 1 << 28


def read_table(root: Path, name: str, paths: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table in the source folder, by column.

    Raises:
        InputError: If it is not there, or no table.
    """
    if name not in paths:
        raise InputError(name, "table", "is not in the source folder")
    path = root / name
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(name, "table", "is too large")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(name, f"line {reader.line_num}", "has too many or few cells")
                yield {column.strip(): cell.strip() for column, cell in row.items()}
    except OSError as error:
        raise InputError(name, "table", f"cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(name, "table", f"is no CSV in UTF-8: {error}") from error
