"""Tables (CSV) that say which files belong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.regions.csv_files import read_csv_rows

_LARGEST_BYTES = 1 << 28


def read_table(root: Path, name: str, paths: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table in the source folder, by column.

    Raises:
        InputError: If it is not there, or no table.
    """
    if name not in paths:
        raise InputError(name, "table", "is not in the source folder")
    columns: list[str] = []
    for line, cells in read_csv_rows(root / name, name, _LARGEST_BYTES):
        if not columns:
            columns = cells
            if len(set(columns)) < len(columns):
                raise InputError(name, f"line {line}", "names a column twice", got=columns)
            continue
        if len(cells) != len(columns):
            raise InputError(name, f"line {line}", "has too many or few cells")
        yield dict(zip(columns, cells, strict=True))
