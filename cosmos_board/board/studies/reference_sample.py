"""Single references with their factors, and correlations within targets with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    LEAST_GROUPS,
    Effect,
    SampleCounts,
    describe_effect,
    take_sample,
)
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.correlation import (
    Cells,
    correlation_errors,
    partial_correlations,
    rank_within,
    sum_cells,
    to_normal,
)
from cosmos_board.stats.intervals import LEVEL, t_quantile
from cosmos_board.store.queries.factors import read_references


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class ReferenceSample:
    """References with all their factors, every one counting once."""

    unit: Ints
    """Index of the unit (a cluster in a target), −1 where the reference does not count, shape
    (references,)."""

    target_of_unit: Ints
    cluster_of_unit: Ints
    dataset_of_cluster: Ints
    factors: dict[str, Floats]
    """By name, shape (references,)."""

    whole: Bools
    """Whether every listed reference of its target in its dataset is here, shape (references,)."""

    datasets: tuple[str, ...]
    kept: list[Outcome] = field(default_factory=list)
    """Ranks of factors among the references that were asked for first, and among the last."""

    @cached_property
    def cluster(self) -> Ints:
        """Number of the cluster, −1 where the reference does not count, shape (references,)."""
        return np.append(self.cluster_of_unit, -1)[self.unit]

    @cached_property
    def target(self) -> Ints:
        """Number of the target, −1 where the reference does not count, shape (references,)."""
        return np.append(self.target_of_unit, -1)[self.unit]

    def rank_factors(self, members: Ints) -> Outcome:
        """Return the ranks of factors among some references, made when they are asked for.

        Outcomes of the same references, as those of one model are, share them.
        """
        for ranked in self.kept:
            if np.array_equal(ranked.members, members):
                return ranked
        ranked = Outcome(self, members, {})
        self.kept[1:] = [ranked]
        return ranked


def number_present(numbers: Ints) -> tuple[Ints, Ints]:
    """Return the numbers that occur, ascending, and where among them each entry is.

    As `numpy.unique` with its inverse, without sorting millions of references.

    Example:
        >>> [part.tolist() for part in number_present(np.array([7, 2, 7]))]
        [[2, 7], [1, 0, 1]]
    """
    occurs = np.bincount(numbers) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[numbers]


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
    owners = {name: index for index, name in enumerate(units.datasets)}
    return ReferenceSample(
        unit,
        units.target,
        units.cluster,
        np.array([owners[dataset] for dataset, _ in units.cluster_names], np.int64),
        table.factors,
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


OUTCOME = ""
"""Stands for the outcome among the names of factors."""


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class Outcome:
    """What is correlated with factors, ranked once within each target."""

    sample: ReferenceSample
    members: Ints
    """The references that have it, by index."""

    ranks: dict[str, Floats]
    """Of the outcome, and of factors as they are asked for, shape (members,) each."""

    shared: Outcome | None = None
    """The same references without an outcome: there factors are ranked."""

    sums: dict[tuple[str, ...], Floats] = field(default_factory=dict)
    """Over each unit's members, of ranks (one name) and of their products (two)."""

    @cached_property
    def unit(self) -> Ints:
        """Index of the members' units, shape (members,)."""
        return self.sample.unit[self.members]

    @cached_property
    def sizes(self) -> Ints:
        """Members of each unit, shape (units,)."""
        return np.bincount(self.unit, minlength=len(self.sample.target_of_unit))

    def rank(self, name: str) -> Floats:
        """Return the ranks of a factor, or of `OUTCOME`, within targets, shape (members,)."""
        if self.shared is not None and name != OUTCOME:
            return self.shared.rank(name)
        if name not in self.ranks:
            target = self.sample.target[self.members]
            self.ranks[name] = rank_within(self.sample.factors[name][self.members], target)
        return self.ranks[name]

    def sum_ranks(self, *names: str) -> Floats:
        """Return the sums of one name's ranks, or of two names' products, shape (units,)."""
        if self.shared is not None and OUTCOME not in names:
            return self.shared.sum_ranks(*names)
        key = tuple(sorted(names))
        if key not in self.sums:
            values = [self.rank(name) for name in key]
            product = values[0] if len(values) == 1 else values[0] * values[1]
            self.sums[key] = sum_cells(product, self.unit, len(self.sizes))
        return self.sums[key]


