"""Intervals of what a model's own score tells cover at least 93 % of what is true.

A cell fails when its one-sided 99.9 % binomial bound excludes that. What is true is read from a
sample of 40,000 clusters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cosmos_board.stats.design import Design
from cosmos_board.stats.own_score_intervals import (
    Estimate,
    bound_area,
    bound_auroc,
    bound_gaps,
    bound_mean,
    bound_review,
    bound_risk,
)
from cosmos_board.stats.own_scores import (
    ScoredMasks,
    measure_auroc,
    measure_bias,
    measure_gaps,
    measure_review,
    measure_risk_area,
)
from tests.stats.own_masks import count_cells, draw_masks, one_target

LAW = 0.93
MODELS: dict[str, dict[str, Any]] = {
    "nearly calibrated": {},
    "overconfident": {"score": lambda iou: 0.7 + 0.3 * iou},
    "weak": {"noise": 3.0},
    "seldom failing": {"fail": 0.06},
    "constant": {"score": lambda iou: 0.8 + 0 * iou},
}
TRUE_CLUSTERS = 40_000


def measure(masks: ScoredMasks, design: Design) -> dict[str, Estimate]:
    auroc, review = measure_auroc(masks), measure_review(masks, 0.95)
    found = {
        "bias": bound_mean(measure_bias(masks), design, (-1.0, 1.0)),
        "calibration error": bound_gaps(measure_gaps(masks), design),
        "risk": bound_risk(masks, 1.0, design),
        "risk area": bound_area(measure_risk_area(masks), design),
        "risk of half": bound_risk(masks, 0.5, design),
    }
    if auroc and review:
        found["auroc"] = bound_auroc(auroc, masks, design)
        found["review"] = bound_review(review, masks, design, 0.95)
    return found


def find_misses(
    model: str, clusters: int, replicates: int, sizes: Callable[[np.random.Generator], list[int]]
) -> list[str]:
    """Return what covers too seldom, with the share of intervals that cover."""
    rng = np.random.default_rng(clusters)
    options = MODELS[model]
    whole = count_cells(draw_masks(rng, [5] * TRUE_CLUSTERS, **options))
    design = one_target(TRUE_CLUSTERS)
    true = {name: found.value for name, found in measure(whole, design).items()}
    covered, all_ = Counter[str](), Counter[str]()
    for _ in range(replicates):
        masks = count_cells(draw_masks(rng, sizes(rng), **options))
        for name, found in measure(masks, one_target(clusters)).items():
            if found.low is None or found.high is None:
                continue
            all_[name] += 1
            covered[name] += found.low - 1e-9 <= true[name] <= found.high + 1e-9
    return [
        f"{name}: {covered[name]} of {count}"
        for name, count in all_.items()
        if covered[name] < stats.binom.ppf(0.001, count, LAW)
    ]


def equal(clusters: int) -> Callable[[np.random.Generator], list[int]]:
    return lambda _: [5] * clusters


def unequal(clusters: int) -> Callable[[np.random.Generator], list[int]]:
    return lambda rng: rng.integers(1, 20, clusters).tolist()


@pytest.mark.parametrize("model", ["weak", "overconfident"])
def test_some_intervals_cover(model: str) -> None:
    assert find_misses(model, 20, 150, unequal(20)) == []


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [equal, unequal])
@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize("model", MODELS)
def test_intervals_cover(
    model: str, clusters: int, sizes: Callable[[int], Callable[[np.random.Generator], list[int]]]
) -> None:
    assert find_misses(model, clusters, 2000, sizes(clusters)) == []
