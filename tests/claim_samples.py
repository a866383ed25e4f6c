"""Samples of Dice with planted effects, drawn below the database: for laws of claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.studies.effects import Sample
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Floats
from cosmos_board.core.targets import Target

FAILS = 0.05
"""Share of clusters in which the side ahead scores 0, in the world of rare failures."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How many clusters each target has, and in how many datasets they lie."""

    clusters: Sequence[int]
    datasets: int = 1
    shared: bool = False
    """Whether targets share their clusters, as organs of the same patients do."""

    def make(self) -> Sample:
        """Return the sample, of which every cluster is one reference."""
        target = np.repeat(np.arange(len(self.clusters)), self.clusters)
        inside = np.concatenate([np.arange(size) for size in self.clusters])
        cluster = inside if self.shared else np.arange(len(target))
        dataset = cluster % self.datasets
        names = [
            (f"set-{number % self.datasets}", str(number)) for number in range(max(cluster) + 1)
        ]
        units = Units(
            tuple(Target("ct", f"organ-{number:03}") for number in range(len(self.clusters))),
            tuple(f"set-{number}" for number in range(self.datasets)),
            target,
            dataset,
            cluster,
            tuple(names),
            np.ones(len(target), np.int64),
            np.arange(len(target)),
        )
        return Sample(units, np.zeros((len(names), 1), np.uint8), np.ones(len(target), bool))


LAYOUTS = {
    "3 × 12": Layout(clusters=[12] * 3),
    "5 × 20 in 4 datasets": Layout(clusters=[20] * 5, datasets=4),
    "12 × 12, shared": Layout(clusters=[12] * 12, shared=True),
    "uneven": Layout(clusters=[80, 40, 20, 10, 10, 10, 4, 1]),
    "10 × 50": Layout(clusters=[50] * 10),
}


def draw_sides(
    rng: np.random.Generator, sample: Sample, effect: float, kind: str, spread: float = 0.0
) -> tuple[Floats, Floats]:
    """Return Dice of two sides, shape (units,) each, of which the first is ahead by `effect`.

    Args:
        rng: Where numbers come from.
        sample: From `Layout.make`.
        effect: Mean difference over all targets that there might be.
        kind: `normal`, `skewed`, or `failures`: the first side scores 0 in 5 % of clusters.
        spread: Standard deviation of the difference between targets.
    """
    units = sample.units
    own = effect + spread * rng.normal(size=len(units.targets))[units.target]
    if len(set(units.cluster.tolist())) < len(units):
        own = own + 0.03 * rng.normal(size=len(units.cluster_names))[units.cluster]
    less = 0.7 + 0.08 * rng.normal(size=len(units))
    if kind == "failures":
        fails = rng.random(len(units)) < FAILS
        less = 0.7 + 0.02 * rng.normal(size=len(units))
        alive = (0.7 + own) / (1 - FAILS) + 0.02 * rng.normal(size=len(units))
        return np.where(fails, 0.0, alive), less
    noise = (
        rng.exponential(size=len(units)) - 1 if kind == "skewed" else rng.normal(size=len(units))
    )
    return less + own + 0.06 * noise, less
