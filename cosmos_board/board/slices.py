"""Which parts of the data are ranked by themselves, and which clusters make up each part.

A stratum is a target in one dataset: a run of neighbouring units. A cell is a target as a slice
sees it: one stratum, or the strata of several datasets pooled. A slice is a set of cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Units
from cosmos_board.board.types import Slice
from cosmos_board.core.arrays import Ints
from cosmos_board.core.cards import DatasetCard


@dataclass(frozen=True, slots=True)
class Cell:
    """A target as a slice sees it."""

    target: str
    strata: tuple[int, ...]
    dataset_of_stratum: tuple[str, ...]
    """The dataset of each of `strata`."""

    datasets: tuple[str, ...]
    """The same, sorted."""


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """A slice and what it is made of."""

    slice: Slice
    cells: tuple[int, ...]
    """Ints into the plan's cells, by target name."""

    synthetic: bool


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Every slice of one track."""

    starts: Ints
    """First unit of each stratum and, at the end, the number of units; shape (strata + 1,)."""

    cells: tuple[Cell, ...]
    slices: tuple[SlicePlan, ...]

    def units_of(self, cell: int) -> Ints:
        """Return the numbers of the units in a cell."""
        return np.concatenate(
            [np.arange(self.starts[s], self.starts[s + 1]) for s in self.cells[cell].strata]
        )


def plan_slices(units: Units, datasets: Mapping[str, DatasetCard]) -> Plan:
    """Return every slice of a track, sorted by kind and name.

    Synthetic datasets have slices of their own, no part in any that holds real data, and none in
    the overall slice, even where nothing else was scored.
    """
    changes = (np.diff(units.target) != 0) | (np.diff(units.dataset) != 0)
    starts = np.concatenate([[0], 1 + np.flatnonzero(changes), [len(units)]]).astype(np.int64)
    cells: dict[tuple[int, ...], int] = {}
    members: dict[Slice, list[int]] = defaultdict(list)
    made: list[Cell] = []

    def add(target: str, strata: tuple[int, ...]) -> int:
        if strata not in cells:
            cells[strata] = len(made)
            names = tuple(units.datasets[units.dataset[starts[s]]] for s in strata)
            made.append(Cell(target, strata, names, tuple(sorted(names))))
        return cells[strata]

    strata_of: dict[int, list[int]] = defaultdict(list)
    for stratum, start in enumerate(starts[:-1]):
        strata_of[int(units.target[start])].append(stratum)
    synthetic_cells = set()
    for index, strata in strata_of.items():
        target = units.targets[index]
        fake = {s: datasets[units.datasets[units.dataset[starts[s]]]].synthetic for s in strata}
        real = tuple(s for s in strata if not fake[s])
        pooled = add(target.name, real or tuple(strata))
        if not real:
            synthetic_cells.add(pooled)
        for name in (
            Slice("overall"),
            Slice("modality", target.modality),
            Slice("object", target.object),
            Slice("target", target.name),
        ):
            members[name].append(pooled)
        for stratum in strata:
            own = add(target.name, (stratum,))
            if fake[stratum]:
                synthetic_cells.add(own)
            members[Slice("dataset", units.datasets[units.dataset[starts[stratum]]])].append(own)
    slices = [_plan(key, members[key], synthetic_cells) for key in sorted(members)]
    kept = [part for part in slices if not (part.synthetic and part.slice.kind == "overall")]
    return Plan(starts, tuple(made), tuple(kept))


def _plan(key: Slice, cells: list[int], synthetic: set[int]) -> SlicePlan:
    real = tuple(cell for cell in cells if cell not in synthetic)
    return SlicePlan(key, real or tuple(cells), synthetic=not real)
