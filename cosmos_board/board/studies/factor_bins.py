"""Means over tenths of the references along a factor, with their errors over clusters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from cosmos_board.board.studies.effects import RATIO, Effect, SampleCounts, describe_effect
from cosmos_board.board.studies.reference_sample import ReferenceSample, number_present
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.bootstrap import to_steps
from cosmos_board.stats.design import make_design
from cosmos_board.stats.failures import ratio_interval
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.stats.variance import measure_means

_STEP = 2.0**-29
"""Sums over a cluster's references are rounded to this: 2²⁴ references stay exact."""

_BINS = 10


def average_bins(
    sample: ReferenceSample, values: Floats, factor: str, closed: Collection[str] = ()
) -> list[tuple[float, float, Effect]]:
    """Return (least, greatest factor, mean value) of each tenth of the references.

    Args:
        sample: From `take_references`.
        values: Ratios in [0, 1], NaN where there is none, shape (references,).
        factor: Along which factor.
        closed: Datasets whose targets have part only where each tenth holds none or at least
            ten of the target's clusters: a tenth can be subtracted from the target's mean.
    """
    usable = (sample.unit >= 0) & ~np.isnan(values)
    restricted = np.isin(sample.datasets, list(closed))[sample.dataset_of_cluster[sample.cluster]]
    usable &= sample.whole | ~restricted
    while True:
        rows = np.flatnonzero(usable)
        if not len(rows):
            return []
        along = sample.factors[factor][rows]
        edges = np.unique(np.quantile(along, np.linspace(0, 1, _BINS + 1)[1:-1]))
        place = np.searchsorted(edges, along, side="left")
        thin = _thin_targets(sample, rows, place, restricted)
        if not thin.any():
            break
        usable[rows[thin]] = False
    bins = []
    for number in np.unique(place):
        members = rows[place == number]
        inside = sample.factors[factor][members]
        effect = _average(sample, values, members)
        bins.append((float(inside.min()), float(inside.max()), effect))
    return bins


def _thin_targets(sample: ReferenceSample, rows: Ints, place: Ints, restricted: Bools) -> Bools:
    """Return which `rows` are of a restricted target with few clusters in some tenth."""
    if not restricted[rows].any():
        return np.zeros(len(rows), bool)
    cluster = sample.cluster[rows]
    strata = sample.target[rows] * len(sample.datasets) + sample.dataset_of_cluster[cluster]
    mine = restricted[rows]
    held = np.unique(np.column_stack([strata, place, cluster])[mine], axis=0)
    cells, clusters = np.unique(held[:, :2], axis=0, return_counts=True)
    thin: Bools = mine & np.isin(strata, cells[clusters < MINIMUM_CLUSTERS, 0])
    return thin


def _average(sample: ReferenceSample, values: Floats, members: Ints) -> Effect:
    """Return the mean over references, a ratio of two sums over clusters.

    The error of a ratio is that of the mean of y − ratio · n over clusters (Cochran 1977,
    6.19), y and n being a cluster's sum and number of references.
    """
    present, place = number_present(sample.cluster[members])
    totals = np.bincount(place, values[members], len(present)).astype(np.float64)
    totals = to_steps(totals, _STEP) * _STEP
    sizes = np.bincount(place, minlength=len(present))
    ratio = float(totals.sum() / len(members))
    moved = (totals - ratio * sizes) * (len(present) / len(members))
    design = make_design([(present, sample.dataset_of_cluster[present])])
    errors = measure_means(ratio + moved[:, None], design)
    counts = SampleCounts(
        targets=int(np.count_nonzero(np.bincount(sample.target[members]))),
        clusters=len(present),
        references=len(members),
    )
    error = float(errors.errors[0]) if design.has_variance else None
    effect = describe_effect(ratio, error, float(errors.degrees[0]), counts, RATIO)
    if effect.low is None or effect.high is None:
        return effect
    low, high = (float(end[0]) for end in ratio_interval(errors))
    return replace(effect, low=min(low, effect.low), high=max(high, effect.high))
