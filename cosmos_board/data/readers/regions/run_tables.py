"""Tables (CSV) of run lengths, as competitions publish them: a picture and its runs in each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.readers.regions.region import Region
from cosmos_board.data.readers.regions.text_files import read_csv_rows

_LARGEST_BYTES = 1 << 30
_TELLING = 4
"""Runs from which on starts of runs can be told from gaps between them."""

_NOTHING = ("", "-1", "nan", "null", "none")
"""What stands in a row of a picture on which nothing is drawn."""

_Rows = Mapping[str, list[tuple[str, str]]]
"""(name, runs) of each row, by picture."""


def read_runs(
    path: Path, picture: str, shape: tuple[int, int], runs: str, columns: Sequence[str] = ()
) -> Iterator[Region]:
    """Yield the region of each row of a picture; none where it says -1 or nothing.

    Args:
        path: The table.
        picture: What its rows call the picture.
        shape: Height and width of the picture, in pixels.
        runs: How runs are counted. `absolute`: pairs of start and length, the first pixel is 1,
            down the columns; `absolute-rows`: the same along the rows; `relative`: pairs of the
            gap since the end of the run before and the length, down the columns.
        columns: Headings of the columns of pictures, of names (may be left out) and of runs;
            without them, a table has two columns, and every name is empty.

    Raises:
        InputError: If it is no such table, or its runs cannot be.
    """
    rows = _load(str(path), path.stat().st_mtime_ns, tuple(columns)).get(picture, ())
    for position, (name, text) in enumerate(rows):
        if text.lower() not in _NOTHING:
            yield Region(name, _draw(path, picture, text, shape, runs), f"{position:09d}")


def list_pictures(path: Path, columns: Sequence[str] = ()) -> frozenset[str]:
    """Return what the rows of a table call their pictures; InputError if it is no such table."""
    return frozenset(_load(str(path), path.stat().st_mtime_ns, tuple(columns)))


def _draw(path: Path, picture: str, text: str, shape: tuple[int, int], runs: str) -> Mask:
    try:
        numbers = np.array(text.split(), np.int64)
    except (ValueError, OverflowError) as error:
        raise InputError(path, picture, "has runs that are no numbers") from error
    pixels = shape[0] * shape[1]
    if len(numbers) % 2 or numbers.min() < 0 or numbers.max() > pixels:
        raise InputError(path, picture, "has runs that are no pairs within the picture")
    gaps, lengths = numbers[::2], numbers[1::2]
    if not lengths.all():
        raise InputError(path, picture, "has a run of no pixel")
    if runs != "relative":
        gaps = _find_gaps(path, picture, gaps, lengths)
    elif len(gaps) >= _TELLING and (gaps[1:] >= gaps[:-1] + lengths[:-1]).all():
        # Gaps are about as long as the picture is high: they do not grow by every run.
        raise InputError(path, picture, "has gaps that grow by every run", want='runs = "absolute"')
    if (rest := pixels - int(gaps.sum() + lengths.sum())) < 0:
        raise InputError(path, picture, "has a run outside of the picture")
    values = np.arange(len(numbers) + 1) % 2 == 1
    drawn = np.repeat(values, [*np.stack([gaps, lengths], 1).ravel(), rest])
    return drawn.reshape(shape, order="C" if runs == "absolute-rows" else "F")


def _find_gaps(
    path: Path, picture: str, starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    if not starts.all():
        raise InputError(path, picture, "has a run that starts at 0", want="starts from 1")
    gaps: NDArray[np.int64] = starts - 1 - np.concatenate([[0], (starts + lengths - 1)[:-1]])
    if gaps.min() < 0:
        at = int(np.argmax(gaps < 0))
        raise InputError(
            path, picture, "has runs that overlap or do not ascend",
            got=f"{starts[at]} after {starts[at - 1]} {lengths[at - 1]}",
            want='ascending starts, or runs = "relative"',
        )  # fmt: skip
    return gaps


@lru_cache(maxsize=2)
def _load(path: str, mtime_ns: int, columns: tuple[str, ...]) -> _Rows:
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    places: list[int] = []
    width = 0
    for line, cells in read_csv_rows(Path(path), path, _LARGEST_BYTES):
        if not places:
            places, width = _find_places(path, cells, columns), len(cells)
            if columns:
                continue
        if len(cells) != width:
            raise InputError(path, f"line {line}", "has too many or few cells")
        name = cells[places[1]] if len(places) == 3 else ""
        rows[cells[places[0]]].append((name, cells[places[-1]]))
    return dict(rows)


def _find_places(path: str, heading: list[str], columns: tuple[str, ...]) -> list[int]:
    if not columns and len(heading) != 2:
        raise InputError(
            path, "columns", "are not two, so the import file must name those of pictures and runs",
            got=heading[:6], want='columns = ["ImageId", "EncodedPixels"]',
        )  # fmt: skip
    for column in columns:
        if heading.count(column) != 1:
            raise InputError(
                path, "columns", "are not in the table once each", got=repr(column),
                want=", ".join(heading[:8]),
            )  # fmt: skip
    return [heading.index(column) for column in columns] or [0, 1]
