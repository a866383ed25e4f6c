from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cosmos_board.stats.agreement import find_flips, robustness_panel


def test_every_rule_agrees_when_one_model_is_better_everywhere() -> None:
    scores = np.array([[0.9] * 6, [0.7] * 6, [0.5] * 6])
    target, dataset = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1])

    panel = robustness_panel(scores, target, dataset, other_metrics={"hd95_px": (-scores, False)})
    assert [line.rule for line in panel] == [
        "micro", "median", "trimmed", "rank-then-aggregate", "metric:hd95_px", "without:0",
        "without:1",
    ]  # fmt: skip
    assert {line.tau_b for line in panel} == {1.0}
    assert {line.flips for line in panel} == {()}


def test_one_outlier_flips_the_median_against_the_mean() -> None:
    scores = np.array([[0.8, 0.8, 0.8, 0.0], [0.7, 0.7, 0.7, 0.7]])

    panel = robustness_panel(scores, np.zeros(4, np.int64), np.zeros(4, np.int64))
    by_rule = {line.rule: line for line in panel}
    assert by_rule["micro"].tau_b == 1.0
    assert by_rule["median"].tau_b == -1.0
    assert by_rule["median"].flips == ((1, 0),)


def test_a_large_target_decides_micro_but_not_macro() -> None:
    scores = np.array([[0.9] * 8 + [0.1], [0.7] * 8 + [0.95]])
    target = np.array([0] * 8 + [1])

    panel = robustness_panel(scores, target, np.zeros(9, np.int64))
    assert panel[0].flips == ((1, 0),)


def test_dropping_a_dataset_names_it() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.6]])

    panel = robustness_panel(
        scores, np.array([0, 0]), np.array([0, 1]), dataset_names=("north", "south")
    )
    assert {line.rule: line.tau_b for line in panel if "without" in line.rule} == {
        "without:north": 1.0, "without:south": -1.0
    }  # fmt: skip


def test_trimmed_and_tau_equal_scipy() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(7, 40))

    panel = robustness_panel(scores, np.zeros(40, np.int64), np.zeros(40, np.int64))
    trimmed = [stats.trim_mean(row, 0.1) for row in scores]
    expected = stats.kendalltau(scores.mean(axis=1), trimmed).statistic
    assert panel[2].tau_b == pytest.approx(expected, rel=1e-12)


def test_ties_are_no_flip() -> None:
    assert find_flips(np.array([2.0, 1.0]), np.array([1.0, 1.0])) == ()
