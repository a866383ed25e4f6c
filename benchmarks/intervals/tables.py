"""Tables of models, each from other clusters, and how often their differences are covered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from benchmarks.intervals.distributions import DISTRIBUTIONS, RATES, Floats, fail_unlike
from benchmarks.intervals.laws import Cell, Effort, Place, cover
from benchmarks.intervals.layouts import (
    MIXTURES,
    POOLS,
    SHARED,
    SINGLE,
    TOGETHER,
    Layout,
    Situation,
    blend,
    draw_normals,
    follow,
)
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.failures import reach_with_failure
from cosmos_board.stats.family import MAX_T_DEGREES, Family, compare_all
from cosmos_board.stats.intervals import LEVEL, t_quantile
from cosmos_board.stats.multipliers import REPLICATES, Multipliers, draw_multipliers
from cosmos_board.stats.variance import measure_means

ALIKE = 0.6
"""Correlation of two models over clusters where these are as hard for both."""

CHECKED = 5
"""Tables of each chunk whose fast intervals are held against those of `compare_all`."""

SPREADS = (0.02, 0.05)
"""Standard deviations of two models between clusters that do not fail."""

PAIRED = (*SINGLE, MIXTURES[0], MIXTURES[3], MIXTURES[5], SHARED[0], POOLS[2], POOLS[3])
"""Layouts of the paired differences."""

UNLIKE = (*PAIRED, *SHARED[1:])
"""Layouts of two models that fail at different rates."""


def simulate_differences(effort: Effort, layouts: Sequence[Layout] = PAIRED) -> Iterator[Cell]:
    """Yield the coverage of the interval of the difference of two models on a table of two."""
    for layout in layouts:
        for case, alike, factor in (
            ("independent", 0.0, 1.0), ("alike", ALIKE, 1.0), ("alike-lower", ALIKE, 0.95),
        ):  # fmt: skip
            for distribution in DISTRIBUTIONS:
                second = follow(layout, distribution)
                pair = (second.change(factor), second)
                yield measure_difference(pair, effort, case, alike=alike)


def simulate_unlike(effort: Effort, layouts: Sequence[Layout] = UNLIKE) -> Iterator[Cell]:
    """Yield the same where one model fails more often than the other, or the other never.

    Where a cluster that fails does so in most of its targets, nothing is promised.
    """
    for layout in layouts:
        for shared in (0.0, *TOGETHER) if layout.case == "shared" else (0.0,):
            for rates, spread in product(RATES, SPREADS):
                first, second = fail_unlike(rates, spread)
                pair = (follow(layout, first), follow(layout, second))
                case = f"spread-{spread:g}" + (f" shared-{shared:g}" if shared else "")
                yield measure_difference(
                    pair, effort, case, law="unlike", alike=ALIKE, shared=shared
                )


def measure_difference(
    pair: tuple[Situation, Situation],
    effort: Effort,
    case: str,
    *,
    law: str = "difference",
    alike: float,
    shared: float = 0.0,
) -> Cell:
    """Return how often the interval of first − second holds the true difference."""
    layout = pair[0].layout
    place = Place(
        law=law,
        layout=layout.name,
        scores=pair[1].key,
        case=" ".join(filter(None, (layout.case, case))),
        difference=pair[0].truth - pair[1].truth,
        hard=shared > TOGETHER[0],
    )
    low, high = interval_differences(pair, effort, place, alike=alike, shared=shared)
    return cover(place, low, high, pair[0].truth - pair[1].truth)


def interval_differences(
    pair: tuple[Situation, Situation],
    effort: Effort,
    place: Place,
    *,
    alike: float,
    shared: float = 0.0,
) -> tuple[Floats, Floats]:
    """Return the intervals of many tables of two at once, which is a hundred times as fast.

    The first of them are held against those of `compare_all`.
    """
    design = make_design(list(pair[0].layout.targets))
    weights = draw_multipliers([str(key) for key in design.key], dataset="two", replicates=8)
    ends: list[Floats] = []
    for values in iter_scores(pair, effort, place, alike=alike, shared=shared):
        first, second = (measure_means(values[:, :, model], design) for model in (0, 1))
        apart = measure_means(values[:, :, 0] - values[:, :, 1], design)
        half = t_quantile(LEVEL, apart.degrees) * apart.errors
        down, up = (
            np.maximum(half, reach_with_failure(each.target_means, apart.spread))
            for each in (first, second)
        )
        low, high = np.maximum(apart.means - down, -1.0), np.minimum(apart.means + up, 1.0)
        for number, family in enumerate(compare_each(values[:, :CHECKED], design, weights)):
            np.testing.assert_allclose(
                (low[number], high[number]), (family.low[0], family.high[0]), rtol=0, atol=1e-4
            )
        ends.append(np.stack([low, high]))
    found = np.concatenate(ends, axis=1)
    return found[0], found[1]


def iter_tables(
    models: tuple[Situation, ...],
    effort: Effort,
    place: Place,
    *,
    alike: float = ALIKE,
    shared: float = 0.0,
) -> Iterator[Family]:
    """Yield tables of the models, each from other clusters.

    Args:
        models: What the scores of each model follow, on one layout.
        effort: How many tables, and the seed.
        place: What they are drawn for.
        alike: Correlation between models over clusters, in [0, 1].
        shared: Correlation between targets over clusters, in [0, 1].
    """
    layout = models[0].layout
    design = make_design(list(layout.targets))
    # Two models, and few clusters, take a quantile that needs no resamples.
    few = len(models) == 2 or len(layout.cluster) <= MAX_T_DEGREES
    names = [str(key) for key in design.key]
    drawn = iter_scores(models, effort, place, alike=alike, shared=shared)
    for chunk, values in enumerate(drawn):
        source = f"{effort.seed}/{place}/{chunk}"
        weights = draw_multipliers(names, dataset=source, replicates=8 if few else REPLICATES)
        yield from compare_each(values, design, weights)


def compare_each(values: Floats, design: Design, weights: Multipliers) -> Iterator[Family]:
    """Yield the family of each table, from scores of shape (units, tables, models)."""
    count = values.shape[2]
    # All tables at once, then one by one: the models of a table are neighbouring columns.
    errors = measure_means(values.reshape(len(values), -1), design)
    for start in range(0, values.shape[1] * count, count):
        yield compare_all(errors.select(np.arange(start, start + count)), weights)


def iter_scores(
    models: tuple[Situation, ...],
    effort: Effort,
    place: Place,
    *,
    alike: float,
    shared: float = 0.0,
) -> Iterator[Floats]:
    """Yield what models scored in some hundred tables, shape (units, tables, models)."""
    layout = models[0].layout
    for rng, columns in effort.iter_chunks(place):
        common = draw_normals(layout, rng, columns, shared=shared)
        drawn = []
        for model in models:
            own = draw_normals(layout, rng, columns, shared=shared)
            drawn.append(model.draw(blend(common, own, alike), rng))
        yield np.stack(drawn, axis=2)
