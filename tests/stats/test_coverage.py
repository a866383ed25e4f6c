"""Intervals of scores hold the truth in at least 93 % of samples, whatever the scores are like."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.intervals.coverage import (
    simulate_boards,
    simulate_pools,
    simulate_shared,
    simulate_targets,
)
from benchmarks.intervals.distributions import DISTRIBUTIONS, Distribution
from benchmarks.intervals.laws import Cell, Effort, Place, cover, describe_failures
from benchmarks.intervals.layouts import (
    MIXTURES,
    POOLS,
    SHARED,
    differ_by_dataset,
    draw_normals,
    follow,
    lay_out,
)
from tests.seeds import SEED

FEW, FULL = 100, 2000

Simulation = Callable[[Effort], Iterator[Cell]]
simulations = pytest.mark.parametrize(
    "simulate", [simulate_targets, simulate_boards, simulate_shared, simulate_pools]
)


@simulations
def test_intervals_hold_the_truth(simulate: Simulation) -> None:
    assert describe_failures(simulate(Effort(FEW, SEED))) == []


@pytest.mark.slow
@simulations
def test_intervals_hold_the_truth_at_full_counts(
    simulate: Simulation, record_property: Callable[[str, object], None]
) -> None:
    cells = list(simulate(Effort(FULL, SEED)))
    record_property("least", min(cell.share for cell in cells if not cell.place.hard))

    assert describe_failures(cells) == []


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda each: each.key)
def test_scores_have_the_mean_that_is_called_their_truth(distribution: Distribution) -> None:
    """The truth is an integral over quantiles; a hundred thousand clusters know it to 0.003."""
    situation = follow(lay_out([40], uneven=True), distribution)
    rng = np.random.default_rng(SEED)
    values = situation.draw(draw_normals(situation.layout, rng, 2500), rng)

    assert values.min() >= 0
    assert values.max() <= 1
    assert values.mean() == pytest.approx(situation.truth, abs=0.003)


def test_clusters_of_several_targets_correlate_as_they_should() -> None:
    layout = SHARED[0]
    normals = draw_normals(layout, np.random.default_rng(SEED), 4000, shared=0.6)
    first, second = normals[layout.target == 0], normals[layout.target == 1]

    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0.6, abs=0.02)
    assert normals.std() == pytest.approx(1.0, abs=0.01)


def test_the_truth_of_a_board_is_the_mean_over_targets_of_its_distributions() -> None:
    good, bad = DISTRIBUTIONS[0], DISTRIBUTIONS[2]

    assert follow(MIXTURES[5], good, bad).truth == pytest.approx((good.mean + bad.mean) / 2)
    differing = differ_by_dataset(POOLS[2], good, 0.1)
    alike = differ_by_dataset(POOLS[2], good, 0.0)
    # Datasets of 10, 1, 1, …: every second is 10 % lower, every third 20 %.
    lost = (0.1 * 4 + 0.2 * 3) / 20
    assert differing.truth == pytest.approx(alike.truth * (1 - lost), rel=1e-4)


@pytest.mark.parametrize(("reach", "holds"), [(2.09, True), (1.0, False)])
def test_too_narrow_intervals_are_found_out(*, reach: float, holds: bool) -> None:
    """The simulation itself can fail: one standard error to either side covers two thirds."""
    values = np.random.default_rng(SEED).normal(0.0, 1.0, (20, 200))
    half = reach * values.std(axis=0, ddof=1) / 20**0.5
    means = values.mean(axis=0)
    place = Place(law="target", layout="20", scores="normal")

    assert cover(place, means - half, means + half, 0.0).holds is holds
