"""What the main study says about each claim: its parts, or what is missing to measure them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.parts import Contrast, Evidence, measure_contrasts
from cosmos_board.board.findings.shares import measure_shares
from cosmos_board.board.messages import Message, name_failing
from cosmos_board.board.studies.effects import Sample, take_sample
from cosmos_board.board.studies.reference_sample import ReferenceSample, take_references
from cosmos_board.board.types import FailedAnswers
from cosmos_board.core.arrays import Bools, Floats
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.store.queries.factors import prepare_reference_dice
from cosmos_board.store.queries.studies import ClickSums, JitterSums, read_clicks, read_jitter

POINTS = ("point", "points-5", "points-5-5")
"""The prompts of points alone, which F3 compares with the box."""


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
            whole = self.cube.whole_dice(FULL, prompt, _choose(prompt, selection))
            self._dice[key] = {
                model: np.where(self.is_unseen(model), values, np.nan)
                for model, values in whole.items()
            }
        return self._dice[key]

    def explain_lack(
        self, names: Sequence[str], prompts: Sequence[str], selection: Selection
    ) -> list[Message]:
        """Return what is missing of prompts with which none of some models has scores that count.

        Where a model answered and failed too often, that is named in place of the prompt.
        """
        missing = []
        for prompt in prompts:
            failing = self.find_failing(names, [prompt], selection)
            missing += failing or [Message.of("prompt", prompt=prompt)]
        return missing

    def find_failing(
        self, names: Sequence[str], prompts: Sequence[str], selection: Selection
    ) -> list[Message]:
        """Return which of some models have no part with a prompt since too many answers failed."""
        return [
            name_failing(name, prompt, counts.failed, counts.answers)
            for prompt in prompts
            for name, counts in self.failing(prompt, selection).items()
            if name in names
        ]

    def failing(self, prompt: str, selection: Selection) -> dict[str, FailedAnswers]:
        """Return the models of which too many answers failed; selections as in `dice`."""
        return self.cube.failing(FULL, prompt, _choose(prompt, selection))

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
        lacking = [
            prompt
            for prompt, table in zip(prompts, tables, strict=True)
            if not any(name in table for name in names)
        ]
        missing = self.explain_lack(names, lacking, selection)
        values = {
            name: np.stack([table[name] for table in tables])
            for name in names
            if all(name in table for table in tables)
        }
        used = find_fullest(values, names)
        if not used and not missing:
            missing = self.find_failing(names, prompts, selection)
            missing = missing or [Message.of("one-model-with-prompts", prompts=prompts)]
        if missing:
            return nothing, missing_evidence(*missing)
        return average_models(values, used), Evidence(models=used)


Measure: TypeAlias = Callable[[FindingInputs, tuple[str, ...], Selection], Evidence]
"""From scores, the models of a family and a selection to evidence."""


def _choose(prompt: str, selection: Selection) -> Selection:
    """Return the selection that stands for `selection` with a prompt."""
    return "oracle" if prompt == "everything" else selection


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


def measure_spread(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F1: shares of targets that are done well and badly, each with its best prompt.

    `everything` has no masks that its own predicted IoU chose, so it competes by oracle alone.
    """
    prompts = [name for name in PROMPTS if name != "everything" or selection == "oracle"]
    have = {
        name: tuple(prompt for prompt in prompts if name in inputs.dice(prompt, selection))
        for name in names
    }
    most = max((len(found) for found in have.values()), default=0)
    if not most:
        failing = inputs.find_failing(names, prompts, selection)
        return missing_evidence(*(failing or [Message.of("promptable-scores")]))
    common = next(have[name] for name in names if len(have[name]) == most)
    values, averaged = inputs.average(names, common, selection)
    if averaged.missing:
        return averaged
    return measure_shares(inputs.sample, values, averaged.models)


def measure_size(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F2: ViT-H minus ViT-B, mean over the six prompts."""
    pair = ("sam-vit-h", "sam-vit-b")
    absent = [Message.of("model", model=n) for n in sorted(pair) if n not in inputs.cube.models]
    if absent:
        return missing_evidence(*absent)
    missing = inputs.find_failing(pair, tuple(PROMPTS), selection)
    for name in sorted(pair):
        lacking = tuple(
            prompt
            for prompt in PROMPTS
            if name not in inputs.dice(prompt, selection)
            and name not in inputs.failing(prompt, selection)
        )
        if lacking:
            missing.append(Message.of("model-prompts", model=name, prompts=lacking))
    if missing:
        return missing_evidence(*missing)
    large, small = (
        np.mean([inputs.dice(prompt, selection)[name] for prompt in PROMPTS], axis=0)
        for name in pair
    )
    contrast = Contrast(name=Message("size-gain"), more=large, less=small)
    return measure_contrasts(inputs.sample, [contrast], pair)


def measure_prompts(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F3: a point over everything, and the box over each prompt of points."""
    values, averaged = inputs.average(names, tuple(PROMPTS), selection)
    if averaged.missing:
        return averaged
    dice = dict(zip(PROMPTS, values, strict=True))
    point = Contrast(name=Message("point-gain"), more=dice["point"], less=dice["everything"])
    box = [
        Contrast(name=Message.of("box-gain", prompt=prompt), more=dice["box"], less=dice[prompt])
        for prompt in POINTS
    ]
    return measure_contrasts(inputs.sample, [point, *box], averaged.models)
