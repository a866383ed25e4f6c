"""How often a table of models says something false."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from benchmarks.intervals.distributions import (
    LEFT,
    NORMAL,
    RIGHT,
    WIDE,
    ZEROS,
    Distribution,
    Floats,
    fail_in_clusters,
)
from benchmarks.intervals.laws import LEAST_COVERAGE, Cell, Effort, Place
from benchmarks.intervals.layouts import SHARED, TABLES, Layout, Situation, follow, lay_out
from benchmarks.intervals.tables import iter_tables

FALSE_BETTER = 0.05
"""At most so many tables of equal models may call one of them better."""

WRONG_SIGN = 0.025
"""At most so many tables may call a model better that is truly worse."""

BETTER, WORSE = 1, 2
SCORES = (NORMAL, LEFT, RIGHT, ZEROS[1], WIDE)
COUNTS = {2: SCORES, 10: SCORES, 20: (NORMAL, ZEROS[1])}
"""Scores of tables of so many equal models."""

RANKED = 10
GAPS = (0.01, 0.003)
"""By how much neighbours in rank differ."""

FAILING = 0.08
GAIN = 0.03
STEADY_MEAN = 0.8825
"""A model that scores 0 in 8 % of clusters and 0.03 more elsewhere is worse by 0.043."""


def simulate_equal_models(effort: Effort, layouts: Sequence[Layout] = TABLES) -> Iterator[Cell]:
    """Yield how often a table of equal models calls one better, and holds together."""
    for layout in layouts:
        for count, distributions in COUNTS.items():
            for distribution in distributions:
                yield from measure_equal_models(follow(layout, distribution), count, effort)


def measure_equal_models(model: Situation, count: int, effort: Effort) -> Iterator[Cell]:
    """Yield false verdicts, and tables of which all intervals hold the truth together.

    Equal models all have rank 1; a range starts later where the interval that verdicts rest on
    leaves out 0. Printed intervals are no narrower, so that they hold where the ranges do.
    """
    all_ = Place(law="all", layout=model.layout.name, scores=model.key, models=count)
    false = replace(all_, law="false-better")
    wrong = together = 0
    width = 0.0
    for family in iter_tables((model,) * count, effort, all_):
        wrong += bool(np.isin(family.verdict_codes, (BETTER, WORSE)).any())
        held = bool((family.rank_ranges()[0] == 1).all())
        assert not held or bool(((family.low <= 0) & (family.high >= 0)).all())
        together += held
        width += float((family.high - family.low).mean())
    replicates = effort.replicates
    yield Cell(place=false, hits=wrong, replicates=replicates, most=FALSE_BETTER)
    yield Cell(
        place=all_,
        hits=together,
        replicates=replicates,
        least=LEAST_COVERAGE,
        width=width / replicates,
    )


def simulate_ranks(effort: Effort, layouts: Sequence[Layout] = TABLES) -> Iterator[Cell]:
    """Yield how often all rank ranges of a table hold together where models differ a little."""
    for layout in layouts:
        for gap in GAPS:
            for distribution in (NORMAL, LEFT, ZEROS[1]):
                yield measure_ranks(follow(layout, distribution), gap, effort)


def measure_ranks(model: Situation, gap: float, effort: Effort) -> Cell:
    """Return how often all true ranks lie in their ranges; neighbours differ by `gap`."""
    models = tuple(model.change(shift=-gap * number) for number in range(RANKED))
    assert (np.diff([each.truth for each in models]) < 0).all()
    truth = 1 + np.arange(RANKED)
    place = Place(
        law="ranks", layout=model.layout.name, scores=model.key, models=RANKED, difference=gap
    )
    held = 0
    for family in iter_tables(models, effort, place):
        best, worst = family.rank_ranges()
        held += bool(((best <= truth) & (truth <= worst)).all())
    return Cell(place=place, hits=held, replicates=effort.replicates, least=LEAST_COVERAGE)


def pair_with_failures() -> tuple[Distribution, Distribution]:
    """Return a model that fails rarely, and one that never does and is truly better."""

    def steady(share: Floats) -> Floats:
        scores: Floats = stats.norm.ppf(share, STEADY_MEAN, 0.02)
        return scores

    failing = fail_in_clusters(FAILING, lambda share: steady(share) + GAIN, "rare")
    return failing, Distribution("rare", steady)


def simulate_rare_failures(effort: Effort) -> Iterator[Cell]:
    """Yield how often a model that fails rarely, and is truly worse, is called better."""
    for layout in (*TABLES, lay_out([30]), lay_out([10] * 3)):
        yield measure_rare_failures(layout, effort)
    for layout in SHARED:
        yield measure_rare_failures(layout, effort, shared=0.3)
        # Failing in all targets of a patient or in none: the rule adds a failure in one target.
        yield measure_rare_failures(layout, effort, shared=1.0, hard=True)


def measure_rare_failures(
    layout: Layout, effort: Effort, *, shared: float = 0.0, hard: bool = False
) -> Cell:
    """Return how often the first of two models is called better, which is truly worse."""
    first, second = (follow(layout, each) for each in pair_with_failures())
    difference = first.truth - second.truth
    assert difference < -0.04
    place = Place(
        law="wrong-sign",
        layout=layout.name,
        scores=first.key,
        case=f"shared-{shared:g}" if shared else "",
        models=2,
        difference=difference,
        hard=hard,
    )
    tables = iter_tables((first, second), effort, place, alike=0.0, shared=shared)
    wrong = sum(int(family.verdict_codes[0] == BETTER) for family in tables)
    return Cell(place=place, hits=wrong, replicates=effort.replicates, most=WRONG_SIGN)
