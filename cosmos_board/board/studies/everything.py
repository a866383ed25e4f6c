"""What pointing at the object gains over segmenting everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    TargetMeans,
    average_blocks,
    measure_each,
    measure_effect,
    take_sample,
)
from cosmos_board.board.studies.values import ALL_PROMPTS, DiceTable
from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import SELECTIONS, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingRow:
    """One prompt of one model against the same model's everything mode."""

    model: str
    prompt: str
    selection: Selection
    """Of the prompt; everything mode is always the oracle's, which favours it."""

    target: str
    """Name of the target; empty for the macro mean over targets."""

    everything: float
    """Dice of everything mode."""

    prompted: float
    """Dice with the prompt."""

    gain: Effect
    """Prompted minus everything."""


def study_everything(cube: Cube, track: str = "full") -> tuple[EverythingRow, ...]:
    """Return the gain of each prompt over everything mode, for every model that has both."""
    sample = take_sample(cube, track)
    table = DiceTable(cube, track)
    rows: list[EverythingRow] = []
    for prompt in ALL_PROMPTS[1:]:
        for selection in SELECTIONS:
            values = table.stack(("everything", prompt), selection)
            blocks = [np.vstack([both, both[1:] - both[:1]]) for both in values.values()]
            for model, means in zip(values, average_blocks(sample, blocks), strict=True):
                rows += _describe(means, model, prompt, selection)
    return tuple(sorted(rows, key=lambda row: (row.model, row.target != "")))


def _describe(
    means: TargetMeans, model: str, prompt: str, selection: Selection
) -> list[EverythingRow]:
    overall = measure_effect(means, _gain)
    effects = {} if overall is None else {"": overall, **measure_each(means, _gain)}
    rows = []
    for target, gain in effects.items():
        chosen = [means.targets.index(target)] if target else slice(None)
        everything, prompted, _ = means.scores[:, chosen].mean(axis=1)
        rows.append(
            EverythingRow(
                model=model,
                prompt=prompt,
                selection=selection,
                target=target,
                everything=float(everything),
                prompted=float(prompted),
                gain=gain,
            )
        )
    return rows


def _gain(means: Floats) -> Floats:
    found: Floats = means[2].mean(axis=0)
    return found
