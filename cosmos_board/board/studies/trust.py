"""Whether the score that a model gives its own masks can be believed, and what that saves.

Everything is measured on the candidates that the model chose itself, predicted IoU against true
IoU. A mask fails where its Dice is below 0.5. Every target weighs the same, and so does every
cluster of a target, as on the boards; targets under 10 clusters have no part.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.calibration import measure_transfer
from cosmos_board.board.studies.effects import DIFFERENCE, Effect, Sample, take_sample
from cosmos_board.board.types import Share
from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS, effective_clusters, share_interval
from cosmos_board.stats.own_score_intervals import (
    Estimate,
    bound_area,
    bound_auroc,
    bound_bins,
    bound_gaps,
    bound_mean,
    bound_review,
    bound_risk,
)
from cosmos_board.stats.own_scores import (
    ScoredMasks,
    measure_auroc,
    measure_bias,
    measure_gaps,
    measure_review,
    measure_risk_area,
)
from cosmos_board.store.queries.connection import Columns
from cosmos_board.store.queries.scores import STEP
from cosmos_board.store.queries.studies import read_own_scores

CATCH = 0.95
"""Share of failures that a review is to meet."""

COVERAGES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 11))

_LEVEL = 1e-3
"""Predicted IoU is rounded to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """A tenth of the masks by their predicted IoU."""

    score: float
    """Mean predicted IoU."""

    iou: Effect
    """Mean true IoU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPoint:
    """The masks with the highest predicted IoU."""

    coverage: float
    """Which share of all masks they are."""

    risk: Effect
    """Their mean of 1 − Dice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRow:
    """What one model's own score is worth with one prompt."""

    model: str
    prompt: str
    gives: bool
    """Whether the model gives a score at all; where not, nothing else is known."""

    bias: Effect | None = None
    """Mean predicted IoU minus true IoU."""

    calibration: Effect | None = None
    """Mean over tenths of |predicted − true IoU|."""

    auroc: Effect | None = None
    """Chance that a failed mask has the lower score; None where all or none failed."""

    risk: Effect | None = None
    """Mean of 1 − Dice of all masks."""

    risk_area: Effect | None = None
    """Area under the risk–coverage curve; that of a useless score is `risk`."""

    failed: Share | None = None
    """Share of masks that failed; None where no target has 10 clusters."""

    review: Effect | None = None
    """Share of masks to review, lowest scores first, to meet 95 % of those that failed."""

    transfer: Effect | None = None
    """Squared error of the score minus that of a score calibrated on the other datasets; positive
    where calibration carries over. None with a single dataset."""

    curve: tuple[ReliabilityBin, ...] = ()
    risk_curve: tuple[RiskPoint, ...] = ()


def study_trust(cube: Cube, *, closed: Collection[str] = ()) -> tuple[TrustRow, ...]:
    """Return every model and prompt of full runs, everything mode apart, by prompt and model.

    Rows that rest on `closed` datasets have no curves: a part of one could be that of few patients.
    """
    sample = take_sample(cube)
    return tuple(
        _describe(sample, model, prompt, cells, closed)
        for model, prompt, cells in read_own_scores(cube.connection)
        if model in cube.models and not _is_uncounted(sample, cells)
    )


def _measure_failed(own: OwnScores) -> Share:
    share = float(own.masks.unit_failed @ own.masks.weight)
    low, high = share_interval(share, effective_clusters(own.design))
    return Share(share, float(low), float(high))


def _is_uncounted(sample: Sample, cells: Columns) -> bool:
    """Return whether there are scores, but none on images that count."""
    return bool(len(cells["unit"])) and not len(_take_cells(sample, cells)["unit"])


def _take_cells(sample: Sample, cells: Columns) -> Columns:
    """Return the cells of units that count, with `place`: the unit among those of the sample."""
    units = sample.units
    place = np.searchsorted(units.number, cells["unit"])
    known = place < len(units)
    known[known] &= units.number[place[known]] == cells["unit"][known]
    known[known] &= sample.counted[place[known]]
    found = {name: column[known] for name, column in cells.items()}
    return {**found, "place": place[known]}


