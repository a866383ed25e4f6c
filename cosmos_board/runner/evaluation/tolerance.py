"""How far two evaluations of the same references may lie apart, level by level.

| level | compared | allowed |
|---|---|---|
| L0 | counts from the same mask, on any machine | nothing |
| L1 | the same device, precision, batch size and versions | nothing |
| L2 | another batch size, shard layout or a resume | 1 row in 1,000; rows 1e-3, means 1e-5 |
| L3 | another device, driver or precision | p99 of rows 0.01, means 5e-4 |

On a CPU everything is held to L0. Differences are of Dice; single rows count where at least one of
both masks has 100 pixels: below that one pixel alone is more than any of these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.scores import Counts, ScoreRow

LARGE_PX = 100
"""Area of prediction or reference from which a single row is held to a limit."""


@dataclass(frozen=True, slots=True)
class Level:
    """What is allowed."""

    name: str
    unequal_share: float = 0.0
    """Of all rows."""

    row: float = 0.0
    """Largest difference of a row of large masks."""

    row_p99: float = 0.0
    """99th percentile of the differences of all rows."""

    mean: float = 0.0
    """Largest difference of a mean over the rows of one prompt and selection."""


LEVELS = {
    level.name: level
    for level in (
        Level("L0"),
        Level("L1"),
        Level("L2", unequal_share=1e-3, row=1e-3, row_p99=1e-3, mean=1e-5),
        Level("L3", unequal_share=1.0, row=1.0, row_p99=0.01, mean=5e-4),
    )
}


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two evaluations lie apart."""

    rows: int
    unequal: int
    """Rows of which a count differs."""

    row: float
    row_p99: float
    mean: float

    def keeps(self, level: Level) -> bool:
        """Tell whether a level allows this."""
        return (
            self.unequal <= level.unequal_share * self.rows
            and self.row <= level.row
            and self.row_p99 <= level.row_p99
            and self.mean <= level.mean
        )


_Key: TypeAlias = tuple[object, ...]


def compare_rows(before: Iterable[ScoreRow], after: Iterable[ScoreRow]) -> Difference:
    """Return how far two evaluations of the same references lie apart, in whatever order.

    Raises:
        InputError: If they did not score the same.
    """
    first, second = ({_key(row): row.scores.counts for row in rows} for rows in (before, after))
    if first.keys() != second.keys():
        strays = first.keys() ^ second.keys()
        raise InputError("rows", str(min(strays, key=str)), "is in one evaluation only")
    if not first:
        return Difference(0, 0, 0.0, 0.0, 0.0)
    pairs = [(first[key], second[key]) for key in first]
    dice = np.array([(one.dice, other.dice) for one, other in pairs])
    gaps = np.abs(dice[:, 0] - dice[:, 1])
    large = np.array([max(_area_px(one), _area_px(other)) >= LARGE_PX for one, other in pairs])
    groups: dict[_Key, list[int]] = defaultdict(list)
    for place, key in enumerate(first):
        groups[key[1:]].append(place)
    means = [abs(float(np.subtract(*dice[places].mean(axis=0)))) for places in groups.values()]
    return Difference(
        rows=len(pairs),
        unequal=sum(one != other for one, other in pairs),
        row=float(gaps[large].max(initial=0.0)),
        row_p99=float(np.quantile(gaps, 0.99, method="higher")),
        mean=max(means),
    )


def _key(row: ScoreRow) -> _Key:
    return (
        row.reference_id,
        row.prompt,
        row.selection,
        row.study,
        row.jitter_level,
        row.jitter_mode,
        row.trial,
        row.click,
    )


def _area_px(counts: Counts) -> int:
    return counts.tp + max(counts.fp, counts.fn)
