"""Single references with their factors, whose clusters the bootstrap reweights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    SampleCounts,
    measure_pooled,
    take_sample,
)
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.bootstrap import Draws, sum_replicates, to_steps
from cosmos_board.stats.correlation import (
    centred_ranks,
    correlations,
    cross_products,
    partial_from_correlations,
)
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.factors import read_references

SUM_STEP = 2.0**-29
"""Sums over a cluster's references are rounded to this: 2²⁴ references stay exact."""

BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceSample:
    """References with all their factors, every one counting once."""

    cluster: Ints
    """Number of the cluster, −1 where the reference does not count, shape (references,)."""

    target: Ints
    """Number of the target, shape (references,)."""

    dataset_of_cluster: Ints
    factors: Mapping[str, Floats]
    """By name, shape (references,); read when asked for."""

    draws: Draws
    whole: Bools
    """Whether every listed reference of its target in its dataset is here, shape (references,)."""

    datasets: tuple[str, ...]
    ranks: dict[str, Floats] = field(default_factory=dict)
    """Ranks of factors over all references that count, kept between outcomes."""

    def rank_factors(self, names: Sequence[str], members: Ints) -> list[Floats]:
        """Return the ranks of some factors among `members`, each of shape (members,)."""
        if len(members) < np.count_nonzero(self.cluster >= 0):
            return [centred_ranks(self.factors[name][members]) for name in names]
        for name in names:
            if name not in self.ranks:
                self.ranks[name] = centred_ranks(self.factors[name][members])
        return [self.ranks[name] for name in names]

    def average_bins(
        self,
        values: Floats,
        factor: str,
        bounds: tuple[float, float],
        closed: Collection[str] = (),
    ) -> list[tuple[float, float, Effect]]:
        """Return (least, greatest factor, mean value) of each tenth of the references.

        Args:
            values: What is averaged, NaN where there is none, shape (references,).
            factor: Along which factor.
            bounds: Least and greatest value that a mean can take.
            closed: Datasets whose targets have part only where each tenth holds none or at least
                ten of the target's clusters: a tenth can be subtracted from the target's mean.
        """
        usable = (self.cluster >= 0) & ~np.isnan(values)
        restricted = np.isin(self.datasets, list(closed))[self.dataset_of_cluster[self.cluster]]
        usable &= self.whole | ~restricted
        while True:
            rows = np.flatnonzero(usable)
            if not len(rows):
                return []
            along = self.factors[factor][rows]
            edges = np.unique(np.quantile(along, np.linspace(0, 1, BINS + 1)[1:-1]))
            place = np.searchsorted(edges, along, side="left")
            thin = self._thin_targets(rows, place, restricted)
            if not thin.any():
                break
            usable[rows[thin]] = False
        bins = []
        for number in np.unique(place):
            members = rows[place == number]
            inside = self.factors[factor][members]
            effect = self._average(values, members, bounds)
            bins.append((float(inside.min()), float(inside.max()), effect))
        return bins

    def _thin_targets(self, rows: Ints, place: Ints, restricted: Bools) -> Bools:
        """Return which `rows` are of a restricted target with few clusters in some tenth."""
        if not restricted[rows].any():
            return np.zeros(len(rows), bool)
        cluster = self.cluster[rows]
        strata = self.target[rows] * len(self.datasets) + self.dataset_of_cluster[cluster]
        mine = restricted[rows]
        held = np.unique(np.column_stack([strata, place, cluster])[mine], axis=0)
        cells, clusters = np.unique(held[:, :2], axis=0, return_counts=True)
        thin: Bools = mine & np.isin(strata, cells[clusters < MINIMUM_CLUSTERS, 0])
        return thin

    def _average(self, values: Floats, members: Ints, bounds: tuple[float, float]) -> Effect:
        present, place = number_present(self.cluster[members])
        totals = np.bincount(place, values[members], len(present)).astype(np.float64)
        sums = to_steps(totals, SUM_STEP)
        sizes = np.bincount(place, minlength=len(present)).astype(np.float64)
        drawn = sum_replicates(np.column_stack([sums, sizes]), self.draws[present])
        value = float(sums.sum() / sizes.sum() * SUM_STEP)
        with np.errstate(invalid="ignore"):
            replicates = np.where(drawn[1] > 0, drawn[0] / drawn[1] * SUM_STEP, value)
        return self.describe(value, replicates, members, bounds)

    def describe(
        self, value: float, replicates: Floats, members: Ints, bounds: tuple[float, float]
    ) -> Effect:
        """Return a value over some references with the interval that its replicates give."""
        clusters = np.flatnonzero(np.bincount(self.cluster[members]))
        support = SampleCounts(
            targets=int(np.count_nonzero(np.bincount(self.target[members]))),
            clusters=len(clusters),
            references=len(members),
            degrees=len(clusters) - len(np.unique(self.dataset_of_cluster[clusters])),
        )
        return measure_pooled(value, replicates, support, bounds)


