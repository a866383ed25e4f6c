"""What makes a reference hard, and whether it is hard for every model alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import Effect
from cosmos_board.board.studies.factor_bins import average_bins
from cosmos_board.board.studies.reference_sample import (
    Outcome,
    ReferenceSample,
    correlate,
    rank_outcome,
    take_references,
)
from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import Selection
from cosmos_board.core.targets import Factors
from cosmos_board.stats.correlation import to_normal
from cosmos_board.stats.testing import holm
from cosmos_board.store.queries.factors import prepare_reference_dice, read_reference_dice

PAPER_FACTORS = ("size_px", "aspect_ratio", "intensity_difference", "boundary_complexity")
ORDER_FACTORS = ("size_px", "aspect_ratio", "intensity_difference", "efd_order")
MARGINAL_FACTORS = tuple(
    field.name for field in fields(Factors) if field.name not in (*PAPER_FACTORS, *ORDER_FACTORS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """How Dice goes with one factor."""

    model: str
    prompt: str
    selection: str
    factor: str
    given: tuple[str, ...]
    """Factors held fixed; none where the correlation is marginal."""

    rho: Effect
    """Spearman's correlation within targets, partial where others are given, in [−1, 1].

    Its error is that of arctanh ρ."""

    p: float | None
    """Two-sided, by the delete-one-cluster jackknife; None under 10 clusters."""

    p_holm: float | None
    """After Holm over the factors of the same run of the analysis."""

    @property
    def detectable(self) -> float | None:
        """Least correlation of either sign that such data would have shown in 80 % of samples."""
        least = self.rho.detectable
        return None if least is None else float(np.tanh(least))


def study_factors(
    cube: Cube,
    *,
    models: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
) -> tuple[FactorRow, ...]:
    """Return the correlations of every model, prompt and selection.

    Three runs each: the study's four factors, each given the others; the same with `efd_order`
    in place of the boundary's complexity; and components and position by themselves.
    """
    sample = take_references(cube)
    rows: list[FactorRow] = []
    answered = prepare_reference_dice(cube.connection, prompts)
    for model, prompt, selection in answered:
        if models is None or model in models:
            dice = read_reference_dice(cube.connection, model, prompt, selection)
            rows += correlate_factors(sample, dice, model, prompt, selection)
    return tuple(rows)


def correlate_factors(
    sample: ReferenceSample, dice: Floats, model: str, prompt: str, selection: str
) -> list[FactorRow]:
    """Return the rows of the three runs for one column of scores."""
    rows: list[FactorRow] = []
    outcome = rank_outcome(sample, dice)
    alone = [(name,) for name in MARGINAL_FACTORS]
    for groups in ([PAPER_FACTORS], [ORDER_FACTORS], alone):
        effects = {
            (name, group): effect
            for group in groups
            for name, effect in zip(group, correlate(sample, outcome, group), strict=True)
        }
        pvalues = [
            np.nan if effect is None else correlation_p(effect) for effect in effects.values()
        ]
        rows += [
            FactorRow(
                model=model,
                prompt=prompt,
                selection=selection,
                factor=name,
                given=tuple(other for other in group if other != name),
                rho=effect,
                p=None if np.isnan(p) else float(p),
                p_holm=None if np.isnan(adjusted) else float(adjusted),
            )
            for ((name, group), effect), p, adjusted in zip(
                effects.items(), pvalues, holm(pvalues), strict=True
            )
            if effect is not None
        ]
    return rows


def correlate_claimed(
    sample: ReferenceSample, outcome: Outcome
) -> tuple[Effect | None, Effect | None]:
    """Return −ρ of the boundary's complexity and ρ of the intensity difference.

    Both as the study's paper claims them to be positive: each given the other and the rest of its
    four factors, for targets and datasets of these kinds.
    """
    rho = dict(
        zip(PAPER_FACTORS, correlate(sample, outcome, PAPER_FACTORS, general=True), strict=True)
    )
    boundary, contrast = rho["boundary_complexity"], rho["intensity_difference"]
    if boundary is not None:
        low, high = (None if end is None else -end for end in (boundary.high, boundary.low))
        boundary = replace(boundary, value=-boundary.value, low=low, high=high)
    return boundary, contrast


def correlation_p(effect: Effect) -> float:
    """Return the two-sided p value that belongs to a correlation's interval; NaN without one."""
    if effect.error is None:
        return float("nan")
    if effect.error == 0:
        return 0.0 if effect.value else 1.0
    return float(2 * stats.t.sf(abs(to_normal(effect.value)) / effect.error, effect.degrees))


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorBin:
    """References of one tenth of a factor."""

    low: float
    high: float
    """Least and greatest value in the bin, in the factor's unit."""

    dice: Effect
    """Mean over references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorCurve:
    """Dice along a factor."""

    model: str
    prompt: str
    selection: str
    factor: str
    bins: tuple[FactorBin, ...]


def factor_curves(
    cube: Cube,
    model: str,
    prompt: str,
    selection: Selection,
    *,
    closed: Collection[str] = (),
) -> tuple[FactorCurve, ...]:
    """Return Dice along every factor, in tenths of the references.

    No tenth may hold few clusters of `closed` datasets: see `average_bins`.
    """
    sample = take_references(cube)
    prepare_reference_dice(cube.connection, [prompt])
    dice = read_reference_dice(cube.connection, model, prompt, selection)
    return tuple(
        FactorCurve(
            model=model,
            prompt=prompt,
            selection=selection,
            factor=name,
            bins=tuple(
                FactorBin(low=low, high=high, dice=effect)
                for low, high, effect in average_bins(sample, dice, name, closed)
            ),
        )
        for name in sample.factors
    )
