from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.finetune_cv import fold_splits
from cosmos_board.core.errors import InputError
from cosmos_board.training.finetune.data import Split, split_clusters

law = settings(max_examples=50, deadline=None, derandomize=True)
many = st.sets(st.text("abcdef0123456789", min_size=1, max_size=6), min_size=5, max_size=40)


@law
@given(clusters=many, seed=st.integers(0, 5))
def test_no_cluster_stands_on_two_sides_and_none_is_lost(clusters: set[str], seed: int) -> None:
    split = split_clusters(clusters, seed=seed)

    assert split.train | split.validation | split.test == clusters
    assert len(split.train) + len(split.validation) + len(split.test) == len(clusters)
    assert min(len(split.train), len(split.validation), len(split.test)) >= 1


@law
@given(clusters=many)
def test_the_order_of_clusters_does_not_matter(clusters: set[str]) -> None:
    assert split_clusters(sorted(clusters)) == split_clusters(sorted(clusters, reverse=True))


@law
@given(clusters=many)
def test_folds_test_every_cluster_exactly_once(clusters: set[str]) -> None:
    splits = fold_splits(clusters, 5)

    tested = [cluster for split in splits for cluster in split.test]
    assert sorted(tested) == sorted(clusters)
    for split in splits:
        assert split.train | split.validation | split.test == clusters


def test_a_cluster_on_two_sides_is_refused() -> None:
    with pytest.raises(InputError, match=r"split: clusters: stand on two sides \(got a\)"):
        Split(frozenset("ab"), frozenset("ac"), frozenset("d"))


@law
@given(clusters=many, seed=st.integers(0, 5))
def test_what_a_model_has_seen_trains_again_and_never_validates(
    clusters: set[str], seed: int
) -> None:
    before = split_clusters(clusters, seed=seed)
    seen = before.train | before.validation
    if len(clusters - seen) < 3:
        with pytest.raises(InputError, match="that the model has not seen are too few to split"):
            split_clusters(clusters, seed=seed + 1, seen=seen)
        return

    split = split_clusters(clusters, seed=seed + 1, seen=seen)

    assert not (split.test | split.validation) & seen
    assert split.train | split.validation | split.test == clusters


def test_two_clusters_are_too_few() -> None:
    with pytest.raises(InputError, match="too few to split"):
        split_clusters(["a", "b", "a"])
