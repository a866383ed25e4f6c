"""What fine-tuning gains over the model it started from, on clusters it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube, Units
from cosmos_board.board.studies.effects import take_sample
from cosmos_board.board.studies.model_size import PairedRow, compare_pairs
from cosmos_board.board.studies.values import ALL_PROMPTS, DiceTable
from cosmos_board.core.arrays import Bools, Floats
from cosmos_board.core.scores import SELECTIONS
from cosmos_board.store.queries.cards import ALL_CLUSTERS, read_seen_clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuningStudy:
    """Gains of every fine-tuned model, and what could not be measured."""

    rows: tuple[PairedRow, ...]
    """`model` is the fine-tuned one, `against` its base."""

    unusable: tuple[str, ...]
    """Why a fine-tuned model, or a dataset of it, has no part."""


def study_finetuning(cube: Cube, track: str = "full") -> FinetuningStudy:
    """Return each fine-tuned model against its base, per prompt and selection.

    Only unseen clusters count. Where a model says that it was trained on a dataset, but not on
    which of its clusters, that dataset is left out; where it says nothing, all are.
    """
    sample = take_sample(cube, track)
    table = DiceTable(cube, track)
    rows: list[PairedRow] = []
    for prompt in ALL_PROMPTS:
        for selection in ("oracle",) if prompt == "everything" else SELECTIONS:
            values = table.stack((prompt,), selection)
            pairs = [
                (model, base)
                for model, base in find_pairs(cube)
                if model in values and base in values
            ]
            gains = [unseen_gain(cube, sample.units, values, *pair) for pair in pairs]
            rows += compare_pairs(sample, gains, pairs, prompt, selection)
    return FinetuningStudy(
        rows=tuple(sorted(rows, key=lambda row: row.model)), unusable=find_unusable(cube)
    )


def find_pairs(cube: Cube) -> tuple[tuple[str, str], ...]:
    """Return (fine-tuned model, its base) for every base that is in the database."""
    return tuple(
        (name, model.base_model)
        for name, model in cube.models.items()
        if model.base_model is not None and model.base_model in cube.models
    )


def unseen_gain(
    cube: Cube, units: Units, values: dict[str, Floats], model: str, base: str
) -> Floats:
    """Return Dice of `model` minus Dice of `base` per unit, NaN where a cluster was seen."""
    gain = values[model] - values[base]
    return np.where(_unseen(cube, units, model), gain, np.nan)


def _unseen(cube: Cube, units: Units, model: str) -> Bools:
    seen = set(read_seen_clusters(cube.connection, model))
    unknown = _find_unknown(cube, model)
    fresh = [
        dataset not in unknown and (dataset, cluster) not in seen
        for dataset, cluster in units.cluster_names
    ]
    return np.array(fresh, bool)[units.cluster]


def _find_unknown(cube: Cube, model: str) -> frozenset[str]:
    """Return the datasets of which any cluster may have been seen, as far as is on record."""
    facts, seen = cube.models[model], read_seen_clusters(cube.connection, model)
    if facts.training_data is None and not seen:
        return frozenset(cube.datasets)
    listed = {dataset for dataset, cluster in seen if cluster != ALL_CLUSTERS}
    return (facts.tuned_on.union(facts.training_data or ())) - listed


def find_unusable(cube: Cube) -> tuple[str, ...]:
    """Return a sentence for each thing that keeps a fine-tuned model from being measured."""
    found = []
    for name, model in cube.models.items():
        if model.base_model is None:
            continue
        if model.base_model not in cube.models:
            found.append(f"{name}: its base {model.base_model} has no scores")
        if model.training_data is None and not model.tuned_on:
            found.append(f"{name}: no record of the datasets it was trained on")
            continue
        for dataset in sorted(_find_unknown(cube, name) & cube.datasets.keys()):
            found.append(f"{name}: no record of which clusters of {dataset} it was trained on")
    return tuple(found)
