from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from cosmos_board.core.arrays import Floats
from cosmos_board.stats.own_scores import (
    ScoredMasks,
    Statistic,
    measure_auroc,
    measure_bias,
    measure_gaps,
    measure_review,
    measure_risk_area,
    measure_risk_at,
)
from tests.stats.own_masks import Plain, count_cells, draw_masks, make_plain

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed: int) -> Plain:
    """Draw masks of unequal clusters, with ties in their scores."""
    rng = np.random.default_rng(seed)
    plain = draw_masks(rng, rng.integers(1, 9, 14).tolist(), fail=0.3)
    return make_plain(plain.unit, np.round(plain.score, int(rng.integers(1, 4))), plain.iou)


@settings(max_examples=25)
@given(SEEDS)
def test_failure_detection_is_the_area_that_scikit_learn_finds(seed: int) -> None:
    plain = draw(seed)

    found = measure_auroc(count_cells(plain))

    if plain.failed.all() or not plain.failed.any():
        assert found is None
        return
    assert found is not None
    expected = roc_auc_score(plain.failed, -plain.score, sample_weight=plain.weight)
    assert found.value == pytest.approx(expected)


@settings(max_examples=25)
@given(SEEDS)
def test_bias_and_calibration_error_are_those_of_the_masks_one_by_one(seed: int) -> None:
    plain = draw(seed)
    masks = count_cells(plain)

    gaps = measure_gaps(masks)

    bins = masks.cut_bins(10)[np.searchsorted(masks.levels, plain.score)]
    expected = sum(
        abs(np.sum((plain.weight * (plain.score - plain.iou))[bins == number]))
        for number in range(10)
    )
    assert gaps.error == pytest.approx(expected)
    bias = np.average(plain.score - plain.iou, weights=plain.weight)
    assert measure_bias(masks).value == pytest.approx(bias)


def test_the_reliability_curve_is_that_of_scikit_learn_where_clusters_are_single_masks() -> None:
    """Its quantile bins are ours where no two scores are equal; its target is 0 or 1."""
    rng = np.random.default_rng(3)
    score = rng.permutation(1000)[:400] / 1000
    iou = (rng.random(400) < score).astype(float)

    gaps = measure_gaps(count_cells(make_plain(np.arange(400), score, iou)))

    true, predicted = calibration_curve(iou, score, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(gaps.iou, true)
    np.testing.assert_allclose(gaps.score, predicted)
    np.testing.assert_allclose(gaps.mass, 0.1)


@settings(max_examples=15)
@given(SEEDS)
def test_the_area_under_risk_and_coverage_is_the_mean_over_orders_of_equal_scores(
    seed: int,
) -> None:
    """Each mask is cut into many equal pieces, which are taken from the highest score down."""
    plain = draw(seed)
    score, risk = plain.score, 1 - plain.dice
    order = np.argsort(-score, kind="stable")
    levels, level = np.unique(-score[order], return_inverse=True)
    mean = np.bincount(level, (plain.weight * risk)[order]) / np.bincount(
        level, plain.weight[order]
    )
    ends = np.cumsum(np.bincount(level, plain.weight[order]))
    coverage = (np.arange(200_000) + 0.5) / 200_000
    at = mean[np.minimum(np.searchsorted(ends, coverage), len(levels) - 1)]
    running = np.cumsum(at) / np.arange(1, len(at) + 1)

    masks = count_cells(plain)

    assert measure_risk_area(masks).value == pytest.approx(running.mean(), abs=2e-4)
    for share in (0.1, 0.5, 1.0):
        expected = running[int(share * len(running)) - 1]
        assert measure_risk_at(masks, share)[0].value == pytest.approx(expected, abs=2e-4)


@settings(max_examples=25)
@given(SEEDS)
def test_a_review_that_starts_with_the_lowest_scores_meets_what_it_promises(seed: int) -> None:
    plain = draw(seed)
    review = measure_review(count_cells(plain), 0.95)

    if not plain.failed.any():
        assert review is None
        return
    assert review is not None
    caught, done = 0.0, 0.0
    total = float(plain.weight[plain.failed].sum())
    for level in np.unique(plain.score):
        here = plain.score == level
        mass = float(plain.weight[here].sum())
        failed = float(plain.weight[here & plain.failed].sum())
        part = min(1.0, (review.share - done) / mass)
        if part > 0:
            caught, done = caught + part * failed, done + part * mass
    assert caught / total == pytest.approx(0.95)


MEASURES: dict[str, Callable[[ScoredMasks], Statistic | None]] = {
    "bias": measure_bias,
    "auroc": measure_auroc,
    "area": measure_risk_area,
    "risk at 0.3": lambda masks: measure_risk_at(masks, 0.3)[0],
}


@pytest.mark.parametrize("name", MEASURES)
def test_an_influence_is_the_derivative_along_the_weight_of_a_unit(name: str) -> None:
    masks, measure = count_cells(draw(7)), MEASURES[name]
    here = measure(masks)
    assert here is not None
    step = 1e-6

    slopes = []
    for unit in range(len(masks.weight)):
        weight: Floats = masks.weight * (1 - step)
        weight[unit] += step
        moved = measure(replace(masks, weight=weight))
        assert moved is not None
        slopes.append((moved.value - here.value) / step)

    expected = here.influence - here.influence @ masks.weight
    np.testing.assert_allclose(slopes, expected, atol=2e-4)


def test_a_score_without_information_detects_nothing_and_saves_nothing() -> None:
    plain = draw_masks(np.random.default_rng(1), [5] * 40)
    masks = count_cells(make_plain(plain.unit, np.full(200, 0.8), plain.iou))

    auroc, review = measure_auroc(masks), measure_review(masks, 0.95)
    risk = float(np.average(1 - plain.dice, weights=plain.weight))

    assert auroc is not None
    assert review is not None
    assert auroc.value == pytest.approx(0.5)
    assert review.share == pytest.approx(0.95)
    assert measure_risk_area(masks).value == pytest.approx(risk)


def test_a_score_that_is_turned_round_detects_failures_as_badly_as_it_did_well() -> None:
    plain = draw_masks(np.random.default_rng(2), [5] * 40)
    turned = make_plain(plain.unit, 1 - plain.score, plain.iou)

    right, wrong = measure_auroc(count_cells(plain)), measure_auroc(count_cells(turned))

    assert right is not None
    assert wrong is not None
    assert right.value > 0.95
    assert wrong.value == pytest.approx(1 - right.value)
