"""Does a larger model of the same family do better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    average_blocks,
    measure_each,
    measure_effect,
    take_sample,
)
from cosmos_board.board.studies.values import ALL_PROMPTS, DiceTable, is_studied
from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import SELECTIONS, Selection
from cosmos_board.stats.testing import Verdict

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
    """Return every model against the smallest of its family.

    Per prompt, and for the mean over the six where both answer them all; over the units that
    both answered wholly. Ordered by prompt, selection and pair, the macro mean first.
    """
    pairs = _find_pairs(cube)
    sample = take_sample(cube, track)
    rows: list[PairedRow] = []
    table = DiceTable(cube, track)
    for name in ALL_PROMPTS:
        rows += _compare(table, sample, pairs, (name,), name)
    rows += _compare(table, sample, pairs, ALL_PROMPTS, MEAN_OF_PROMPTS)
    return tuple(rows)


def _find_pairs(cube: Cube) -> list[tuple[str, str]]:
    sizes = {
        name: card.parameters
        for name, card in cube.models.items()
        if card.parameters and is_studied(card)
    }
    pairs = []
    for name, size in sorted(sizes.items()):
        family = [other for other in sizes if cube.models[other].family == cube.models[name].family]
        smallest = min(family, key=lambda other: (sizes[other] or 0, other))
        if (size or 0) > (sizes[smallest] or 0):
            pairs.append((name, smallest))
    return pairs


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
        both = [pair for pair in pairs if pair[0] in values and pair[1] in values]
        differences = [
            (values[model] - values[against]).mean(axis=0, keepdims=True) for model, against in both
        ]
        rows += compare_pairs(sample, differences, both, name, selection)
    return rows


def compare_pairs(
    sample: Sample,
    differences: Sequence[Floats],
    pairs: Sequence[tuple[str, str]],
    prompt: str,
    selection: Selection,
) -> list[PairedRow]:
    """Return for each pair the macro difference and the difference on each target.

    Args:
        sample: Which units count.
        differences: Paired difference per unit, each of shape (1, units); NaN where none.
        pairs: (model, against) of each difference.
        prompt: What the rows say they are about.
        selection: How candidates were chosen.
    """
    rows = []
    for (model, against), means in zip(pairs, average_blocks(sample, differences), strict=True):
        overall = measure_effect(means)
        effects = {} if overall is None else {"": overall, **measure_each(means)}
        rows += [
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
    return rows