def rank_outcome(sample: ReferenceSample, outcome: Floats) -> Outcome:
    """Return the ranks of an outcome within targets.

    Args:
        sample: From `take_references`.
        outcome: NaN where there is none, shape (references,).
    """
    members = np.flatnonzero((sample.unit >= 0) & ~np.isnan(outcome))
    ranks = rank_within(outcome[members], sample.target[members])
    return Outcome(sample, members, {OUTCOME: ranks}, sample.rank_factors(members))


def correlate(
    sample: ReferenceSample, outcome: Outcome, factors: Sequence[str], *, general: bool = False
) -> list[Effect | None]:
    """Return Spearman's correlations within targets of `outcome` with each factor, given the rest.

    Targets in which the outcome or a factor does not vary have no part, nor has a factor that
    varies in none.

    Args:
        sample: From `take_references`.
        outcome: From `rank_outcome`.
        factors: Names.
        general: Whether the interval is for targets and datasets of these kinds, not only for new
            clusters: the widest of those over clusters, over targets and over datasets.

    Returns:
        One for each factor; None where there is no correlation. The error is that of arctanh ρ
        (see `correlation_errors`), on which scale the interval is symmetric.
    """
    names, units = _choose_targets(outcome, factors)
    if len(names) < 2 or not len(units):
        return [None] * len(factors)
    cells = Cells(
        outcome.sizes[units],
        np.stack([outcome.sum_ranks(name)[units] for name in names]),
        np.array([[outcome.sum_ranks(i, j)[units] for j in names] for i in names]),
        number_present(sample.target_of_unit[units])[1],
    )
    rho = partial_correlations(cells.whole)[:, 0]
    owner = sample.cluster_of_unit[units]
    groups = [owner]
    if general:
        groups += [sample.target_of_unit[units], sample.dataset_of_cluster[owner]]
    errors, degrees = _find_errors(cells, groups)
    counts = SampleCounts(
        targets=int(cells.group.max()) + 1,
        clusters=len(number_present(owner)[0]),
        references=int(cells.sizes.sum()),
    )
    effects = {
        name: _describe_correlation(float(value), float(error), float(degree), counts)
        for name, value, error, degree in zip(names[1:], rho, errors, degrees, strict=True)
        if not np.isnan(value)
    }
    return [effects.get(name) for name in factors]


def _choose_targets(outcome: Outcome, factors: Sequence[str]) -> tuple[list[str], Ints]:
    """Return the columns that vary in some target, and the units of targets in which all do.

    The outcome is the first column. A unit is an index.
    """
    target = outcome.sample.target_of_unit
    names = [OUTCOME, *factors]
    squares = [np.bincount(target, outcome.sum_ranks(name, name)) for name in names]
    varies: Bools = np.minimum(np.stack(squares), squares[0]) > 0
    used = np.flatnonzero(varies.any(axis=1))
    units = np.flatnonzero(np.logical_and.reduce(varies[used])[target] & (outcome.sizes > 0))
    return [names[index] for index in used], units


def _find_errors(cells: Cells, groups: Sequence[Ints]) -> tuple[Floats, Floats]:
    """Return errors and degrees of freedom: of the groups that give the widest interval.

    The first groups are the clusters; of others there must be three.
    """
    errors, degrees = [], []
    for number, group in enumerate(groups):
        present, left = number_present(group)
        if len(present) >= (LEAST_GROUPS if number else 2):
            errors.append(correlation_errors(partial_correlations(cells.leave_out(left))))
            degrees.append(len(present) - 1.0)
    if not errors:
        columns = len(cells.sums) - 1
        return np.full(columns, np.nan), np.zeros(columns)
    found = np.stack(errors)
    # Where one of them is NaN, it is taken: then there is no error.
    widest = (found * t_quantile(LEVEL, degrees)[:, None]).argmax(axis=0)
    return found[widest, np.arange(found.shape[1])], np.array(degrees)[widest]


def _describe_correlation(
    value: float, error: float, degrees: float, counts: SampleCounts
) -> Effect:
    known = None if np.isnan(error) else error
    normal = describe_effect(float(to_normal(value)), known, degrees, counts)
    if normal.low is None or normal.high is None:
        return replace(normal, value=value)
    low, high = float(np.tanh(normal.low)), float(np.tanh(normal.high))
    return replace(normal, value=value, low=min(low, value), high=max(high, value))