@dataclass(frozen=True, slots=True, eq=False)
class OwnScores:
    """One model's scores of its masks, and the units behind them in the order of a design."""

    masks: ScoredMasks
    design: Design
    dataset: Ints
    """Number of each unit's dataset, shape (units,)."""

    targets: int
    references: int
    left_out: int
    """Targets under 10 clusters, which have no part."""

    wide: bool
    """Whether targets have 10 clusters, so that there are intervals."""

    def describe(self, estimate: Estimate) -> Effect:
        """Return an estimate with what it rests on; no interval where targets are thin."""
        shown = self.wide and self.design.has_variance
        return Effect(
            value=estimate.value,
            low=estimate.low if shown else None,
            high=estimate.high if shown else None,
            error=estimate.error if shown else None,
            degrees=estimate.degrees if shown else 0.0,
            targets=self.targets,
            clusters=len(self.design.key),
            references=self.references,
            left_out=self.left_out,
        )


def _describe(
    sample: Sample, model: str, prompt: str, cells: Columns, closed: Collection[str]
) -> TrustRow:
    taken = _take_cells(sample, cells)
    # A method that estimates nothing answers with 1, for every mask.
    if not len(taken["unit"]) or (taken["level"] == round(1 / _LEVEL)).all():
        return TrustRow(model=model, prompt=prompt, gives=False)
    own = collect_scores(sample, taken)
    masks, design = own.masks, own.design
    gaps, auroc = measure_gaps(masks), measure_auroc(masks)
    review = measure_review(masks, CATCH)
    transfer = measure_transfer(masks, own.dataset)
    names = {sample.units.datasets[number] for number in np.unique(own.dataset)}
    row = TrustRow(
        model=model,
        prompt=prompt,
        gives=True,
        bias=own.describe(bound_mean(measure_bias(masks), design, DIFFERENCE)),
        calibration=own.describe(bound_gaps(gaps, design)),
        auroc=own.describe(bound_auroc(auroc, masks, design)) if auroc else None,
        risk=own.describe(bound_risk(masks, 1.0, design)),
        risk_area=own.describe(bound_area(measure_risk_area(masks), design)),
        failed=_measure_failed(own) if own.wide else None,
        review=own.describe(bound_review(review, masks, design, CATCH)) if review else None,
        transfer=own.describe(bound_mean(transfer, design, DIFFERENCE)) if transfer else None,
    )
    if names & set(closed):
        return row
    return replace(
        row,
        curve=tuple(
            ReliabilityBin(score=float(score), iou=own.describe(estimate))
            for score, estimate in zip(gaps.score, bound_bins(gaps, design), strict=True)
        ),
        risk_curve=tuple(
            RiskPoint(
                coverage=coverage,
                risk=own.describe(bound_risk(masks, coverage, design)),
            )
            for coverage in COVERAGES
        ),
    )


def collect_scores(sample: Sample, taken: Columns) -> OwnScores:
    """Return the masks of targets with at least 10 clusters, or of all where there is none."""
    units = sample.units
    present = np.unique(taken["place"])
    targets, target_of, sizes = np.unique(
        units.target[present], return_inverse=True, return_counts=True
    )
    wide = bool((sizes >= MINIMUM_CLUSTERS).any())
    if wide:
        present = present[sizes[target_of] >= MINIMUM_CLUSTERS]
    kept = np.isin(taken["place"], present)
    unit = np.searchsorted(present, taken["place"][kept])
    rows = taken["rows"][kept].astype(np.float64)
    in_unit = np.bincount(unit, rows, len(present))
    values, level = np.unique(taken["level"][kept], return_inverse=True)
    target = units.target[present]
    masks = ScoredMasks(
        weight=_weigh(target),
        levels=values * _LEVEL,
        unit=unit.astype(np.int64),
        level=level.astype(np.int64),
        mass=rows / in_unit[unit],
        failed=taken["low"][kept] / in_unit[unit],
        risk=(rows - taken["dice"][kept] * STEP) / in_unit[unit],
        iou=taken["iou"][kept] * STEP / in_unit[unit],
    )
    members = [np.flatnonzero(target == number) for number in np.unique(target)]
    design = make_design(
        [(units.cluster[present[own]], units.dataset[present[own]]) for own in members]
    )
    return OwnScores(
        masks,
        design,
        units.dataset[present],
        len(members),
        int(rows.sum()),
        len(targets) - len(members),
        wide,
    )


def _weigh(target: Ints) -> Floats:
    """Return what each unit counts for in a mean over targets of means over units."""
    numbers, place, sizes = np.unique(target, return_inverse=True, return_counts=True)
    weights: Floats = 1.0 / (len(numbers) * sizes[place])
    return weights
