"""The law of the factors: where nothing goes with Dice inside any target, 5 % are called so.

Clusters are of unequal size, and the levels of Dice and of the factors differ from target to
target, together: ranks over all targets would then find what is in none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.studies.factors import PAPER_FACTORS, correlation_p
from cosmos_board.board.studies.reference_sample import ReferenceSample, correlate, rank_outcome
from cosmos_board.core.arrays import Floats, Ints

CELLS = [(clusters, targets) for clusters in (10, 20, 50) for targets in (3, 8, 30)]
REPLICATES = 2000


def draw_null(
    rng: np.random.Generator, clusters: int, targets: int, *, shared: bool
) -> tuple[ReferenceSample, Floats]:
    """Return references with their factors, and a Dice that has nothing to do with them.

    Args:
        rng: The only source of chance.
        clusters: Of each target.
        targets: How many.
        shared: Whether all targets lie in the same clusters, else each has its own.
    """
    own = [np.arange(clusters) + (0 if shared else clusters * t) for t in range(targets)]
    units = clusters * targets
    cluster_of_unit = np.concatenate(own)
    target_of_unit = np.repeat(np.arange(targets), clusters)
    weight = rng.lognormal(0.0, 0.8, int(cluster_of_unit.max()) + 1)
    sizes = 1 + rng.poisson(6 * weight[cluster_of_unit])
    unit = np.repeat(np.arange(units), sizes)
    cluster, target = cluster_of_unit[unit], target_of_unit[unit]
    level = rng.normal(0.0, 2.0, targets)[target]

    def draw_column() -> Floats:
        column: Floats = rng.normal(size=len(weight))[cluster] + 1.2 * rng.normal(size=len(unit))
        return column

    mixed = (np.eye(4) + 0.4 * rng.normal(size=(4, 4))) @ [draw_column() for _ in range(4)]
    factors = dict(zip(PAPER_FACTORS, mixed + level, strict=True))
    factors["size_px"] = np.exp(factors["size_px"])
    factors["boundary_complexity"] = np.rint(3 * factors["boundary_complexity"])
    dice = 1 / (1 + np.exp(-draw_column() - level - 2.0))
    dice[rng.uniform(size=len(unit)) < 0.05] = 0.0
    sample = ReferenceSample(
        unit,
        target_of_unit,
        cluster_of_unit,
        np.zeros(len(weight), np.int64),
        factors,
        np.ones(len(unit), bool),
        ("north",),
    )
    return sample, dice


def count_called(seed: int, clusters: int, targets: int, replicates: int, *, shared: bool) -> float:
    """Return the share of factors at p < 0.05 before Holm."""
    rng = np.random.default_rng([seed, clusters, targets, shared])
    pvalues: list[float] = []
    for _ in range(replicates):
        sample, dice = draw_null(rng, clusters, targets, shared=shared)
        effects = correlate(sample, rank_outcome(sample, dice), PAPER_FACTORS)
        pvalues += [1.0 if effect is None else correlation_p(effect) for effect in effects]
    return float(np.mean(np.array(pvalues) < 0.05))


def assert_law(share: float, replicates: int) -> None:
    """Fail where the one-sided 99.9 % binomial bound excludes 3 … 7 %.

    The factors of one replicate are taken as one trial, as if they were called together.
    """
    called = share * replicates
    least = stats.beta.ppf(0.001, called, replicates - called + 1) if called else 0.0
    most = stats.beta.ppf(0.999, called + 1, replicates - called)
    assert least <= 0.07
    assert most >= 0.03


@pytest.mark.parametrize("shared", [False, True], ids=["own clusters", "shared clusters"])
@pytest.mark.parametrize(("clusters", "targets"), [(10, 3), (20, 8)])
def test_nothing_is_called_something_at_about_its_nominal_rate(
    clusters: int, targets: int, *, shared: bool
) -> None:
    share = count_called(1, clusters, targets, 200, shared=shared)

    assert 0.02 <= share <= 0.085


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True], ids=["own clusters", "shared clusters"])
@pytest.mark.parametrize(("clusters", "targets"), CELLS)
def test_nothing_is_called_something_at_its_nominal_rate(
    clusters: int,
    targets: int,
    record_property: Callable[[str, object], None],
    *,
    shared: bool,
) -> None:
    share = count_called(2, clusters, targets, REPLICATES, shared=shared)

    record_property("called", share)
    assert_law(share, REPLICATES)


def rank_over_all(values: Floats, _: Ints) -> Floats:
    ranks: Floats = stats.rankdata(values) / len(values) - 0.5
    return ranks


def test_levels_of_targets_would_be_taken_for_a_relation_by_ranks_over_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that the law above is known to see what it is for."""
    monkeypatch.setattr("cosmos_board.board.studies.reference_sample.rank_within", rank_over_all)

    assert count_called(1, 20, 8, 60, shared=False) > 0.15
