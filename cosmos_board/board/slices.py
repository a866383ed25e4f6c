"""Which parts of the data are ranked by themselves, and which clusters make up each part.

A stratum is a target in one dataset: a run of neighbouring units. A pool is a target as a slice
sees it: one stratum, or the strata of several datasets together. A slice is a set of pools.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.types import Slice
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Ints
from cosmos_board.core.cards import PROTOCOL, DatasetCard
from cosmos_board.data.catalog.held_out import HELD_OUT


@dataclass(frozen=True, slots=True)
class TargetPool:
    """A target as a slice sees it."""

    target: str
    strata: tuple[int, ...]
    dataset_of_stratum: tuple[str, ...]
    """The dataset of each of `strata`."""

    synthetic: bool


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """A slice and what it is made of."""

    slice: Slice
    pools: tuple[int, ...]
    """Indices into the plan's pools, by target name."""

    synthetic: bool


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Every slice of one track."""

    starts: Ints
    """First unit of each stratum and, at the end, the number of units; shape (strata + 1,)."""

    pools: tuple[TargetPool, ...]
    slices: tuple[SlicePlan, ...]

    def units_of(self, pool: int) -> Ints:
        """Return the numbers of the units in a pool."""
        return np.concatenate(
            [np.arange(self.starts[s], self.starts[s + 1]) for s in self.pools[pool].strata]
        )

    def datasets_of(self, pools: Ints) -> tuple[str, ...]:
        """Return the datasets of some pools, sorted."""
        return tuple(sorted({name for p in pools for name in self.pools[p].dataset_of_stratum}))


def plan_slices(
    units: Units,
    datasets: Mapping[str, DatasetCard],
    held_out: Mapping[str, Collection[str]] = HELD_OUT[PROTOCOL],
) -> Plan:
    """Return every slice of a track, sorted by kind and name.

    Synthetic datasets have slices of their own, no part in any that holds real data, and none in
    the overall slice or a held-out one, even where nothing else was scored. In a held-out slice a
    target pools the datasets of the set alone: `held_out` has their names, by name of the set.
    """
    changes = (np.diff(units.target) != 0) | (np.diff(units.dataset) != 0)
    starts = np.concatenate([[0], 1 + np.flatnonzero(changes), [len(units)]]).astype(np.int64)
    names = [units.datasets[number] for number in units.dataset[starts[:-1]]]
    strata_of: dict[int, list[int]] = defaultdict(list)
    for stratum, start in enumerate(starts[:-1]):
        strata_of[int(units.target[start])].append(stratum)
    pools: dict[tuple[int, ...], TargetPool] = {}
    members: dict[Slice, list[tuple[int, ...]]] = defaultdict(list)

    def add(target: str, strata: tuple[int, ...], *slices: Slice) -> None:
        own = tuple(names[stratum] for stratum in strata)
        synthetic = all(datasets[name].synthetic for name in own)
        pools.setdefault(strata, TargetPool(target, strata, own, synthetic))
        for part in slices:
            members[part].append(strata)

    for index, strata in strata_of.items():
        target = units.targets[index]
        real = tuple(stratum for stratum in strata if not datasets[names[stratum]].synthetic)
        add(
            target.name,
            real or tuple(strata),
            Slice("overall"),
            Slice("modality", target.modality),
            Slice("object", target.object),
            Slice("target", target.name),
        )
        for name, kept in held_out.items():
            own = tuple(stratum for stratum in real if names[stratum] in kept)
            if own:
                add(target.name, own, Slice("held-out", name))
        for stratum in strata:
            add(target.name, (stratum,), Slice("dataset", names[stratum]))
    number_of = {strata: number for number, strata in enumerate(pools)}
    slices = []
    for part in sorted(members):
        real = tuple(number_of[s] for s in members[part] if not pools[s].synthetic)
        if real or part.kind != "overall":
            everything = tuple(number_of[s] for s in members[part])
            slices.append(SlicePlan(part, real or everything, synthetic=not real))
    return Plan(starts, tuple(pools.values()), tuple(slices))
