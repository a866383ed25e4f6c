"""The cluster bootstrap: the same draws for everybody, whatever the order."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.stats.bootstrap import RATIO_STEP, draw_counts, sum_replicates, to_steps

IDS = st.lists(
    st.text("abcdef0123456789", min_size=1, max_size=6), min_size=1, max_size=30, unique=True
)


@given(clusters=IDS, order=st.randoms(use_true_random=False))
def test_draws_belong_to_clusters_and_not_to_their_order(
    clusters: list[str], order: Random
) -> None:
    shuffled = [*clusters]
    order.shuffle(shuffled)

    first = dict(zip(clusters, draw_counts(clusters, dataset="d", replicates=7), strict=True))
    second = dict(zip(shuffled, draw_counts(shuffled, dataset="d", replicates=7), strict=True))

    assert all(np.array_equal(first[name], second[name]) for name in clusters)


@given(clusters=IDS)
def test_every_replicate_draws_as_many_clusters_as_there_are(clusters: list[str]) -> None:
    counts = draw_counts(clusters, dataset="d", replicates=5)

    assert (counts.sum(axis=0) == len(clusters)).all()


def test_draws_are_frozen() -> None:
    """Published intervals rest on these words; a change is a new protocol."""
    counts = draw_counts(["a", "b", "c", "d"], dataset="liver", replicates=6)

    assert counts.tolist() == [
        [2, 1, 2, 2, 2, 0],
        [1, 1, 1, 1, 0, 1],
        [1, 1, 0, 0, 1, 2],
        [0, 1, 1, 1, 1, 1],
    ]


def test_draws_are_uniform() -> None:
    counts = draw_counts([str(index) for index in range(20)], dataset="d", replicates=20_000)

    assert np.abs(counts.mean(axis=1) - 1.0).max() < 4 * np.sqrt(0.95 / 20_000)
    assert abs(counts.astype(float).var() - 0.95) < 0.01


def test_two_datasets_are_drawn_independently() -> None:
    names = [str(index) for index in range(50)]

    one, two = (draw_counts(names, dataset=name).astype(float) for name in ("a", "b"))

    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.02


def test_sums_are_exact_in_any_order() -> None:
    rng = np.random.default_rng(0)
    values = to_steps(rng.random((9_000, 3)), RATIO_STEP)
    counts = rng.integers(0, 8, (9_000, 4)).astype(np.uint8)
    order = rng.permutation(9_000)

    found = sum_replicates(values, counts)

    assert np.array_equal(found, sum_replicates(values[order], counts[order]))
    for column, replicate in np.ndindex(3, 4):
        pairs = zip(values[:, column].tolist(), counts[:, replicate].tolist(), strict=True)
        assert int(found[column, replicate]) == sum(int(value) * count for value, count in pairs)
