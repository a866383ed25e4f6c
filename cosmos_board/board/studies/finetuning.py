"""What fine-tuning gains over the model it started from, on clusters it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.messages import Message, name_failing
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    average_targets,
    take_sample,
)
from cosmos_board.board.studies.paired import PairedEffect, compare_columns
from cosmos_board.board.types import PairVerdict
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Bools, Floats
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.stats.testing import MARGIN
from cosmos_board.store.queries.cards import ALL_CLUSTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuningRow:
    """A fine-tuned model against its base: Dice of `model` minus Dice of `against`."""

    model: str
    against: str
    prompt: str
    selection: Selection
    target: str
    """Name of the target; empty for the macro mean over targets."""

    difference: Effect
    verdict: PairVerdict
    """Of `model`, as a table of two; not tested under 10 clusters."""

    held_back: bool
    """Whether only one more failure keeps the two from being separated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuningStudy:
    """Gains of every fine-tuned model, and what could not be measured."""

    rows: tuple[FinetuningRow, ...]
    unusable: tuple[Message, ...]
    """Why a fine-tuned model, or a dataset of it, has no part."""


def study_finetuning(cube: Cube) -> FinetuningStudy:
    """Return each fine-tuned model against its base, per prompt and selection.

    Only unseen clusters count. Where a model says that it was trained on a dataset, but not on
    which of its clusters, that dataset is left out; where it says nothing, all are.
    """
    sample, pairs = take_sample(cube), find_pairs(cube)
    paired_models = {name for pair in pairs for name in pair}
    rows, failing = [], []
    for prompt in PROMPTS:
        for selection in cube.selections(prompt):
            values = cube.whole_dice(FULL, prompt, selection)
            for model, base in pairs:
                if model not in values or base not in values:
                    continue
                unseen = find_unseen(cube, sample.units, model)
                pair = np.where(unseen, np.stack([values[model], values[base]]), np.nan)
                rows += [
                    FinetuningRow(
                        model=model,
                        against=base,
                        prompt=prompt,
                        selection=selection,
                        target=target,
                        difference=paired.effect,
                        verdict=paired.verdict,
                        held_back=paired.held_back,
                    )
                    for target, paired in _compare(sample, pair).items()
                ]
            failing += [
                name_failing(model, prompt, counts.failed, counts.answers)
                for model, counts in cube.failing(FULL, prompt, selection).items()
                if model in paired_models
            ]
    rows.sort(key=lambda row: row.model)
    unusable = (*find_unusable(cube), *dict.fromkeys(failing))
    return FinetuningStudy(rows=tuple(rows), unusable=unusable)


def _compare(sample: Sample, pair: Floats) -> dict[str, PairedEffect]:
    """Return what was gained on all targets under "", then on each, thin ones not tested."""
    units = sample.units
    known = np.unique(units.target[sample.counted & ~np.isnan(pair).any(axis=0)])
    parts = {
        "": pair,
        **{units.targets[t].name: np.where(units.target == t, pair, np.nan) for t in known},
    }
    found = {
        name: compare_columns(average_targets(sample, part), margin=MARGIN)
        for name, part in parts.items()
    }
    return {name: paired for name, paired in found.items() if paired is not None}


def find_pairs(cube: Cube) -> tuple[tuple[str, str], ...]:
    """Return (fine-tuned model, its base) for every base that is in the database."""
    return tuple(
        (name, model.base_model)
        for name, model in cube.models.items()
        if model.base_model is not None and model.base_model in cube.models
    )


def find_unseen(cube: Cube, units: Units, model: str) -> Bools:
    """Return which units are of clusters that a model has not seen, shape (units,)."""
    seen, unknown = set(cube.models[model].seen_pairs), _find_unknown(cube, model)
    unseen = [
        dataset not in unknown and (dataset, cluster) not in seen
        for dataset, cluster in units.cluster_names
    ]
    of_units: Bools = np.array(unseen, bool)[units.cluster]
    return of_units


def _find_unknown(cube: Cube, model: str) -> frozenset[str]:
    """Return the datasets of which any cluster may have been seen, as far as is on record."""
    facts, seen = cube.models[model], cube.models[model].seen_pairs
    if facts.training_data is None and not seen:
        return frozenset(cube.datasets)
    listed = {dataset for dataset, cluster in seen if cluster != ALL_CLUSTERS}
    return (facts.tuned_on.union(facts.training_data or ())) - listed


def find_unusable(cube: Cube) -> tuple[Message, ...]:
    """Return each thing that keeps a fine-tuned model from being measured."""
    reasons = []
    for name, model in cube.models.items():
        if model.base_model is None:
            continue
        if model.base_model not in cube.models:
            reasons.append(Message.of("base-without-scores", model=name, base=model.base_model))
        if model.training_data is None and not model.tuned_on:
            reasons.append(Message.of("unknown-training-datasets", model=name))
            continue
        for dataset in sorted(_find_unknown(cube, name) & cube.datasets.keys()):
            reasons.append(Message.of("unknown-training-clusters", model=name, dataset=dataset))
    return tuple(reasons)
