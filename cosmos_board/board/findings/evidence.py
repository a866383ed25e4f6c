"""What the main study says about each claim: an effect, or what is missing to measure it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.messages import Message, MessageKey
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    Statistic,
    average_targets,
    macro,
    measure_effect,
    take_sample,
)
from cosmos_board.board.studies.reference_sample import ReferenceSample, take_references
from cosmos_board.core.arrays import Bools, Floats
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.factors import prepare_reference_dice
from cosmos_board.store.queries.studies import ClickSums, JitterSums, read_clicks, read_jitter

LEAST_TARGETS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPart:
    """One of several numbers, of which the smallest is the effect."""

    name: MessageKey
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured for one claim, one selection and one family."""

    models: tuple[str, ...] = ()
    """The models whose scores were averaged."""

    effects: tuple[Effect, ...] = ()
    """One, or several in different units, of which the weaker verdict decides."""

    parts: tuple[EffectPart, ...] = ()
    missing: tuple[Message, ...] = ()
    """What must be added before the claim can be decided; empty where nothing is missing."""


class FindingInputs:
    """Scores of full runs that several claims share, each read once."""

    def __init__(self, cube: Cube) -> None:
        """Read from a cube; nothing is loaded before it is asked for."""
        self.cube = cube
        self._dice: dict[tuple[str, Selection], dict[str, Floats]] = {}

    @cached_property
    def sample(self) -> Sample:
        """The units that count."""
        return take_sample(self.cube)

    @cached_property
    def references(self) -> ReferenceSample:
        """Single references with their factors, their Dice with a box placed beside them."""
        references = take_references(self.cube)
        prepare_reference_dice(self.cube.connection, ["box"])
        return references

    @cached_property
    def jitter(self) -> JitterSums:
        """The jitter study."""
        return read_jitter(self.cube.connection)

    @cached_property
    def clicks(self) -> ClickSums:
        """The clicks study."""
        return read_clicks(self.cube.connection, ())

    @cached_property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Learned promptable models that are not fine-tuned, by family."""
        families: dict[str, list[str]] = {}
        for name, model in self.cube.models.items():
            if model.kind == "promptable" and model.base_model is None:
                families.setdefault(model.family, []).append(name)
        return {family: tuple(names) for family, names in sorted(families.items())}

    def dice(self, prompt: str, selection: Selection) -> dict[str, Floats]:
        """Return unit means by model, shape (units,), NaN where the model had trained.

        For `everything` the oracle stands in, since it has no other selection.
        """
        key = (prompt, selection)
        if key not in self._dice:
            chosen: Selection = "oracle" if prompt == "everything" else selection
            self._dice[key] = {
                model: np.where(self.is_unseen(model), values, np.nan)
                for model, values in self.cube.whole_dice(FULL, prompt, chosen).items()
            }
        return self._dice[key]

    def is_unseen(self, model: str) -> Bools:
        """Return the units of datasets that a model was not trained on, shape (units,)."""
        return self.unseen_datasets(model)[self.sample.units.dataset]

    def unseen_datasets(self, model: str) -> Bools:
        """Return the datasets that a model was not trained on, shape (datasets,).

        All of them for a fine-tuned model, of which single clusters are left out elsewhere.
        """
        tuned = self.cube.models[model].base_model is not None
        names, exposures = self.sample.units.datasets, self.cube.exposures
        return np.array([tuned or exposures[model, name] != "trained-on" for name in names], bool)

    def average(
        self, names: Sequence[str], prompts: Sequence[str], selection: Selection
    ) -> tuple[Floats, Evidence]:
        """Return the mean over models per prompt and unit, and the models or what is missing.

        Only models with all prompts count, and of those the ones that cover the most units.
        """
        nothing = np.zeros((0, 0))
        prompts = tuple(prompts)
        if not names:
            return nothing, missing_evidence(Message.of("promptable-model", prompts=prompts))
        tables = [self.dice(prompt, selection) for prompt in prompts]
        missing = [
            Message.of("prompt", prompt=prompt)
            for prompt, table in zip(prompts, tables, strict=True)
            if not any(name in table for name in names)
        ]
        values = {
            name: np.stack([table[name] for table in tables])
            for name in names
            if all(name in table for table in tables)
        }
        used = find_fullest(values, names)
        if missing or not used:
            missing = missing or [Message.of("one-model-with-prompts", prompts=prompts)]
            return nothing, missing_evidence(*missing)
        return average_models(values, used), Evidence(models=used)


Measure: TypeAlias = Callable[[FindingInputs, tuple[str, ...], Selection], Evidence]
"""From scores, the models of a family and a selection to evidence."""


def missing_evidence(*missing: Message) -> Evidence:
    """Return evidence that decides nothing, for what is missing."""
    return Evidence(missing=missing)


def find_fullest(values: Mapping[str, Floats], names: Sequence[str]) -> tuple[str, ...]:
    """Return those of `names` that cover as many units as any of them does, sorted."""
    covered = {
        name: int((~np.isnan(values[name]).any(axis=0)).sum()) for name in names if name in values
    }
    most = max(covered.values(), default=0)
    return tuple(sorted(name for name, count in covered.items() if count == most and count))


def average_models(values: Mapping[str, Floats], names: Sequence[str]) -> Floats:
    """Return the mean over models of their unit means, NaN where one of them has none."""
    mean: Floats = np.stack([values[name] for name in names]).mean(axis=0)
    return mean


def take_smallest_effect(
    sample: Sample,
    values: Floats,
    parts: Mapping[MessageKey, Statistic],
    models: tuple[str, ...],
    *,
    targets: int = LEAST_TARGETS,
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Evidence:
    """Return the smallest of some parts as the effect.

    Only targets with at least 10 clusters count, in effect and interval alike, so that both are
    about the same thing; fewer than `targets` of them are not enough data.

    Args:
        sample: Which units count.
        values: shape (columns, units).
        parts: Statistics on target means, by name.
        models: Whose scores these are.
        targets: How many targets it takes.
        bounds: Least and greatest value that an effect can take.
    """
    means = average_targets(sample, values, wide_only=True)
    if len(means.targets) < targets:
        everything = average_targets(sample, values)
        missing = Message.of(
            "wide-targets",
            n=targets,
            least=MINIMUM_CLUSTERS,
            have=len(means.targets),
            all=len(everything.targets),
            most=max((len(clusters) for clusters in everything.clusters), default=0),
        )
        return Evidence(models=models, missing=(missing,))
    smallest = partial(_take_smallest, list(parts.values()))
    statistics: list[Statistic] = [smallest, *parts.values()]
    weaker, *effects = (
        effect
        for statistic in statistics
        if (effect := measure_effect(means, statistic, bounds=bounds)) is not None
    )
    return Evidence(models=models, effects=(weaker,), parts=describe_parts(parts, effects))


def describe_parts(
    names: Iterable[MessageKey], effects: Iterable[Effect]
) -> tuple[EffectPart, ...]:
    """Return effects as the parts of another."""
    return tuple(
        EffectPart(name=name, value=effect.value, low=effect.low, high=effect.high)
        for name, effect in zip(names, effects, strict=True)
    )


def _take_smallest(statistics: Sequence[Statistic], means: Floats) -> Floats:
    smallest: Floats = np.min([statistic(means) for statistic in statistics], axis=0)
    return smallest


def measure_spread(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F1: shares of targets that are done well and badly, each with its best prompt."""
    have = {
        name: tuple(prompt for prompt in PROMPTS if name in inputs.dice(prompt, selection))
        for name in names
    }
    most = max((len(prompts) for prompts in have.values()), default=0)
    if not most:
        return missing_evidence(Message.of("promptable-scores"))
    prompts = next(have[name] for name in names if len(have[name]) == most)
    values, averaged = inputs.average(names, prompts, selection)
    if averaged.missing:
        return averaged
    parts: dict[MessageKey, Statistic] = {
        "high-dice-targets": lambda x: (x.max(axis=0) >= 0.9).mean(axis=0),
        "low-dice-targets": lambda x: (x.max(axis=0) <= 0.5).mean(axis=0),
    }
    return take_smallest_effect(
        inputs.sample, values, parts, averaged.models, targets=10, bounds=(0.0, 1.0)
    )


