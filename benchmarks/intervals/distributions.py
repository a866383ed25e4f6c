"""Scores with a known expectation. Nothing here uses the package: the truth follows from these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WITHIN = 0.1
"""Most by which a reference's score differs from what its cluster would score on average."""

_GRID = 20_000


@dataclass(frozen=True, eq=False)
class Distribution:
    """How the expected score of a cluster is distributed, and how single references fail."""

    key: str
    """As the page of intervals names it."""

    quantile: Callable[[Floats], Floats]
    """From a share in (0, 1) to the score below which so many clusters lie."""

    failing: float = 0.0
    """Share of references that score 0 whatever their cluster."""

    @cached_property
    def table(self) -> Floats:
        """Quantiles at the middles of equal shares, in [0, 1], shape (20000,)."""
        return np.clip(self.quantile((np.arange(_GRID) + 0.5) / _GRID), 0.0, 1.0)

    @cached_property
    def mean(self) -> float:
        """What a cluster scores on average."""
        return float(self.table.mean()) * (1.0 - self.failing)

    def change(self, factor: float = 1.0, shift: float = 0.0) -> Distribution:
        """Return the distribution of `factor` × score + `shift`."""
        return replace(self, quantile=lambda share: self.quantile(share) * factor + shift)

    def draw(self, normal: Floats, references: Ints, rng: np.random.Generator) -> Floats:
        """Return the mean score of each unit's references.

        Args:
            normal: Where each unit's cluster stands among all, standard normal, shape (units,
                columns).
            references: Of each unit, shape (units,).
            rng: For what differs between references of a cluster.

        Returns:
            shape (units, columns).
        """
        place = np.minimum((special.ndtr(normal) * _GRID).astype(np.int64), _GRID - 1)
        expected: Floats = self.table[place]
        reach = np.minimum(np.minimum(expected, 1.0 - expected), WITHIN)
        total = np.zeros_like(expected)
        for number in range(int(references.max(initial=0))):
            rows = np.flatnonzero(references > number)
            apart = rng.uniform(-1.0, 1.0, (len(rows), normal.shape[1]))
            scores = expected[rows] + reach[rows] * apart
            if self.failing:
                scores[rng.uniform(size=scores.shape) < self.failing] = 0.0
            total[rows] += scores
        return total / references[:, None]


def fail_in_clusters(share: float, good: Callable[[Floats], Floats], key: str) -> Distribution:
    """Return clusters of which a share scores 0 and the others are distributed as `good`."""

    def quantile(place: Floats) -> Floats:
        return np.where(
            place < share, 0.0, good(np.clip((place - share) / (1.0 - share), 1e-9, None))
        )

    return Distribution(key, quantile)


def _good(share: Floats) -> Floats:
    scores: Floats = stats.norm.ppf(share, 0.92, 0.025)
    return scores


NORMAL = Distribution("normal", lambda share: stats.norm.ppf(share, 0.7, 0.08))
LEFT = Distribution("skewed-left", lambda share: stats.beta.ppf(share, 8, 2))
RIGHT = Distribution("skewed-right", lambda share: stats.beta.ppf(share, 1.2, 6))
ZEROS = tuple(fail_in_clusters(percent / 100, _good, f"zeros-{percent}") for percent in (3, 5, 10))
FAILING = Distribution("references-5", _good, failing=0.05)

DISTRIBUTIONS = (NORMAL, LEFT, RIGHT, *ZEROS, FAILING)
"""Those for which every law must hold."""

MIXED = (NORMAL, LEFT, ZEROS[1], RIGHT)
"""Of targets in turn."""

RATES = ((3, 0), (5, 0), (10, 0), (10, 3))
"""How often in percent of clusters the first and the second of two unlike models fail."""


def fail_unlike(rates: tuple[int, int], spread: float) -> tuple[Distribution, Distribution]:
    """Return two models that differ in how often they fail: 0.92 elsewhere, by so much around it.

    Args:
        rates: Of the first and the second, in percent of clusters, of `RATES`.
        spread: Standard deviation between clusters that do not fail.
    """

    def steady(share: Floats) -> Floats:
        scores: Floats = stats.norm.ppf(share, 0.92, spread)
        return scores

    key = "fails-{}-{}".format(*rates)
    first, second = (fail_in_clusters(percent / 100, steady, key) for percent in rates)
    return first, second


STEADY = Distribution("steady", lambda share: stats.norm.ppf(share, 0.9, 0.02))
SPREAD = Distribution("normal-wide", lambda share: stats.norm.ppf(share, 0.55, 0.12))
WIDE = Distribution("low-wide", lambda share: stats.beta.ppf(share, 0.6, 1.4))
