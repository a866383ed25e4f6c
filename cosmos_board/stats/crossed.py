"""Means over clusters that several readers measured: intervals for other readers and clusters.

Readers and clusters cross: every reader adds an error to all of his or her measurements, every
cluster to all measurements of it. The mean has therefore a part that readers vary and one that
clusters vary. Each part's half interval has its own t quantile, and the halves add up in squares
(Zou and Donner 2008). What belongs to neither is counted in both, which only widens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.design import make_design
from cosmos_board.stats.intervals import LEVEL, jackknife_errors, t_quantile
from cosmos_board.stats.variance import measure_means

LEAST_READERS = 3
"""Readers from which there is an interval for other readers."""

_HALVINGS = 40


@dataclass(frozen=True, slots=True, eq=False)
class CrossedMeans:
    """Means over clusters of the mean over a cluster's pairs; shape (columns,) each."""

    means: Floats
    errors: Floats
    """Standard errors."""

    degrees: Floats
    """Degrees of freedom that give the 95 % interval; at least 1."""

    other_readers: bool
    """Whether errors are for other readers too; else they are for these."""


def measure_crossed(values: Floats, reader: Ints, cluster: Ints, dataset: Ints) -> CrossedMeans:
    """Return means of pairs of reader and image with their errors.

    The part of clusters is the standard error of cluster means within datasets; the part of
    readers is the jackknife over readers, with readers − 1 degrees of freedom.

    Args:
        values: Of each pair, shape (pairs, columns).
        reader: Number of each pair's reader, shape (pairs,).
        cluster: Number of each pair's cluster, 0, 1, …, shape (pairs,).
        dataset: Number of each cluster's dataset, shape (clusters,); at least two clusters.
    """
    order = np.argsort(cluster, kind="stable")
    values, reader, cluster = values[order], reader[order], cluster[order]
    design = make_design([(np.arange(len(dataset)), dataset)])
    of_clusters = measure_means(_average(values, cluster), design)
    means, errors, degrees = of_clusters.means, of_clusters.errors, of_clusters.degrees
    readers = np.unique(reader)
    if len(readers) < LEAST_READERS:
        return CrossedMeans(means, errors, degrees, False)
    without = np.stack(
        [_average(values[reader != one], cluster[reader != one]).mean(axis=0) for one in readers]
    )
    errors, degrees = add_parts(errors, degrees, jackknife_errors(without), len(readers) - 1.0)
    return CrossedMeans(means, errors, degrees, True)


def _average(values: Floats, cluster: Ints) -> Floats:
    """Return the mean of each cluster that has pairs; `cluster` ascends."""
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    sizes = np.diff(starts, append=len(cluster))
    means: Floats = np.add.reduceat(values, starts, axis=0) / sizes[:, None]
    return means


def add_parts(
    errors: Floats, degrees: Floats, others: Floats, other_degrees: float
) -> tuple[Floats, Floats]:
    """Return the error of a sum of two independent parts, and degrees of freedom for it.

    The degrees are those whose 95 % interval is √((t₁ e₁)² + (t₂ e₂)²) to either side.

    Args:
        errors: Standard errors of one part, shape (columns,).
        degrees: Their degrees of freedom, shape (columns,).
        others: Of the other part, shape (columns,).
        other_degrees: Its degrees of freedom.

    Example:
        >>> error, degrees = add_parts(np.ones(1), np.full(1, 9.0), np.ones(1), 2.0)
        >>> round(float(error[0]), 4), round(float(degrees[0]), 2)
        (1.4142, 2.65)
    """
    total = np.hypot(errors, others)
    halves = np.hypot(
        t_quantile(LEVEL, degrees) * errors, t_quantile(LEVEL, other_degrees) * others
    )
    quantiles = np.divide(halves, total, out=np.full_like(total, np.inf), where=total > 0)
    least = np.minimum(degrees, other_degrees)
    return total, _find_degrees(quantiles, least, np.maximum(degrees, other_degrees))


def _find_degrees(quantiles: Floats, least: Floats, most: Floats) -> Floats:
    """Return the degrees of freedom between two at which t has a quantile, by halving 1/degrees."""
    low, high = 1.0 / most, 1.0 / least
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        above = t_quantile(LEVEL, 1.0 / middle) > quantiles
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    degrees: Floats = 1.0 / high
    return degrees
