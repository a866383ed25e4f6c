"""How often the interval of a score holds what the score is an estimate of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.intervals.distributions import DISTRIBUTIONS, MIXED, ZEROS
from benchmarks.intervals.laws import Cell, Effort, Place, cover
from benchmarks.intervals.layouts import (
    MIXTURES,
    POOLS,
    SHARED,
    SINGLE,
    TOGETHER,
    Layout,
    Situation,
    differ_by_dataset,
    draw_normals,
    follow,
)
from cosmos_board.stats.design import make_design
from cosmos_board.stats.failures import ratio_interval
from cosmos_board.stats.variance import measure_means


def simulate_targets(effort: Effort, layouts: Sequence[Layout] = SINGLE) -> Iterator[Cell]:
    """Yield the coverage of the interval of one target."""
    for layout in layouts:
        for distribution in DISTRIBUTIONS:
            yield measure_score("target", follow(layout, distribution), effort, case=layout.case)


def simulate_boards(effort: Effort, layouts: Sequence[Layout] = MIXTURES) -> Iterator[Cell]:
    """Yield the coverage of the interval of a mean over targets."""
    for layout in layouts:
        for distribution in DISTRIBUTIONS:
            yield measure_score("board", follow(layout, distribution), effort)
        yield measure_score("board", follow(layout, *MIXED), effort)


def simulate_shared(effort: Effort, layouts: Sequence[Layout] = SHARED) -> Iterator[Cell]:
    """Yield the same where a cluster stands in several targets, and is hard or easy in all.

    Where it fails in all of them or in none, no interval that a board could use would cover.
    """
    for layout in layouts:
        for shared in (*TOGETHER, 1.0):
            hard = shared == 1.0
            for distribution in ZEROS if hard else DISTRIBUTIONS:
                situation = follow(layout, distribution)
                case = f"shared-{shared:g}"
                yield measure_score("board", situation, effort, case=case, shared=shared, hard=hard)


def simulate_pools(effort: Effort, layouts: Sequence[Layout] = POOLS) -> Iterator[Cell]:
    """Yield the coverage of the interval of a target that pools datasets."""
    for layout in layouts:
        for case, step in (("datasets-alike", 0.0), ("datasets-differ", 0.05)):
            for distribution in DISTRIBUTIONS:
                situation = differ_by_dataset(layout, distribution, step)
                yield measure_score("pooled", situation, effort, case=case)


def measure_score(
    law: str,
    situation: Situation,
    effort: Effort,
    *,
    case: str = "",
    shared: float = 0.0,
    hard: bool = False,
) -> Cell:
    """Return how often the interval of a score holds the truth."""
    layout = situation.layout
    design = make_design(list(layout.targets))
    place = Place(law=law, layout=layout.name, scores=situation.key, case=case, hard=hard)
    ends = []
    for rng, columns in effort.iter_chunks(place):
        normal = draw_normals(layout, rng, columns, shared=shared)
        ends.append(ratio_interval(measure_means(situation.draw(normal, rng), design)))
    low, high = (np.concatenate(column) for column in zip(*ends, strict=True))
    return cover(place, low, high, situation.truth)
