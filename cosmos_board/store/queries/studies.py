"""Scores of the studies: arrays by column (how a score came about) and unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.store.queries.connection import Columns
from cosmos_board.store.queries.scores import STEP


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """How a score came about."""

    model: str
    prompt: str
    selection: str
    jitter_level: int = -1
    """−1 outside the jitter study."""

    jitter_mode: str = ""
    """Empty outside the jitter study."""

    click: int = -1
    """−1 outside the clicks study."""


class StudyTable:
    """Rows of a query by column and unit, laid out as arrays.

    Args:
        rows: With the fields of `Column` that the study has, `unit` and one column a value.
        units: Number of units.
    """

    def __init__(self, rows: Columns, units: int) -> None:
        self._rows = rows
        names = [name for name in Column.__slots__ if name in rows]
        keys = [
            Column(**dict(zip(names, key, strict=True)))
            for key in zip(*(rows[name].tolist() for name in names), strict=True)
        ]
        self.columns = tuple(sorted(set(keys)))
        numbers = {column: number for number, column in enumerate(self.columns)}
        self._place = np.array([numbers[key] for key in keys], np.int64), rows["unit"].astype(int)
        self._shape = len(self.columns), units

    def counts(self, name: str) -> Ints:
        """Return a column of numbers, shape (columns, units); 0 where there is no row."""
        counts: Ints = np.zeros(self._shape, np.int64)
        counts[self._place] = self._rows[name].astype(np.int64)
        return counts

    def means(self, name: str, *, over: str = "rows", step: float = STEP) -> Floats:
        """Return sums `name` over counts `over`, shape (columns, units); NaN where no row is."""
        means: Floats = np.full(self._shape, np.nan)
        means[self._place] = self._rows[name] * step / self._rows[over]
        return means

    def largest(self, name: str) -> Ints:
        """Return the largest number over units, shape (columns,); 0 where there is none."""
        largest: Ints = self.counts(name).max(axis=1, initial=0)
        return largest
