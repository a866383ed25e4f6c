"""What the database says about each claim: an effect, or what is missing to measure it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from cosmos_board.board.contamination import find_exposure
from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    Statistic,
    TargetMeans,
    average_targets,
    measure_effect,
    take_sample,
)
from cosmos_board.board.studies.reference_sample import ReferenceSample, take_references
from cosmos_board.board.studies.values import (
    ALL_PROMPTS,
    DiceTable,
    average_models,
    fullest,
    is_studied,
)
from cosmos_board.core.arrays import Bools, Floats
from cosmos_board.core.scores import Selection
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.clicks import ClickSums, read_clicks
from cosmos_board.store.queries.factors import prepare_reference_dice
from cosmos_board.store.queries.jitter import JitterSums, read_jitter

LEAST_TARGETS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the numbers that an effect is the weaker of."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured for one claim, one selection and one family."""

    models: tuple[str, ...] = ()
    """The models whose scores were averaged."""

    effect: Effect | None = None
    parts: tuple[Part, ...] = ()
    alternatives: tuple[Effect, ...] = ()
    """Effects in different units, of which the weaker verdict decides."""

    missing: tuple[str, ...] = ()
    """What must be added before the claim can be decided; empty where nothing is missing."""


class Material:
    """Scores that several claims share, each read once."""

    def __init__(self, cube: Cube, track: str = "full") -> None:
        """Read from a cube; nothing is loaded before it is asked for."""
        self.cube = cube
        self.track = track
        self._table = DiceTable(cube, track)
        self._dice: dict[tuple[str, Selection], dict[str, Floats]] = {}

    @cached_property
    def sample(self) -> Sample:
        """The units that count."""
        return take_sample(self.cube, self.track)

    @cached_property
    def references(self) -> ReferenceSample:
        """Single references with their factors, their Dice with a box placed beside them."""
        found = take_references(self.cube, self.track)
        prepare_reference_dice(self.cube.connection, self.track, prompts=["box"])
        return found

    @cached_property
    def jitter(self) -> JitterSums:
        """The jitter study."""
        return read_jitter(self.cube.connection, self.track)

    @cached_property
    def clicks(self) -> ClickSums:
        """The clicks study."""
        return read_clicks(self.cube.connection, (), track=self.track)

    @cached_property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Learned promptable models that are not fine-tuned, by family."""
        found: dict[str, list[str]] = {}
        for name, model in self.cube.models.items():
            if is_studied(model):
                found.setdefault(model.family, []).append(name)
        return {family: tuple(names) for family, names in sorted(found.items())}

    def dice(self, prompt: str, selection: Selection) -> dict[str, Floats]:
        """Return unit means by model, shape (units,), where the model had not trained."""
        key = (prompt, selection)
        if key not in self._dice:
            self._dice[key] = {
                model: np.where(self.fresh(model), values, np.nan)
                for model, values in self._table.one(prompt, selection).items()
            }
        return self._dice[key]

    def fresh(self, model: str) -> Bools:
        """Return the units of datasets that a model was not trained on, shape (units,).

        A fine-tuned model is judged by cluster elsewhere: here all its units are fresh.
        """
        return self.fresh_datasets(model)[self.sample.units.dataset]

    def fresh_datasets(self, model: str) -> Bools:
        """Return the datasets that a model was not trained on, shape (datasets,)."""
        cube, names = self.cube, self.sample.units.datasets
        facts = cube.models[model]
        exposures = (
            find_exposure(facts, cube.datasets[name], cube.models, cube.datasets).exposure
            for name in names
        )
        tuned = facts.base_model is not None
        return np.array([tuned or exposure != "trained-on" for exposure in exposures], bool)

    def average(
        self, names: Sequence[str], prompts: Sequence[str], selection: Selection
    ) -> tuple[Floats | None, tuple[str, ...], tuple[str, ...]]:
        """Return the mean over models per prompt and unit, the models, and what is missing.

        Only models with all prompts count, and of those the ones that cover the most units.
        """
        if not names:
            return None, (), (f"a promptable model with {', '.join(prompts)}",)
        tables = [self.dice(prompt, selection) for prompt in prompts]
        missing = [
            f"prompt {prompt}"
            for prompt, table in zip(prompts, tables, strict=True)
            if not any(name in table for name in names)
        ]
        values = {
            name: np.stack([table[name] for table in tables])
            for name in names
            if all(name in table for table in tables)
        }
        used = fullest(values, names)
        if not missing and not used:
            missing = [f"one model with all of {', '.join(prompts)} on the same images"]
        if missing:
            return None, (), tuple(missing)
        return average_models(values, used), used, ()


def weigh(
    sample: Sample,
    values: Floats,
    parts: Mapping[str, Statistic],
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
        return Evidence(models=models, missing=(_too_few(sample, values, means, targets),))
    effect = measure_effect(means, partial(_smallest, list(parts.values())), bounds=bounds)
    named = []
    for name, statistic in parts.items():
        found = measure_effect(means, statistic, bounds=bounds)
        assert found is not None, "there are targets"
        named.append(Part(name=name, value=found.value, low=found.low, high=found.high))
    return Evidence(models=models, effect=effect, parts=tuple(named))


def _smallest(statistics: Sequence[Statistic], means: Floats) -> Floats:
    found: Floats = np.min([statistic(means) for statistic in statistics], axis=0)
    return found


def _too_few(sample: Sample, values: Floats, means: TargetMeans, targets: int) -> str:
    everything = average_targets(sample, values)
    most = max((len(clusters) for clusters in everything.clusters), default=0)
    return (
        f"{targets} targets with at least {MINIMUM_CLUSTERS} clusters each "
        f"({len(means.targets)} of {len(everything.targets)} have them; the most is {most})"
    )


Gatherer = Callable[[Material, tuple[str, ...], Selection], Evidence]
"""From scores, a family's models and a selection to evidence."""


