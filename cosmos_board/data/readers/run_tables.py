"""Tables (CSV) of run lengths, as competitions publish them: a picture and its runs in each row."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask

_LARGEST_BYTES = 1 << 30
_LONGEST_CELL = 1 << 24


def read_runs(path: Path, picture: str, shape: tuple[int, int]) -> Iterator[Mask]:
    """Yield the masks that a table holds of one picture; none where it says -1.

    The first column names the picture, the last holds pairs of numbers: how far to go on from the
    end of the run before, and how long the run is, down the columns of the picture.

    Args:
        path: The table.
        picture: What its rows call the picture.
        shape: Height and width of the picture, in pixels.

    Raises:
        InputError: If it is no such table, or a run ends outside of the picture.
    """
    for text in _load(str(path), path.stat().st_mtime_ns).get(picture, ()):
        if text not in ("", "-1"):
            yield _draw(path, picture, text, shape)


def _draw(path: Path, picture: str, text: str, shape: tuple[int, int]) -> Mask:
    try:
        numbers = np.array(text.split(), np.int64)
    except (ValueError, OverflowError) as error:
        raise InputError(path, picture, "has runs that are no numbers") from error
    if len(numbers) % 2 or numbers.min() < 0 or numbers.max() > shape[0] * shape[1]:
        raise InputError(path, picture, "has runs that are no pairs of lengths")
    pixels = shape[0] * shape[1]
    if (rest := pixels - int(numbers.sum())) < 0:
        raise InputError(path, picture, "has a run outside of the picture")
    values = np.arange(len(numbers) + 1) % 2 == 1
    return np.repeat(values, [*numbers, rest]).reshape(shape, order="F")


@lru_cache(maxsize=2)
def _load(path: str, mtime_ns: int) -> Mapping[str, list[str]]:
    rows: dict[str, list[str]] = defaultdict(list)
    try:
        if Path(path).stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large")
        csv.field_size_limit(_LONGEST_CELL)
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in csv.reader(file, strict=True):
                if len(row) < 2:
                    raise InputError(path, "", "is no table of pictures and runs", got=row[:1])
                rows[row[0].strip()].append(row[-1].strip())
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(path, "", f"is no CSV in UTF-8: {error}") from error
    return rows
