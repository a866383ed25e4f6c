"""What pointing at the object gains over segmenting everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    average_targets,
    measure_each,
    measure_effect,
    take_sample,
)
from cosmos_board.board.studies.values import ALL_PROMPTS, DiceTable
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
    rows = []
    for prompt in ALL_PROMPTS[1:]:
        for selection in SELECTIONS:
            for model, values in table.stack(("everything", prompt), selection).items():
                means = average_targets(sample, np.vstack([values, values[1:] - values[:1]]))
                overall = measure_effect(means, lambda x: x[2].mean(axis=0))
                if overall is None:
                    continue
                effects = {"": overall, **measure_each(means, lambda x: x[2].mean(axis=0))}
                for target, gain in effects.items():
                    chosen = [means.targets.index(target)] if target else slice(None)
                    level = means.scores[:, chosen].mean(axis=1)
                    rows.append(
                        EverythingRow(
                            model=model,
                            prompt=prompt,
                            selection=selection,
                            target=target,
                            everything=float(level[0]),
                            prompted=float(level[1]),
                            gain=gain,
                        )
                    )
    return tuple(sorted(rows, key=lambda row: (row.model, row.target != "")))
