"""Two columns of ratios on the same units: their difference by the one rule of all comparisons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.studies.effects import Effect, TargetMeans
from cosmos_board.board.types import PairVerdict
from cosmos_board.stats.family import compare_all


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEffect:
    """The first column minus the second."""

    effect: Effect
    """Its interval allows for one more failure of either; what is shown rests on the verdict's."""

    verdict: PairVerdict
    """Of the first column: it is better …; not tested where no target has 10 clusters."""

    held_back: bool
    """Whether only the added failure keeps the two from being separated."""


def compare_columns(means: TargetMeans, *, margin: float = 0.0) -> PairedEffect | None:
    """Return the first column minus the second as a table of two, None where there is no target.

    Args:
        means: From `average_targets`; the first two columns are ratios in [0, 1], of which more is
            better.
        margin: What a difference has to exceed to count as shown; verdicts have their own.
    """
    if not means.targets:
        return None
    errors = means.measure(columns=2)
    wide = means.wide and errors.design.has_variance
    # Two models share no quantile with others, so that no weights need be drawn for it.
    family = compare_all(errors, np.zeros((len(errors.design.key), 1), np.int16))
    effect = Effect(
        value=float(family.difference[0]),
        low=float(family.low[0]) if wide else None,
        high=float(family.high[0]) if wide else None,
        error=float(errors.pair_errors[0]) if wide else None,
        degrees=float(errors.pair_degrees[0]) if wide else 0.0,
        targets=len(means.targets),
        clusters=len(errors.design.key),
        references=sum(means.references),
        left_out=means.left_out,
        loss=float(family.loss.max()),
        margin=margin,
        verdict_ends=(float(family.verdict_low[0]), float(family.verdict_high[0]))
        if wide
        else None,
    )
    return PairedEffect(
        effect=effect,
        verdict=family.verdict(0) if wide else "not tested",
        held_back=wide and bool(family.held_back[0]),
    )


def compare_targets(means: TargetMeans) -> dict[str, PairedEffect]:
    """Return the difference over all targets under "", then on each; {} if there are none."""
    every = range(len(means.targets))
    parts = {"": means, **{means.targets[place]: means.select([place]) for place in every}}
    found = {name: compare_columns(part) for name, part in parts.items()}
    return {name: paired for name, paired in found.items() if paired is not None}
