"""How often a difference is shown that is as large as the least that tables say they could show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.intervals.distributions import NORMAL, SPREAD, STEADY
from benchmarks.intervals.laws import Cell, Effort, Place
from benchmarks.intervals.layouts import TABLES, Layout, Situation, follow
from benchmarks.intervals.tables import iter_tables
from benchmarks.intervals.verdicts import BETTER

LEAST, MOST = 0.75, 0.85
"""What "80 %" may be: the least difference is itself stated from a sample."""

STATED = 500
"""Tables from which the stated difference is averaged."""


def simulate_power(effort: Effort, layouts: Sequence[Layout] = TABLES) -> Iterator[Cell]:
    """Yield how often the least difference that tables state is shown."""
    for layout in layouts:
        for count in (2, 10):
            for distribution in (NORMAL, SPREAD, STEADY):
                yield measure_power(follow(layout, distribution), count, effort)


def measure_power(model: Situation, count: int, effort: Effort) -> Cell:
    """Return how often the first model is called better than the second.

    The others are equal, and lower by what tables of equal models state on average.
    """
    place = Place(law="power", layout=model.layout.name, scores=model.key, models=count)
    equal = iter_tables((model,) * count, replace(effort, replicates=STATED), place)
    difference = float(np.mean([family.detectable[0] for family in equal]))
    place = replace(place, difference=difference)
    models = (model, *[model.change(shift=-difference)] * (count - 1))
    shown = sum(
        int(family.verdict_codes[0] == BETTER) for family in iter_tables(models, effort, place)
    )
    return Cell(place=place, hits=shown, replicates=effort.replicates, least=LEAST, most=MOST)
