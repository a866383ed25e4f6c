"""Standard errors of means over targets, and of their differences, over clusters.

The variance of a mean of means follows from each cluster's influence on it (the linearised
cluster bootstrap without its noise): within a stratum, deviations from the stratum's mean times
√(n / (n − 1)); a cluster that stands in several targets adds up over them. Degrees of freedom
after Satterthwaite (1946) and Welch (1947).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.design import Design

_BITS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How well clusters fix some means over targets, or some differences of such means."""

    design: Design
    target_variances: Floats
    """Squared standard error in each target, shape (targets, columns)."""

    errors: Floats
    """Standard error of each mean over targets, shape (columns,)."""

    degrees: Floats
    """Degrees of freedom of each error, at least 1, shape (columns,)."""


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class MeanErrors:
    """The mean over targets of each of several columns, and how well the clusters fix it."""

    design: Design
    residuals: Floats
    """Deviation of a unit from its stratum's mean times √(n / (n − 1)), shape (units, columns)."""

    target_means: Floats
    """shape (targets, columns)."""

    def select(self, columns: Ints) -> MeanErrors:
        """Return the same of some columns, to the bit."""
        if np.array_equal(columns, np.arange(len(self.means))):
            return self  # with all that was computed once
        # `take` keeps the order in memory, and with it the order of sums.
        chosen = (table.take(columns, axis=1) for table in (self.residuals, self.target_means))
        return MeanErrors(self.design, *chosen)

    def subtract(self, first: Ints, second: Ints) -> MeanErrors:
        """Return the differences of columns, each of `first` minus that of `second`."""
        residuals, means = self.residuals, self.target_means
        return MeanErrors(
            self.design,
            residuals[:, first] - residuals[:, second],
            means[:, first] - means[:, second],
        )

    @cached_property
    def means(self) -> Floats:
        """Mean over targets, shape (columns,)."""
        means: Floats = self.target_means.mean(axis=0)
        return means

    @cached_property
    def stratum_variances(self) -> Floats:
        """Variance of a unit within each stratum, shape (strata, columns)."""
        squares = np.add.reduceat(self.residuals**2, self.design.stratum_starts, axis=0)
        variances: Floats = squares / self.design.stratum_sizes[:, None]
        return variances

    @cached_property
    def target_variances(self) -> Floats:
        """Squared standard error of each target's mean, shape (targets, columns)."""
        squares = np.add.reduceat(self.residuals**2, self.design.target_starts, axis=0)
        variances: Floats = squares / self.design.sizes[:, None] ** 2
        return variances

    @cached_property
    def influences(self) -> tuple[Floats, float]:
        """How far each cluster moves each mean, as whole numbers of a step, and the step.

        Rounded to 2⁻²⁰ of the largest weight, so that products of influences add up exactly: equal
        columns differ by exactly 0, the number of threads changes no bit, and no column depends on
        the others. Shape (clusters, columns).
        """
        design = self.design
        moved = self.residuals * design.weight[:, None]
        if design.shares_clusters:
            order = np.argsort(design.cluster, kind="stable")
            starts = np.flatnonzero(np.diff(design.cluster[order], prepend=-1))
            moved = np.add.reduceat(moved[order], starts, axis=0)
        else:
            moved = moved[np.argsort(design.cluster)]
        scale = max(1.0, float(np.abs(self.target_means).max(initial=0.0)))
        step = float(2.0 ** (np.frexp(design.weight.max() * scale)[1] - _BITS))
        return np.rint(moved / step), step

    @cached_property
    def covariance(self) -> Floats:
        """Of the means, shape (columns, columns)."""
        steps, step = self.influences
        products: Floats = (steps.T @ steps) * step**2
        return products

    @cached_property
    def errors(self) -> Floats:
        """Standard error of each mean, shape (columns,)."""
        steps, step = self.influences
        errors: Floats = np.sqrt((steps**2).sum(axis=0)) * step
        return errors

    @cached_property
    def degrees(self) -> Floats:
        """Degrees of freedom of each error, at least 1, shape (columns,)."""
        return find_degrees(self.design, self.stratum_variances)

    @property
    def spread(self) -> Spread:
        """Of the means."""
        return Spread(self.design, self.target_variances, self.errors, self.degrees)

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """First and second column of every pair, in the order (0, 1), (0, 2), …, (1, 2), …."""
        first, second = np.triu_indices(len(self.means), 1)
        return first.astype(np.int64), second.astype(np.int64)

    @cached_property
    def pair_errors(self) -> Floats:
        """Standard error of each paired difference, shape (pairs,)."""
        first, second = self.pairs
        own = np.diagonal(self.covariance)
        squares = own[first] + own[second] - 2.0 * self.covariance[first, second]
        errors: Floats = np.sqrt(np.maximum(squares, 0.0))
        return errors

    @cached_property
    def _pair_squares(self) -> Floats:
        """Sum of squared deviations of the differences in each stratum, shape (strata, pairs)."""
        first, second = self.pairs
        squares = np.empty((len(self.design.stratum_sizes), len(first)))
        bounds = [*self.design.stratum_starts, len(self.residuals)]
        for row, (start, stop) in enumerate(pairwise(bounds)):
            own = self.residuals[start:stop]
            products = own.T @ own
            each = np.diagonal(products)
            squares[row] = each[first] + each[second] - 2.0 * products[first, second]
        return np.maximum(squares, 0.0)

    @cached_property
    def pair_degrees(self) -> Floats:
        """Degrees of freedom of each pair's error, at least 1, shape (pairs,)."""
        sizes = self.design.stratum_sizes
        if len(sizes) == 1:
            return np.full(len(self.pairs[0]), float(max(sizes[0] - 1, 1)))
        return find_degrees(self.design, self._pair_squares / sizes[:, None])

    @cached_property
    def pair_spread(self) -> Spread:
        """Of the difference of every pair."""
        design = self.design
        if len(design.stratum_sizes) == 1:
            variances = self.pair_errors[None] ** 2
        else:
            strata = np.unique(design.target[design.stratum_starts], return_index=True)[1]
            squares = np.add.reduceat(self._pair_squares, strata, axis=0)
            variances = squares / design.sizes[:, None] ** 2
        return Spread(design, variances, self.pair_errors, self.pair_degrees)