def number_present(cluster: Ints) -> tuple[Ints, Ints]:
    """Return the numbers that occur, ascending, and where among them each entry is.

    As `numpy.unique` with its inverse, without sorting millions of references.

    Example:
        >>> [part.tolist() for part in number_present(np.array([7, 2, 7]))]
        [[2, 7], [1, 0, 1]]
    """
    occurs = np.bincount(cluster) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[cluster]


def take_references(cube: Cube) -> ReferenceSample:
    """Return the references of full runs that have all their factors.

    Synthetic data is left out where there is real data.
    """
    sample = take_sample(cube)
    units = sample.units
    table = read_references(cube.connection)
    place = np.full(max(int(units.number.max(initial=-1)), int(table.unit.max(initial=-1))) + 1, -1)
    place[units.number[sample.counted]] = np.flatnonzero(sample.counted)
    unit = place[table.unit]
    known = unit >= 0
    cluster, target = (
        np.where(known, numbers[unit], -1) if len(units) else unit
        for numbers in (units.cluster, units.target)
    )
    owners = {name: index for index, name in enumerate(units.datasets)}
    return ReferenceSample(
        cluster,
        target,
        np.array([owners[dataset] for dataset, _ in units.cluster_names], np.int64),
        table.factors,
        sample.draws,
        _find_whole(units, unit),
        units.datasets,
    )


def _find_whole(units: Units, unit: Ints) -> Bools:
    """Return whether no reference of its target in its dataset is missing, shape (references,)."""
    if not len(units):
        return np.zeros(len(unit), bool)
    stratum = units.target * len(units.datasets) + units.dataset
    there = np.bincount(stratum, units.references)
    known = np.bincount(stratum[unit[unit >= 0]], minlength=len(there))
    whole: Bools = (known == there)[stratum[unit]] & (unit >= 0)
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What is correlated with factors, ranked once."""

    members: Ints
    """The references that have it, by index."""

    ranks: Floats
    """Its ranks among them, shape (members,)."""


def rank_outcome(sample: ReferenceSample, outcome: Floats) -> Outcome:
    """Return the ranks of an outcome, shape (references,), NaN where there is none."""
    members = np.flatnonzero((sample.cluster >= 0) & ~np.isnan(outcome))
    return Outcome(members, centred_ranks(outcome[members]))


def correlate_replicates(
    sample: ReferenceSample, outcome: Outcome, factors: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return Spearman's correlations of `outcome` with each factor, given the others.

    Ranks are taken once over all references; replicates reweight each cluster's sums of their
    products.

    Returns:
        The correlations, shape (factors,), NaN where the outcome or the factor does not vary;
        the same in every replicate, shape (factors, replicates).
    """
    members = outcome.members
    if len(members) < 3:
        nothing = np.full((len(factors), sample.draws.shape[1]), np.nan)
        return nothing[:, 0], nothing
    ranks = [outcome.ranks, *sample.rank_factors(factors, members)]
    present, place = number_present(sample.cluster[members])
    sums = to_steps(cross_products(ranks, place, len(present)), SUM_STEP)
    whole = partial_from_correlations(correlations(sums.sum(axis=0, keepdims=True) * SUM_STEP))
    drawn = sum_replicates(sums, sample.draws[present]).T * SUM_STEP
    return whole[0], partial_from_correlations(correlations(drawn)).T


def correlate(
    sample: ReferenceSample, outcome: Outcome, factors: Sequence[str]
) -> list[Effect | None]:
    """Return the correlations with their intervals, None where there is none."""
    rho, replicates = correlate_replicates(sample, outcome, factors)
    return [
        None
        if np.isnan(value)
        else sample.describe(float(value), replicates[index], outcome.members, (-1.0, 1.0))
        for index, value in enumerate(rho)
    ]
