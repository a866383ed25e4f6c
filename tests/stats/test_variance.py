"""Standard errors of means over targets, against textbooks and resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.family import compare_all
from cosmos_board.stats.variance import measure_means


def simple(clusters: int) -> Design:
    return make_design([(np.arange(clusters), np.zeros(clusters, int))])


def test_one_target_in_one_dataset_is_the_textbook_mean() -> None:
    scores = np.random.default_rng(0).normal(0.7, 0.1, (40, 3))

    found = measure_means(scores, simple(40))
    assert found.means == pytest.approx(scores.mean(axis=0))
    assert found.errors == pytest.approx(stats.sem(scores, axis=0), rel=1e-5)
    assert found.degrees.tolist() == [39.0] * 3
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert found.pair_errors == pytest.approx(
        [stats.sem(scores[:, a] - scores[:, b]) for a, b in pairs], rel=1e-5
    )


def test_degrees_of_two_separate_targets_are_welchs() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(0, 1, 12), rng.normal(0, 3, 30)
    design = make_design(
        [(np.arange(12), np.zeros(12, int)), (np.arange(12, 42), np.ones(30, int))]
    )

    found = measure_means(np.concatenate([one, two])[:, None], design)
    welch = stats.ttest_ind(one, two, equal_var=False)
    assert found.degrees[0] == pytest.approx(welch.df, rel=1e-9)
    assert 2 * found.errors[0] == pytest.approx(
        abs(one.mean() - two.mean()) / abs(welch.statistic), rel=1e-5
    )


def resample_error(values: Floats, targets: list[tuple[Ints, Ints]], replicates: int) -> float:
    """Return the spread of the mean over targets when clusters are drawn within their dataset."""
    rng = np.random.default_rng(2)
    clusters = np.unique(np.concatenate([own for own, _ in targets]))
    dataset_of = {int(c): int(d) for own, names in targets for c, d in zip(own, names, strict=True)}
    means = []
    for _ in range(replicates):
        counts: dict[int, int] = dict.fromkeys(map(int, clusters), 0)
        for name in set(dataset_of.values()):
            there = [c for c, d in dataset_of.items() if d == name]
            for drawn in rng.choice(there, len(there)):
                counts[int(drawn)] += 1
        start, scores = 0, []
        for own, _ in targets:
            weight = np.array([counts[int(c)] for c in own], float)
            scores.append(values[start : start + len(own)] @ weight / weight.sum())
            start += len(own)
        means.append(np.mean(scores))
    return float(np.std(means))


def test_targets_that_share_clusters_and_datasets_have_the_error_of_resampling() -> None:
    rng = np.random.default_rng(3)
    effect = rng.normal(0, 0.1, 60)
    targets = [
        (np.arange(60), np.repeat([0, 1], 30)),
        (np.arange(10, 50), np.repeat([0, 1], 20)),
    ]
    values = np.concatenate([effect[own] + rng.normal(0, 0.05, len(own)) for own, _ in targets])

    found = measure_means(values[:, None], make_design(targets))
    # Resampling spreads by √((n − 1)/n) too little; the strata have 20 to 30 clusters.
    expected = resample_error(values, targets, 3000) * np.sqrt(25 / 24)
    assert found.errors[0] == pytest.approx(expected, rel=0.05)


def test_targets_that_share_every_cluster_have_the_degrees_of_one() -> None:
    effect = np.random.default_rng(4).normal(0, 1, 15)
    targets = [(np.arange(15), np.zeros(15, int))] * 6

    found = measure_means(np.tile(effect, 6)[:, None], make_design(targets))
    assert found.degrees[0] == pytest.approx(14)
    assert found.errors[0] == pytest.approx(stats.sem(effect), rel=1e-5)


def test_one_noisy_small_target_sets_the_degrees() -> None:
    rng = np.random.default_rng(5)
    sizes = [10, *[200] * 9]
    targets, start = [], 0
    for size in sizes:
        targets.append((np.arange(start, start + size), np.zeros(size, int)))
        start += size
    values = np.concatenate([rng.normal(0, 1.0 if n == 10 else 0.1, n) for n in sizes])

    found = measure_means(values[:, None], make_design(targets))
    assert 8.5 < found.degrees[0] < 11


def test_the_order_of_units_and_other_columns_change_no_bit() -> None:
    rng = np.random.default_rng(6)
    scores = np.rint(rng.uniform(0, 1, (50, 4)) * 2**32) / 2**32
    datasets, order = rng.integers(0, 3, 50), rng.permutation(50)

    whole = measure_means(scores, make_design([(np.arange(50), datasets)]))
    shuffled = measure_means(scores[order], make_design([(order, datasets[order])]))
    alone = measure_means(scores[:, :2], make_design([(np.arange(50), datasets)]))
    assert shuffled.means.tolist() == whole.means.tolist()
    assert shuffled.errors == pytest.approx(whole.errors, rel=1e-6)
    assert alone.errors.tolist() == whole.errors[:2].tolist()
    assert alone.pair_errors[0] == whole.pair_errors[0]
    assert alone.pair_degrees[0] == whole.pair_degrees[0]


def test_some_of_the_columns_keep_every_bit() -> None:
    design = make_design([(np.arange(30) + 30 * number, np.zeros(30, int)) for number in range(40)])
    whole = measure_means(np.random.default_rng(3).random((1200, 6)), design)

    for columns in (np.arange(6), np.array([1, 4])):
        part = whole.select(columns)
        assert part.means.tolist() == whole.means[columns].tolist()
        assert part.errors.tolist() == whole.errors[columns].tolist()
        assert part.degrees.tolist() == whole.degrees[columns].tolist()


def test_equal_columns_differ_by_exactly_nothing() -> None:
    scores = np.random.default_rng(7).uniform(0, 1, (30, 1)).repeat(2, axis=1)

    assert measure_means(scores, simple(30)).pair_errors.tolist() == [0.0]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(1, 4))
def test_degrees_lie_between_one_and_clusters_minus_strata(values: list[float], sets: int) -> None:
    size = len(values)
    datasets = np.arange(size) % sets
    design = make_design([(np.arange(size), datasets)])
    if not design.has_variance:
        return
    found = measure_means(np.array(values)[:, None], design)
    assert 1.0 <= found.degrees[0] <= size - len(design.stratum_sizes) + 1e-6


def test_pairs_have_the_spread_of_their_differences() -> None:
    rng = np.random.default_rng(5)
    targets = [
        (np.arange(12), np.arange(12) % 2),
        (np.arange(8, 30), np.zeros(22, int)),
        (np.arange(30, 45), np.arange(15) // 5),
    ]
    found = measure_means(rng.beta(4, 2, (49, 4)), make_design(targets))

    apart = found.subtract(*found.pairs).spread
    for name in ("target_variances", "errors", "degrees"):
        assert getattr(found.pair_spread, name) == pytest.approx(getattr(apart, name), rel=1e-5)


def test_a_single_target_puts_all_of_the_error_into_pairs() -> None:
    found = measure_means(np.random.default_rng(6).beta(4, 2, (14, 3)), simple(14))

    apart = found.subtract(*found.pairs).spread
    assert found.pair_spread.target_variances == pytest.approx(apart.target_variances, rel=1e-4)


def test_degrees_are_one_at_least_of_a_single_cluster_too() -> None:
    errors = measure_means(np.array([[0.5, 0.6]]), simple(1))

    assert errors.degrees.tolist() == [1.0, 1.0]
    assert errors.pair_degrees.tolist() == [1.0]
    assert np.isfinite(compare_all(errors, np.zeros((1, 1), np.int16)).low).all()
