"""Unit means of models as the studies need them: only where a model answered everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.core.arrays import Floats
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.scores import Selection

ALL_PROMPTS = ("everything", "point", "points-5", "points-5-5", "box", "box-point")
POINT_PROMPTS = ("point", "points-5", "points-5-5")


class DiceTable:
    """Dice of every model by prompt and selection."""

    def __init__(self, cube: Cube, track: str = "full") -> None:
        """Read from a cube; nothing is loaded before it is asked for."""
        self.cube = cube
        self.track = track

    def one(self, prompt: str, selection: Selection) -> dict[str, Floats]:
        """Return unit means by model, shape (units,), sorted by model.

        A unit counts only where the model answered every reference of it; elsewhere NaN. For
        `everything` the oracle stands in, since it has no other selection.
        """
        chosen: Selection = "oracle" if prompt == "everything" else selection
        return self.cube.whole_dice(self.track, prompt, chosen)

    def stack(self, prompts: Sequence[str], selection: Selection) -> dict[str, Floats]:
        """Return unit means, shape (prompts, units), of the models that have all `prompts`."""
        tables = [self.one(prompt, selection) for prompt in prompts]
        return {
            model: np.stack([table[model] for table in tables])
            for model in tables[0]
            if all(model in table for table in tables)
        }


def is_studied(model: ModelCard) -> bool:
    """Return whether the findings speak of it: learned, promptable, not fine-tuned."""
    return model.kind == "promptable" and model.base_model is None


def fullest(values: dict[str, Floats], names: Sequence[str]) -> tuple[str, ...]:
    """Return those of `names` that cover as many units as any of them does, sorted."""
    covered = {
        name: int((~np.isnan(values[name]).any(axis=0)).sum()) for name in names if name in values
    }
    most = max(covered.values(), default=0)
    return tuple(sorted(name for name, count in covered.items() if count == most and count))


def average_models(values: dict[str, Floats], names: Sequence[str]) -> Floats:
    """Return the mean over models of their unit means, NaN where one of them has none."""
    found: Floats = np.stack([values[name] for name in names]).mean(axis=0)
    return found