def gather_spread(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F1: shares of targets that are done well and badly, each with its best prompt."""
    have = {
        name: tuple(prompt for prompt in ALL_PROMPTS if name in material.dice(prompt, selection))
        for name in names
    }
    most = max((len(prompts) for prompts in have.values()), default=0)
    if not most:
        return Evidence(missing=("scores of a promptable model",))
    prompts = next(have[name] for name in names if len(have[name]) == most)
    values, used, missing = material.average(names, prompts, selection)
    if values is None:
        return Evidence(missing=missing)
    parts: dict[str, Statistic] = {
        "targets with Dice ≥ 0.9": lambda x: (x.max(axis=0) >= 0.9).mean(axis=0),
        "targets with Dice ≤ 0.5": lambda x: (x.max(axis=0) <= 0.5).mean(axis=0),
    }
    return weigh(material.sample, values, parts, used, targets=10, bounds=(0.0, 1.0))


def gather_size(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F2: ViT-H minus ViT-B."""
    pair = ("sam-vit-h", "sam-vit-b")
    missing = [f"model {name}" for name in sorted(pair) if name not in material.cube.models]
    for name in () if missing else sorted(pair):
        lacking = [p for p in ALL_PROMPTS if name not in material.dice(p, selection)]
        if lacking:
            missing.append(f"scores of {name} with {', '.join(lacking)}")
    if missing:
        return Evidence(missing=tuple(missing))
    large, small = (
        np.stack([material.dice(prompt, selection)[name] for prompt in ALL_PROMPTS])
        for name in pair
    )
    difference = (large - small).mean(axis=0, keepdims=True)
    parts: dict[str, Statistic] = {"ViT-H − ViT-B": lambda x: x[0].mean(axis=0)}
    return weigh(material.sample, difference, parts, pair)


def gather_prompts(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F3: a point over everything, and the box over the best point prompt."""
    values, used, missing = material.average(names, ALL_PROMPTS, selection)
    if values is None:
        return Evidence(missing=missing)
    parts: dict[str, Statistic] = {
        "point − everything": lambda x: (x[1] - x[0]).mean(axis=0),
        "box − best point prompt": lambda x: x[4].mean(axis=0) - x[1:4].mean(axis=1).max(axis=0),
    }
    return weigh(material.sample, values, parts, used)
