"""How much Dice is lost when a prompt is displaced at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    TargetMeans,
    average_targets,
    take_sample,
)
from cosmos_board.board.studies.paired import compare_targets
from cosmos_board.store.queries.studies import JitterSums, read_jitter


@dataclass(frozen=True, slots=True, kw_only=True)
class JitterRow:
    """One model, prompt and mode, disturbed by one level."""

    model: str
    prompt: str
    selection: str
    mode: str
    """`first` moves point 1 only, `all` moves every point."""

    level: int
    """Displacements lie in [level, level + 10) pixels."""

    target: str
    """Name of the target; empty for the macro mean over targets."""

    undisturbed: float
    """Dice of the same references without jitter."""

    drop: Effect
    """Undisturbed minus jittered Dice, paired by reference; its interval reaches at least as far
    as one more failure of either would move it."""

    seed_sd: float | None
    """Spread of Dice between trials of one reference; None with a single trial, or where no
    target has 10 clusters."""

    seed_share: float | None
    """That variance over the sum of it and the variance between references of a target."""

    trials: int


def study_jitter(cube: Cube) -> tuple[JitterRow, ...]:
    """Return the drop of every model, prompt, mode, level and selection that was disturbed."""
    sample = take_sample(cube)
    sums = read_jitter(cube.connection)
    rows: list[JitterRow] = []
    for place in range(len(sums.columns)):
        rows += _describe(sample, sums, place)
    return tuple(rows)


def _describe(sample: Sample, sums: JitterSums, place: int) -> list[JitterRow]:
    number = sample.units.number
    column = sums.columns[place]
    single = int(sums.trials[place]) < 2
    parts = [sums.main[place], sums.jittered[place], sums.squares[place]]
    # A single trial has no spread; 0 keeps its units in the sample.
    parts.append(np.where(np.isnan(parts[0]), np.nan, 0.0) if single else sums.within[place])
    means = average_targets(sample, np.stack(parts)[:, number])
    rows = []
    spread = means.wide and not single
    for target, paired in compare_targets(means).items():
        chosen = [means.targets.index(target)] if target else list(range(len(means.targets)))
        seed_sd, seed_share = split_variance(means, chosen, int(sums.trials[place]))
        rows.append(
            JitterRow(
                model=column.model,
                prompt=column.prompt,
                selection=column.selection,
                mode=column.jitter_mode,
                level=column.jitter_level,
                target=target,
                undisturbed=float(means.scores[0, chosen].mean()),
                drop=paired.effect,
                seed_sd=seed_sd if spread else None,
                seed_share=seed_share if spread else None,
                trials=int(sums.trials[place]),
            )
        )
    return rows


def split_variance(
    means: TargetMeans, chosen: Sequence[int], trials: int
) -> tuple[float, float | None]:
    """Return the spread between trials and its share of the variance inside a target.

    The one-way random-effects split: the variance between references is that of their means
    over trials, less what the trials put into it.

    Args:
        means: Columns undisturbed, jittered, squared mean, variance between trials.
        chosen: Which targets, by index; their components are averaged.
        trials: Trials per reference.
    """
    _, mean, square, within = (means.scores[column, chosen] for column in range(4))
    seed = float(within.mean())
    between = float(np.maximum(square - mean**2 - within / trials, 0).mean())
    total = seed + between
    return float(np.sqrt(seed)), seed / total if total > 0 else None
