"""Which clusters stand behind a mean over targets, and how: what every standard error rests on.

A unit is one cluster in one target. A stratum is the units of one target in one dataset; the
datasets of which a target has one cluster are taken together as one stratum, so that they have a
variance at all. A score is the mean over targets of the mean over units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cosmos_board.core.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class Design:
    """The units behind a mean over targets; arrays have one entry per unit unless said.

    Units of a stratum are neighbours, strata of a target too.
    """

    target: Ints
    """Number of the unit's target, 0, 1, …."""

    stratum: Ints
    """Number of the unit's stratum, 0, 1, …, over all targets."""

    cluster: Ints
    """Number of the unit's cluster, 0, 1, …: targets share clusters."""

    place: Ints
    """Place of each unit in the order in which the caller listed them."""

    key: Ints
    """The caller's number of each cluster, ascending, shape (clusters,)."""

    @cached_property
    def sizes(self) -> Ints:
        """Units of each target, shape (targets,)."""
        return np.bincount(self.target).astype(np.int64)

    @cached_property
    def stratum_sizes(self) -> Ints:
        """Units of each stratum, shape (strata,)."""
        return np.bincount(self.stratum).astype(np.int64)

    @cached_property
    def stratum_starts(self) -> Ints:
        """First unit of each stratum, shape (strata,)."""
        return np.flatnonzero(np.diff(self.stratum, prepend=-1)).astype(np.int64)

    @cached_property
    def target_starts(self) -> Ints:
        """First unit of each target, shape (targets,)."""
        return np.flatnonzero(np.diff(self.target, prepend=-1)).astype(np.int64)

    @cached_property
    def weight(self) -> Floats:
        """What each unit counts for in the mean: 1 / (targets · units of its target)."""
        weights: Floats = 1.0 / (len(self.sizes) * self.sizes[self.target])
        return weights

    @cached_property
    def has_variance(self) -> bool:
        """Whether every stratum has two units, so that there is a standard error."""
        return bool((self.stratum_sizes > 1).all())

    @property
    def shares_clusters(self) -> bool:
        """Whether some cluster stands in several targets."""
        return len(self.key) < len(self.cluster)

    @cached_property
    def patterns(self) -> tuple[Floats, Ints]:
        """Groups of clusters that stand in the same strata.

        Returns:
            The squared weight of a group's clusters in each stratum, 0 where they have none, shape
            (groups, strata); the number of clusters in each group, shape (groups,).
        """
        # A random number a stratum: clusters of the same strata have the same sum, others not.
        strata = len(self.stratum_sizes)
        codes = np.random.default_rng(0).integers(2**63, size=strata, dtype=np.uint64)
        order = np.argsort(self.cluster, kind="stable")
        starts = np.flatnonzero(np.diff(self.cluster[order], prepend=-1))
        sums = np.add.reduceat(codes[self.stratum[order]], starts)
        _, first, counts = np.unique(sums, return_index=True, return_counts=True)
        stops = np.append(starts[1:], len(order))
        squares = np.zeros((len(first), strata))
        weight = self.weight[self.stratum_starts] ** 2
        for row, cluster in enumerate(first):
            members = self.stratum[order[starts[cluster] : stops[cluster]]]
            squares[row, members] = weight[members]
        return squares, counts.astype(np.int64)


def make_design(targets: Sequence[tuple[Ints, Ints]]) -> Design:
    """Return the design of a mean over targets.

    Args:
        targets: Of each target the number of each unit's cluster, distinct within the target, and
            the number of its dataset, shape (units,) each.
    """
    parts = []
    start = strata = 0
    for number, (cluster, dataset) in enumerate(targets):
        stratum = _find_strata(dataset)
        order = np.argsort(stratum, kind="stable")
        parts.append(
            (
                np.full(len(cluster), number),
                stratum[order] + strata,
                cluster[order],
                order + start,
            )
        )
        start += len(cluster)
        strata += int(stratum.max()) + 1
    target, stratum, clusters, place = (
        np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)
    )
    key, cluster = np.unique(clusters, return_inverse=True)
    return Design(target, stratum, cluster.astype(np.int64), place, key)


def _find_strata(dataset: Ints) -> Ints:
    """Return each unit's stratum within its target, 0, 1, ….

    Datasets of one unit form one stratum; where there is one such dataset alone, it joins the
    smallest of the others, whose spread then includes that between the two.
    """
    names, stratum, sizes = np.unique(dataset, return_inverse=True, return_counts=True)
    new = np.arange(len(names))
    single = np.flatnonzero(sizes == 1)
    if len(single) > 1:
        new[single] = single[0]
    elif len(single) == 1 and len(names) > 1:
        others = np.delete(np.arange(len(names)), single)
        new[single] = others[np.argmin(sizes[others])]
    _, renumbered = np.unique(new, return_inverse=True)
    return renumbered[stratum].astype(np.int64)
