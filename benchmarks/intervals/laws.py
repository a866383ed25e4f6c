"""What a simulation found in one cell, and whether the law still stands.

A share that is counted in some thousand repetitions is not known exactly: a cell fails only where
its one-sided 99.9 % binomial bound excludes the law.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEAST_COVERAGE = 0.93
CHANCE = 0.001
"""How rarely a cell may fail in which the share is exactly what the law says."""

CHUNK = 500
"""Repetitions that are drawn at once, to bound memory."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How many repetitions, and of which randomness."""

    replicates: int
    seed: int

    def iter_chunks(self, *names: object) -> Iterator[tuple[np.random.Generator, int]]:
        """Yield a source of randomness and a number of repetitions, the same for equal names."""
        words = [self.seed, *"\x1f".join(map(str, names)).encode()]
        rng = np.random.default_rng(words)
        for start in range(0, self.replicates, CHUNK):
            yield rng, min(CHUNK, self.replicates - start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a law is tried; every word is a key of the page of intervals."""

    law: str
    layout: str
    """Clusters by target."""

    scores: str
    case: str = ""
    models: int | None = None
    difference: float | None = None
    """True difference between models."""

    hard: bool = False
    """Whether no law is promised here: the cell is shown so that readers know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one law came to in one place."""

    place: Place
    hits: int
    """Repetitions in which what the law is about happened."""

    replicates: int
    least: float = 0.0
    """What the share of hits must reach."""

    most: float = 1.0
    """What it must not pass."""

    width: float | None = None
    """Mean width of the intervals."""

    @property
    def share(self) -> float:
        """Share of repetitions."""
        return self.hits / self.replicates

    @property
    def holds(self) -> bool:
        """Whether the repetitions are compatible with the law."""
        return self.place.hard or (
            is_reached(self.hits, self.replicates, self.least)
            and is_kept(self.hits, self.replicates, self.most)
        )

    def dump(self) -> dict[str, object]:
        """Return the cell as JSON values."""
        place = asdict(self.place)
        for name, value in (("difference", self.place.difference), ("width", self.width)):
            place[name] = None if value is None else round(value, 4)
        return {
            **place,
            "hits": self.hits,
            "replicates": self.replicates,
            "least": self.least,
            "most": self.most,
            "share": round(self.share, 4),
            "holds": self.holds,
        }


def is_reached(hits: int, replicates: int, least: float) -> bool:
    """Return whether so few hits happen in more than 0.1 % of series in which `least` is true.

    Example:
        >>> is_reached(1830, 2000, 0.93), is_reached(1820, 2000, 0.93)
        (True, False)
    """
    return bool(stats.binom(replicates, least).cdf(hits) > CHANCE)


def is_kept(hits: int, replicates: int, most: float) -> bool:
    """Return whether so many hits happen in more than 0.1 % of series in which `most` is true.

    Example:
        >>> is_kept(130, 2000, 0.05), is_kept(135, 2000, 0.05)
        (True, False)
    """
    return bool(stats.binom(replicates, most).sf(hits - 1) > CHANCE)


def cover(place: Place, low: NDArray[np.float64], high: NDArray[np.float64], truth: float) -> Cell:
    """Return the cell of intervals of one truth; ends have one entry a repetition."""
    inside = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
    return Cell(
        place=place,
        hits=int(inside.sum()),
        replicates=len(low),
        least=LEAST_COVERAGE,
        width=float((high - low).mean()),
    )


def describe_failures(cells: Iterable[Cell]) -> list[str]:
    """Return one line for each cell in which the law does not hold."""
    return [
        f"{cell.place}: {cell.share:.1%} of {cell.replicates}, want {cell.least:.1%} "
        f"to {cell.most:.1%}"
        for cell in cells
        if not cell.holds
    ]
