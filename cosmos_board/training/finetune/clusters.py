"""Which clusters are learnt from, which choose, which are tested: never the same one twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cosmos_board.core.errors import InputError

TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.2


@dataclass(frozen=True, slots=True)
class Split:
    """Three sets of clusters without a common member."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]

    def __post_init__(self) -> None:
        for first, second in (
            (self.train, self.validation),
            (self.train, self.test),
            (self.validation, self.test),
        ):
            if both := first & second:
                raise InputError("split", "clusters", "stand on two sides", got=sorted(both)[0])


def shuffle_clusters(clusters: Iterable[str], seed: int) -> list[str]:
    """Return the distinct clusters in an order that depends on their ids and `seed` alone."""

    def key(cluster: str) -> bytes:
        return hashlib.blake2b(f"{seed}\x1f{cluster}".encode()).digest()

    return sorted(set(clusters), key=key)


def split_clusters(clusters: Iterable[str], *, seed: int = 0, seen: Iterable[str] = ()) -> Split:
    """Return about 60 % of the clusters for training, 20 % for validation, 20 % for the test.

    Args:
        clusters: Cluster ids, repeated as they like.
        seed: Names the split.
        seen: Clusters that the model has learnt from before: they train again and never judge.

    Raises:
        InputError: If there are fewer than three clusters that the model has not seen.

    Example:
        >>> split = split_clusters("abcdefghij")
        >>> len(split.train), len(split.validation), len(split.test)
        (6, 2, 2)
    """
    known, old = set(clusters), set(seen)
    order = shuffle_clusters(known - old, seed)
    if len(order) < 3:
        what = "that the model has not seen are" if known & old else "are"
        raise InputError(
            "pack", "clusters", f"{what} too few to split", got=len(order), want="3 or more"
        )
    test = max(1, round(len(order) * (1 - TRAIN_SHARE - VALIDATION_SHARE)))
    validation = max(1, round(len(order) * VALIDATION_SHARE))
    return Split(
        train=frozenset(order[test + validation :]) | (known & old),
        validation=frozenset(order[test : test + validation]),
        test=frozenset(order[:test]),
    )


def fold_splits(clusters: Iterable[str], folds: int, *, seed: int = 0) -> Sequence[Split]:
    """Return one split per fold, so that every cluster is tested exactly once.

    Within a fold one in five of the other clusters (at least one) validates.

    Raises:
        InputError: If there are fewer clusters than folds, or fewer than three.
    """
    order = shuffle_clusters(clusters, seed)
    if len(order) < max(3, folds):
        raise InputError(
            "pack", "clusters", "are too few to cross-validate", got=len(order), want=max(3, folds)
        )
    splits = []
    for fold in range(folds):
        test = order[fold::folds]
        others = [cluster for cluster in order if cluster not in set(test)]
        kept = max(1, round(len(others) * VALIDATION_SHARE))
        start = (fold * kept) % len(others)
        turned = others[start:] + others[:start]
        splits.append(Split(frozenset(turned[kept:]), frozenset(turned[:kept]), frozenset(test)))
    return splits
