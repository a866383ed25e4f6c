"""How clusters are laid out over targets and datasets, and where each unit's score comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.intervals.distributions import Distribution, Floats, Ints

UNEVEN = (1, 1, 1, 2, 2, 3, 5, 8, 12, 20)
"""References of clusters of uneven size, in turn."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Which clusters stand in which targets and datasets; a unit is one cluster in one target."""

    name: str
    """Clusters of each target, as 5×20+5×4: five targets of 20 and five of 4."""

    targets: tuple[tuple[Ints, Ints], ...]
    """Number of each unit's cluster and of its dataset, by target."""

    references: Ints
    """Of each unit, shape (units,)."""

    case: str = ""
    """What else is special, as the page of intervals names it."""

    @cached_property
    def sizes(self) -> Ints:
        """Units of each target, shape (targets,)."""
        return np.array([len(cluster) for cluster, _ in self.targets])

    @cached_property
    def target(self) -> Ints:
        """Number of each unit's target, shape (units,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def cluster(self) -> Ints:
        """Number of each unit's cluster, shape (units,)."""
        return np.concatenate([cluster for cluster, _ in self.targets])

    @cached_property
    def dataset(self) -> Ints:
        """Number of each unit's dataset, shape (units,)."""
        return np.concatenate([dataset for _, dataset in self.targets])

    def average(self, values: Floats) -> float:
        """Return the mean over targets of the mean over their units, by a plain loop."""
        targets = range(len(self.sizes))
        return float(np.mean([values[self.target == target].mean() for target in targets]))


def lay_out(
    sizes: Sequence[int], *, shared: bool = False, uneven: bool = False, thin: Sequence[int] = ()
) -> Layout:
    """Return targets of so many clusters each, in one dataset.

    Args:
        sizes: Clusters of each target.
        shared: Whether targets have their first clusters in common.
        uneven: Whether clusters have 1 to 20 references and not 2 each.
        thin: Clusters of targets that have too few: they have a name here and no units, since no
            printed number rests on them. `printed` puts them into databases.
    """
    starts = [0 if shared else sum(sizes[:number]) for number in range(len(sizes))]
    targets = tuple(
        (np.arange(start, start + size), np.zeros(size, np.int64))
        for start, size in zip(starts, sizes, strict=True)
    )
    case = "shared" if shared else "uneven" if uneven else ""
    return Layout(_name([*sizes, *thin]), targets, _count_references(sum(sizes), uneven), case)


def lay_out_datasets(sizes: Sequence[int]) -> Layout:
    """Return one target whose clusters lie in datasets of so many each."""
    count = sum(sizes)
    dataset = np.repeat(np.arange(len(sizes)), sizes)
    target = ((np.arange(count), dataset),)
    return Layout(_name(sizes), target, _count_references(count, False), "datasets")


def _count_references(units: int, uneven: bool) -> Ints:
    return np.resize(np.array(UNEVEN), units) if uneven else np.full(units, 2)


def _name(sizes: Sequence[int]) -> str:
    counts = {size: list(sizes).count(size) for size in sizes}
    return "+".join(f"{n}×{size}" if n > 1 else str(size) for size, n in counts.items())


SINGLE = tuple(
    lay_out([count], uneven=uneven) for count in (10, 20, 50) for uneven in (False, True)
)
"""One target."""

MIXTURES = tuple(
    lay_out(sizes, thin=thin)
    for sizes, thin in (
        ([20] * 5, [4] * 5),
        ([50] * 5, [8] * 5),
        ([20] * 5, [1] * 5),
        ([100] * 3, [1] * 5),
        ([40] * 3, [2] * 5),
        ([10] + [200] * 9, []),
    )
)
"""Boards of many targets, of which some have too few clusters."""

SHARED = tuple(lay_out(sizes, shared=True) for sizes in ([20] * 5, [50] * 5, [40, 12, 12, 12]))
"""Boards whose targets have clusters in common."""

TOGETHER = (0.3, 0.6)
"""Correlations between the targets of a cluster under which the laws must hold."""

POOLS = tuple(
    lay_out_datasets(sizes) for sizes in ([20], [2] * 5, [10] + [1] * 10, [20] + [1] * 10)
)
"""One target of one dataset and of several."""

TABLES = (*(lay_out([count]) for count in (10, 20, 50)), lay_out([20] * 5))
"""What tables of many models rest on."""


@dataclass(frozen=True, eq=False)
class Situation:
    """Which distribution the units of a layout follow, so that the truth is known."""

    layout: Layout
    distributions: tuple[Distribution, ...]
    number: Ints
    """Which of them each unit follows, shape (units,)."""

    key: str
    """What the page of intervals calls the scores."""

    @cached_property
    def truth(self) -> float:
        """What a board would print with endlessly many clusters of each kind."""
        means = np.array([distribution.mean for distribution in self.distributions])
        return self.layout.average(means[self.number])

    def change(self, factor: float = 1.0, shift: float = 0.0) -> Situation:
        """Return the situation of a model that scores `factor` × score + `shift`."""
        changed = tuple(each.change(factor, shift) for each in self.distributions)
        return Situation(self.layout, changed, self.number, self.key)

    def draw(self, normal: Floats, rng: np.random.Generator) -> Floats:
        """Return unit scores, shape (units, columns); see `Distribution.draw`."""
        values = np.empty_like(normal)
        for number, distribution in enumerate(self.distributions):
            rows = np.flatnonzero(self.number == number)
            values[rows] = distribution.draw(normal[rows], self.layout.references[rows], rng)
        return values


def follow(layout: Layout, *distributions: Distribution) -> Situation:
    """Return targets that follow the distributions in turn."""
    key = distributions[0].key if len(distributions) == 1 else "mixed"
    return Situation(layout, distributions, layout.target % len(distributions), key)


def differ_by_dataset(layout: Layout, distribution: Distribution, step: float) -> Situation:
    """Return datasets of which every second scores less by `step`, every third by twice that."""
    scaled = tuple(distribution.change(1.0 - step * level) for level in range(3))
    return Situation(layout, scaled, layout.dataset % 3, distribution.key)


def draw_normals(
    layout: Layout, rng: np.random.Generator, columns: int, *, shared: float = 0.0
) -> Floats:
    """Return where each unit's cluster stands, standard normal, shape (units, columns).

    Args:
        layout: Where the units stand.
        rng: Source of randomness.
        columns: Independent repetitions.
        shared: Correlation between units of one cluster in several targets, in [0, 1].
    """
    own = rng.standard_normal((len(layout.cluster), columns))
    if not shared:
        return own
    common = rng.standard_normal((int(layout.cluster.max()) + 1, columns))[layout.cluster]
    return blend(common, own, shared)


def blend(common: Floats, own: Floats, shared: float) -> Floats:
    """Return standard normals that correlate by `shared` with others of the same `common`."""
    blended: Floats = np.sqrt(shared) * common + np.sqrt(1.0 - shared) * own
    return blended
