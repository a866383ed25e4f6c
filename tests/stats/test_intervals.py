"""Intervals: what they are made of, and whether they cover."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from cosmos_board.stats.bootstrap import RATIO_STEP, draw_counts, sum_replicates, to_steps
from cosmos_board.stats.intervals import (
    bootstrap_factor,
    interval,
    pair_standard_errors,
    standard_errors,
    t_quantile,
)
from cosmos_board.stats.ranks import tie_groups

Floats = NDArray[np.float64]

Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]


def draw_normal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Cluster means around 0.7."""
    return rng.normal(0.7, 0.08, shape)


def draw_skewed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Cluster means of a good model: Beta(8, 2), mean 0.8, skewness −0.8, a tail of failures."""
    return rng.beta(8, 2, shape)


def deviate(scores: Floats, run: int) -> tuple[Floats, Floats]:
    """Return each model's mean and the deviations of its replicates, scaled for small samples."""
    count = len(scores)
    steps = to_steps(scores, RATIO_STEP)
    counts = draw_counts([f"{run}-{index}" for index in range(count)], dataset="d")
    mean = steps.mean(axis=0)
    replicates = sum_replicates(steps, counts) / count
    return mean * RATIO_STEP, (replicates - mean[:, None]) * RATIO_STEP * bootstrap_factor(count)


def coverage(draw: Draw, expected: float, clusters: int, runs: int) -> float:
    """Return the share of runs whose 95 % interval holds the expectation."""
    rng = np.random.default_rng(clusters)
    covered = 0
    for run in range(runs):
        mean, deviations = deviate(draw(rng, (clusters, 1)), run)
        low, high = interval(
            mean, standard_errors(deviations), degrees=clusters - 1, bounds=(0.0, 1.0)
        )
        covered += bool(low[0] <= expected <= high[0])
    return covered / runs


def tied(difference: float, clusters: int, runs: int) -> float:
    """Return the share of runs in which two models with independent errors tie."""
    rng = np.random.default_rng(7)
    found = 0
    for run in range(runs):
        shared = rng.normal(0.7, 0.10, (clusters, 1))
        scores = shared + rng.normal(0.0, 0.08, (clusters, 2)) + [difference, 0.0]
        mean, deviations = deviate(np.clip(scores, 0, 1), run)
        widths = t_quantile(0.95, clusters - 1) * pair_standard_errors(deviations)
        found += tie_groups(mean, widths, higher_is_better=True).max() == 1
    return found / runs


@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize(("draw", "expected"), [(draw_normal, 0.7), (draw_skewed, 0.8)])
def test_intervals_cover(draw: Draw, expected: float, clusters: int) -> None:
    """200 runs know their coverage to ±3 points; the full counts are below."""
    assert 0.92 <= coverage(draw, expected, clusters, runs=200) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize(("draw", "expected"), [(draw_normal, 0.7), (draw_skewed, 0.8)])
def test_intervals_cover_at_full_counts(
    draw: Draw, expected: float, clusters: int, record_property: Callable[[str, object], None]
) -> None:
    covered = coverage(draw, expected, clusters, runs=4000)
    record_property("coverage", float(covered))
    assert 0.93 <= covered <= 0.97


def macro_coverage(sizes: tuple[int, ...], runs: int, *, shared: bool) -> float:
    """Return the share of runs whose macro interval over targets holds the expectation.

    Args:
        sizes: Clusters of each target, which have an effect of their own.
        runs: How many.
        shared: Whether the targets lie in one dataset, the smaller in clusters of the larger.
    """
    rng = np.random.default_rng(1)
    names = [str(index) for index in range(max(sizes))]
    covered = 0
    for run in range(runs):
        effects = rng.normal(0.0, 0.05, max(sizes))
        total, score = np.zeros(1000), 0.0
        for number, size in enumerate(sizes):
            dataset = f"{run}-{0 if shared else number}"
            known = names if shared else names[:size]
            counts = draw_counts(known, dataset=dataset)[:size].astype(float)
            values = rng.normal(0.0, 0.1, size) + (effects[:size] if shared else 0.0)
            replicates = values @ counts / np.maximum(counts.sum(axis=0), 1)
            total += (replicates - values.mean()) * bootstrap_factor(size)
            score += values.mean()
        degrees = max(sizes) - 1 if shared else sum(sizes) - len(sizes)
        error = standard_errors(total[None, :] / len(sizes))
        low, high = interval(score / len(sizes), error, degrees=degrees)
        covered += bool(low[0] <= 0.0 <= high[0])
    return covered / runs


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("sizes", [(12, 12, 12), (40, 12, 12, 12)])
def test_macro_intervals_cover_at_full_counts(
    sizes: tuple[int, ...], *, shared: bool, record_property: Callable[[str, object], None]
) -> None:
    covered = macro_coverage(sizes, 2000, shared=shared)
    record_property("coverage", float(covered))
    assert 0.93 <= covered <= 0.97


def test_equal_models_tie_and_different_ones_do_not() -> None:
    assert tied(0.0, 20, runs=200) >= 0.91
    assert tied(0.05, 50, runs=200) <= 0.20


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [10, 20, 50])
def test_equal_models_tie_at_full_counts(
    clusters: int, record_property: Callable[[str, object], None]
) -> None:
    share = tied(0.0, clusters, runs=1000)
    record_property("tied", float(share))
    assert share >= 0.91


@pytest.mark.slow
def test_different_models_separate_at_full_counts(
    record_property: Callable[[str, object], None],
) -> None:
    share = tied(0.05, 50, runs=1000)
    record_property("tied", float(share))
    assert share <= 0.20


def test_bootstrap_error_is_the_textbook_error() -> None:
    scores = np.random.default_rng(0).normal(0.7, 0.1, (40, 3))

    errors = standard_errors(deviate(scores, 0)[1])

    assert errors == pytest.approx(stats.sem(scores, axis=0), rel=0.08)


def test_pair_errors_are_those_of_the_differences() -> None:
    deviations = np.random.default_rng(0).normal(0, 0.02, (5, 1000))
    deviations[4] = deviations[0] + 1e-6 * deviations[1]

    errors = pair_standard_errors(deviations)

    direct = (deviations[:, None] - deviations[None, :]).std(axis=2, ddof=1)
    np.testing.assert_allclose(errors, direct, rtol=1e-4, atol=1e-7)


def test_equal_models_differ_by_exactly_nothing() -> None:
    deviations = np.random.default_rng(0).normal(0, 0.02, (1, 1000)).repeat(3, axis=0)

    assert not pair_standard_errors(deviations).any()
    assert not pair_standard_errors(np.zeros((2, 10))).any()
    assert pair_standard_errors(np.zeros((0, 10))).shape == (0, 0)


def test_t_quantiles_are_those_of_the_tables() -> None:
    assert t_quantile(0.95, 1) == pytest.approx(12.706, abs=1e-3)
    assert t_quantile(0.90, 30) == pytest.approx(1.697, abs=1e-3)