def find_degrees(design: Design, variances: Floats) -> Floats:
    """Return Welch–Satterthwaite degrees of freedom of means over targets.

    A cluster of strata s contributes Σ w² σ² to the variance, w being its weight and σ² the
    stratum's variance; degrees = (Σ v)² / Σ v ṽ over clusters, where ṽ counts σ² n / (n − 1).
    With one stratum that is n − 1; with separate strata it is Welch's formula.

    Args:
        design: What the means rest on.
        variances: Of a unit within each stratum, shape (strata, columns).

    Returns:
        shape (columns,), at least 1; clusters minus strata of the largest target where nothing
        varies.
    """
    sizes = design.stratum_sizes
    if len(sizes) == 1:
        return np.full(variances.shape[1], float(max(sizes[0] - 1, 1)))
    squares, counts = design.patterns
    own = squares @ variances
    inflated = squares @ (variances * (sizes / np.maximum(sizes - 1, 1))[:, None])
    total = (counts[:, None] * own).sum(axis=0)
    spread = (counts[:, None] * own * inflated).sum(axis=0)
    still = spread <= 0.0
    degrees: Floats = total**2 / np.where(still, 1.0, spread)
    degrees[still] = float(max(len(design.key) - len(sizes), 1))
    return np.maximum(degrees, 1.0)


def measure_means(values: Floats, design: Design) -> MeanErrors:
    """Return means over targets with what their errors rest on.

    Args:
        values: Of the units in the order in which they were listed, shape (units, columns), no NaN.
        design: From `make_design`.
    """
    ordered = values[design.place]
    sizes = design.stratum_sizes.astype(np.float64)
    means = np.add.reduceat(ordered, design.stratum_starts, axis=0) / sizes[:, None]
    factor = np.sqrt(sizes / np.maximum(sizes - 1.0, 1.0))
    residuals = means[design.stratum]
    np.subtract(ordered, residuals, out=residuals)
    residuals *= factor[design.stratum][:, None]
    totals = np.add.reduceat(ordered, design.target_starts, axis=0)
    return MeanErrors(design, residuals, totals / design.sizes[:, None])
