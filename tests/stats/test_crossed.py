"""Means over clusters and readers: intervals that hold for other readers and other clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.crossed import LEAST_READERS, add_parts, measure_crossed

LAW = 0.93
SPREADS = {  # of readers, of clusters, of what is left
    "noise alone": (0.0, 0.0, 1.0),
    "readers": (1.0, 0.0, 1.0),
    "clusters": (0.0, 1.0, 1.0),
    "both": (0.5, 1.0, 1.0),
    "both, little noise": (1.0, 1.0, 0.3),
}


def draw_pairs(
    rng: np.random.Generator,
    readers: int,
    clusters: int,
    spreads: tuple[float, float, float],
    *,
    samples: int,
    whole: bool = False,
) -> tuple[Floats, Ints, Ints]:
    """Return gains of mean 0, shape (pairs, samples), with their readers and clusters.

    Unless `whole`, clusters hold one to three images, and readers read 40 to 100 % of them.
    """
    images = np.ones(clusters, int) if whole else rng.integers(1, 4, clusters)
    of_image = np.repeat(np.arange(clusters), images)
    shares = np.ones(readers) if whole else rng.uniform(0.4, 1.0, readers)
    reads = rng.random((readers, len(of_image))) < shares[:, None]
    reads[:, 0] = True
    reads[rng.integers(0, readers, len(of_image)), np.arange(len(of_image))] = True
    reader, image = np.nonzero(reads)
    cluster = of_image[image]
    of_readers, of_clusters, left = spreads
    gains = of_readers * rng.normal(size=(readers, samples))[reader]
    gains += of_clusters * rng.normal(size=(clusters, samples))[cluster]
    gains += left * rng.normal(size=(len(reader), samples))
    return gains, reader.astype(np.int64), cluster.astype(np.int64)


@pytest.mark.parametrize("spreads", SPREADS.values(), ids=SPREADS.keys())
@pytest.mark.parametrize("readers", [3, 5, 10])
@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize(
    "layouts", [pytest.param(2, id="sample"), pytest.param(12, marks=pytest.mark.slow, id="full")]
)
def test_intervals_hold_for_other_readers_and_other_clusters(
    readers: int, clusters: int, spreads: tuple[float, float, float], layouts: int
) -> None:
    """Every layout is drawn anew; the law is refused where 99.9 % of samples would keep it."""
    rng = np.random.default_rng([readers, clusters, layouts])
    covered = samples = 0
    for _ in range(layouts):
        gains, reader, cluster = draw_pairs(rng, readers, clusters, spreads, samples=200)
        crossed = measure_crossed(gains, reader, cluster, np.zeros(clusters, np.int64))
        half = stats.t.ppf(0.975, crossed.degrees) * crossed.errors
        covered += int(np.count_nonzero(np.abs(crossed.means) <= half))
        samples += gains.shape[1]

    assert covered >= stats.binom.ppf(0.001, samples, LAW)


def test_equal_readers_and_clusters_give_the_two_way_table_of_means() -> None:
    """With every reader on every cluster both parts are variances of the table's margins."""
    gains, reader, cluster = draw_pairs(
        np.random.default_rng(4), 4, 15, (1.0, 0.5, 0.7), samples=1, whole=True
    )
    table = np.zeros((4, 15))
    table[reader, cluster] = gains[:, 0]

    crossed = measure_crossed(gains, reader, cluster, np.zeros(15, np.int64))
    of_readers, of_clusters = (stats.sem(table.mean(axis=axis)) for axis in (1, 0))
    assert crossed.means[0] == pytest.approx(table.mean())
    assert crossed.errors[0] == pytest.approx(np.hypot(of_readers, of_clusters))
    half = np.hypot(stats.t.ppf(0.975, 3) * of_readers, stats.t.ppf(0.975, 14) * of_clusters)
    assert stats.t.ppf(0.975, crossed.degrees[0]) * crossed.errors[0] == pytest.approx(half)


def test_readers_of_other_numbers_of_images_are_left_out_one_by_one() -> None:
    gains, reader, cluster = draw_pairs(np.random.default_rng(5), 5, 12, (1, 1, 1), samples=1)

    def average(kept: list[int]) -> tuple[float, float]:
        means = [
            np.mean([gains[p, 0] for p in kept if cluster[p] == number])
            for number in sorted({cluster[p] for p in kept})
        ]
        return float(np.mean(means)), float(stats.sem(means))

    pairs = list(range(len(gains)))
    mean, of_clusters = average(pairs)
    without = [average([p for p in pairs if reader[p] != one])[0] for one in range(5)]
    of_readers = np.sqrt(4 * np.var(without))
    crossed = measure_crossed(gains, reader, cluster, np.zeros(12, np.int64))
    assert crossed.means[0] == pytest.approx(mean)
    assert crossed.errors[0] == pytest.approx(np.hypot(of_readers, of_clusters))


def test_two_readers_are_no_sample_of_readers() -> None:
    gains, reader, cluster = draw_pairs(np.random.default_rng(6), 2, 20, (9, 1, 1), samples=3)

    crossed = measure_crossed(gains, reader, cluster, np.zeros(20, np.int64))
    assert not crossed.other_readers
    assert crossed.degrees.tolist() == [19.0] * 3
    assert LEAST_READERS == 3


@given(
    st.floats(0.01, 10), st.floats(0.01, 10), st.integers(9, 200), st.integers(2, 30), st.booleans()
)
def test_a_part_that_varies_never_makes_an_interval_narrower(
    one: float, other: float, degrees: int, other_degrees: int, swap: bool
) -> None:
    if swap:
        degrees, other_degrees = other_degrees, degrees
    error, found = add_parts(
        np.array([one]), np.array([float(degrees)]), np.array([other]), float(other_degrees)
    )
    halves = [
        stats.t.ppf(0.975, df) * size for df, size in ((degrees, one), (other_degrees, other))
    ]

    assert found[0] * (1 + 1e-9) >= min(degrees, other_degrees)
    assert found[0] * (1 - 1e-9) <= max(degrees, other_degrees)
    assert stats.t.ppf(0.975, found[0]) * error[0] >= max(halves) * (1 - 1e-9)
