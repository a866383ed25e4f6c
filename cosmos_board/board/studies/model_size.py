"""Does a larger model of the same family do better?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    average_targets,
    measure_each,
    measure_effect,
    take_sample,
)
from cosmos_board.board.studies.values import ALL_PROMPTS, DiceTable, Floats, is_studied
from cosmos_board.core.scores import SELECTIONS, Selection
from cosmos_board.stats.testing import Verdict
from cosmos_board.store.study_queries import read_study_models

MEAN_OF_PROMPTS = "mean"
"""Stands for the mean over the six prompts where a prompt is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRow:
    """One model against another: Dice of `model` minus Dice of `against`."""

    model: str
    against: str
    prompt: str
    selection: Selection
    target: str
    """Name of the target; empty for the macro mean over targets."""

    difference: Effect
    verdict: Verdict


def study_model_size(cube: Cube, track: str = "full") -> tuple[PairedRow, ...]:
    """Return every larger model against every smaller one of its family.

    Per prompt, and for the mean over the six where both answer them all; over the units that
    both answered wholly. Ordered by pair, prompt and selection, the macro mean first.
    """
    sizes = {
        row.model: row.parameters
        for row in read_study_models(cube.connection)
        if row.parameters and is_studied(cube.models[row.model])
    }
    pairs = [
        (a, b) if (sizes[a] or 0) > (sizes[b] or 0) else (b, a)
        for a, b in combinations(sorted(sizes), 2)
        if cube.models[a].family == cube.models[b].family and sizes[a] != sizes[b]
    ]
    sample = take_sample(cube, track)
    rows: list[PairedRow] = []
    table = DiceTable(cube, track)
    for name in ALL_PROMPTS:
        rows += _compare(table, sample, pairs, (name,), name)
    rows += _compare(table, sample, pairs, ALL_PROMPTS, MEAN_OF_PROMPTS)
    return tuple(rows)


def _compare(
    table: DiceTable,
    sample: Sample,
    pairs: list[tuple[str, str]],
    prompts: tuple[str, ...],
    name: str,
) -> list[PairedRow]:
    rows: list[PairedRow] = []
    for selection in ("oracle",) if prompts == ("everything",) else SELECTIONS:
        values = table.stack(prompts, selection)
        for model, against in pairs:
            if model in values and against in values:
                difference = (values[model] - values[against]).mean(axis=0, keepdims=True)
                rows += paired_rows(sample, difference, model, against, name, selection)
    return rows


def paired_rows(
    sample: Sample,
    difference: Floats,
    model: str,
    against: str,
    prompt: str,
    selection: Selection,
) -> list[PairedRow]:
    """Return the macro difference and the difference on each target.

    Args:
        sample: Which units count.
        difference: Paired difference per unit, shape (1, units); NaN where there is none.
        model: Whose Dice is counted positive.
        against: Whose Dice is taken off.
        prompt: What the rows say they are about.
        selection: How candidates were chosen.
    """
    if np.isnan(difference).all():
        return []
    means = average_targets(sample, difference)
    overall = measure_effect(means)
    effects = {} if overall is None else {"": overall, **measure_each(means)}
    return [
        PairedRow(
            model=model,
            against=against,
            prompt=prompt,
            selection=selection,
            target=target,
            difference=effect,
            verdict=effect.verdict,
        )
        for target, effect in effects.items()
    ]