def measure_size(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F2: ViT-H minus ViT-B."""
    pair = ("sam-vit-h", "sam-vit-b")
    absent = [Message.of("model", model=n) for n in sorted(pair) if n not in inputs.cube.models]
    if absent:
        return missing_evidence(*absent)
    missing = []
    for name in sorted(pair):
        lacking = tuple(p for p in PROMPTS if name not in inputs.dice(p, selection))
        if lacking:
            missing.append(Message.of("model-prompts", model=name, prompts=lacking))
    if missing:
        return missing_evidence(*missing)
    large, small = (
        np.stack([inputs.dice(prompt, selection)[name] for prompt in PROMPTS]) for name in pair
    )
    difference = (large - small).mean(axis=0, keepdims=True)
    return take_smallest_effect(inputs.sample, difference, {"size-gain": macro}, pair)


def measure_prompts(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F3: a point over everything, and the box over the best point prompt."""
    values, averaged = inputs.average(names, tuple(PROMPTS), selection)
    if averaged.missing:
        return averaged
    parts: dict[MessageKey, Statistic] = {
        "point-gain": lambda x: (x[1] - x[0]).mean(axis=0),
        "box-gain": lambda x: x[4].mean(axis=0) - x[1:4].mean(axis=1).max(axis=0),
    }
    return take_smallest_effect(inputs.sample, values, parts, averaged.models)
