"""Two columns on the same units: one verdict, with what one more failure would change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.studies.effects import TargetMeans
from cosmos_board.board.studies.paired import PairedEffect, compare_columns, compare_targets
from cosmos_board.core.arrays import Floats
from tests.one_more import bound_pair

RNG = np.random.default_rng(12)


def target_means(*targets: Floats, wide: bool = True, shared: bool = False) -> TargetMeans:
    """Return means of columns (axes columns, units) by target, as `average_targets` does."""
    starts = np.cumsum([0] + [0 if shared else own.shape[1] for own in targets[:-1]])
    return TargetMeans(
        tuple(f"ct.organ-{number}" for number in range(len(targets))),
        np.column_stack([own.mean(axis=1) for own in targets]),
        targets,
        tuple(np.arange(own.shape[1]) + start for own, start in zip(targets, starts, strict=True)),
        tuple(np.zeros(own.shape[1], np.int64) for own in targets),
        tuple(own.shape[1] for own in targets),
        np.zeros((0, 1), np.uint8),
        wide,
        0,
    )


def draw(gain: float, spread: float, *, clusters: int, level: float = 0.7) -> Floats:
    base = np.full(clusters, level)
    return np.stack([base + gain + spread * stats.zscore(RNG.normal(size=clusters)), base])


def compare(*targets: Floats, wide: bool = True, margin: float = 0.0) -> PairedEffect:
    paired = compare_columns(target_means(*targets, wide=wide), margin=margin)
    assert paired is not None
    return paired


def test_the_interval_is_that_of_a_paired_t_test_where_clusters_vary_much() -> None:
    values = draw(0.1, 0.2, clusters=30, level=0.05)

    effect = compare(values).effect
    low, high = stats.ttest_rel(*values).confidence_interval(0.95)
    assert (effect.low, effect.high) == pytest.approx((low, high), abs=1e-6)
    assert (effect.targets, effect.clusters, effect.references) == (1, 30, 30)


def test_further_columns_change_nothing() -> None:
    values = draw(0.1, 0.2, clusters=30)

    assert compare(np.vstack([values, RNG.random((2, 30))])) == compare(values)


def test_targets_of_other_clusters_are_two_samples_after_welch() -> None:
    many = draw(0.1, 0.2, clusters=40, level=0.05)
    few = draw(0.2, 0.3, clusters=12, level=0.05)

    effect = compare(many, few).effect
    welch = stats.ttest_ind(many[0] - many[1], few[1] - few[0], equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert (effect.low, effect.high) == pytest.approx((low / 2, high / 2), abs=1e-5)


def test_targets_that_share_clusters_are_averaged_before_the_test() -> None:
    one, other = draw(0.1, 0.2, clusters=25), draw(0.2, 0.3, clusters=25)

    paired = compare_columns(target_means(one, other, shared=True))
    assert paired is not None
    both = (one[0] - one[1] + other[0] - other[1]) / 2
    assert paired.effect.error == pytest.approx(stats.sem(both), abs=1e-6)
    assert paired.effect.clusters == 25


@pytest.mark.parametrize(
    ("gain", "spread", "clusters", "verdict", "held_back"),
    [
        pytest.param(0.1, 0.02, 50, "better", False, id="better"),
        pytest.param(-0.1, 0.02, 50, "worse", False, id="worse"),
        pytest.param(0.0, 0.001, 50, "equivalent", False, id="equivalent"),
        pytest.param(0.05, 0.2, 50, "not separated", False, id="varies too much"),
        pytest.param(0.05, 0.01, 12, "not separated", True, id="one more failure would undo it"),
    ],
)
def test_a_verdict_needs_more_than_one_failure_against_it(
    gain: float, spread: float, clusters: int, verdict: str, held_back: bool
) -> None:
    values = draw(gain, spread, clusters=clusters)

    paired = compare(values, margin=0.01)
    assert (paired.verdict, paired.held_back) == (verdict, held_back)
    with_failure = np.append(values, [[0.0], [values[1].mean()]], axis=1)
    if verdict == "better":
        assert with_failure[0].mean() - with_failure[1].mean() > 0.01
    if held_back:
        assert with_failure[0].mean() - with_failure[1].mean() < 0.01
    assert paired.effect.is_shown == (verdict in {"better", "worse"})


def test_a_difference_may_be_shown_although_its_interval_allows_for_a_failure_that_undoes_it() -> (
    None
):
    values = draw(0.03, 0.001, clusters=50)

    paired = compare(values, margin=0.01)
    bounds = bound_pair(*values)
    assert (paired.effect.low, paired.effect.high) == pytest.approx(bounds, abs=1e-5)
    assert bounds[0] < 0
    assert (paired.verdict, paired.effect.is_shown) == ("better", True)


def test_under_ten_clusters_nothing_is_tested() -> None:
    paired = compare(draw(0.3, 0.01, clusters=9), wide=False)

    assert (paired.verdict, paired.held_back) == ("not tested", False)
    assert (paired.effect.low, paired.effect.high, paired.effect.detectable) == (None,) * 3


def test_one_target_by_itself_is_its_own_table() -> None:
    targets = [draw(0.1, 0.2, clusters=15), draw(0.0, 0.1, clusters=20)]

    each = compare_targets(target_means(*targets))
    assert list(each) == ["", "ct.organ-0", "ct.organ-1"]
    assert each["ct.organ-1"].effect == compare(targets[1]).effect
    assert each[""] == compare(*targets)
