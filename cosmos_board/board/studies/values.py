"""Unit means of models as the studies need them: only where a model answered everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.board.contamination import ModelFacts
from cosmos_board.board.cube import Cube
from cosmos_board.core.scores import Selection

Floats: TypeAlias = NDArray[np.float64]

ALL_PROMPTS = ("everything", "point", "points-5", "points-5-5", "box", "box-point")
POINT_PROMPTS = ("point", "points-5", "points-5-5")


def load_dice(
    cube: Cube, track: str, prompts: Sequence[str], selection: Selection
) -> dict[str, Floats]:
    """Return each model's Dice, shape (prompts, units), for models that have all `prompts`.

    A unit counts only where the model answered every reference of it; elsewhere NaN. For
    `everything` the oracle stands in, since it has no other selection.
    """
    found: dict[str, list[Floats]] = {}
    for prompt in prompts:
        chosen: Selection = "oracle" if prompt == "everything" else selection
        scores = cube.load(track, prompt, chosen, ["dice"])
        means = scores.means("dice")
        whole = scores.references == scores.units.references[:, None]
        means = np.where(whole, means, np.nan)
        for index, model in enumerate(scores.models):
            found.setdefault(model, []).append(means[:, index])
    return {
        model: np.stack(columns)
        for model, columns in sorted(found.items())
        if len(columns) == len(prompts) and not np.isnan(np.stack(columns)).all()
    }


def is_studied(model: ModelFacts) -> bool:
    """Return whether the findings speak of it: learned, promptable, not fine-tuned."""
    return model.kind == "promptable" and model.base_model is None


def group_families(cube: Cube) -> dict[str, tuple[str, ...]]:
    """Return the studied models by family, both sorted."""
    families: dict[str, list[str]] = {}
    for name, model in cube.models.items():
        if is_studied(model):
            families.setdefault(model.family, []).append(name)
    return {family: tuple(sorted(names)) for family, names in sorted(families.items())}


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
