"""Advice on one target: which segmenter and prompt to use, and what Dice to expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal, TypeAlias

import numpy as np

from cosmos_board.board.advice.care import Care, find_care, find_careful_px
from cosmos_board.board.advice.choice import ADEQUATE_DICE, Choice, choose
from cosmos_board.board.advice.options import EFFORT, Option, OptionScores, score_options
from cosmos_board.board.cube import Cube
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import Sample, take_sample
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.core.arrays import Ints
from cosmos_board.core.errors import InputError
from cosmos_board.core.modalities import get_modality
from cosmos_board.core.targets import Target
from cosmos_board.core.tracks import FULL
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.advice import read_outcomes

AdviceVerdict: TypeAlias = Literal[
    "advised",
    "no tested model is adequate for this target",
    "too few clusters to recommend a model",
    "no data",
]
"""What the advice on a target amounts to."""

SIZE_BAND = 2.0
"""References count whose area is within this factor of the size that was asked for."""

_NEAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NearTarget:
    """A target with the same object or modality, shown where the requested one has no scores."""

    target: str
    best: Choice | None
    """What is advised there; None where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the board knows of one target."""

    modality: str
    object: str
    size_px: int | None
    verdict: AdviceVerdict = "no data"
    clusters: int = 0
    references: int = 0
    """Behind every option."""

    options: tuple[Option, ...] = ()
    """All segmenters and prompts that were weighed, the highest mean Dice first; by name where
    there are too few clusters to order them."""

    choices: tuple[Choice, ...] = ()
    """What to use within each effort, the least effort first; nothing under 10 clusters."""

    care: tuple[Care, ...] = ()
    careful_px: int | None = None
    """Displacement up to which the best option surely loses at most 0.05 Dice; 0 where even
    the least does not; None where that was not measured."""

    near: tuple[NearTarget, ...] = ()
    """Only where the target is unknown."""

    notes: tuple[Message, ...] = ()
    """Caveats that must be shown with the advice."""

    @property
    def best(self) -> Choice | None:
        """What is recommended; None unless the verdict is `advised`."""
        return self.choices[-1] if self.verdict == "advised" else None


def advise(cube: Cube, modality: str, object: str, size_px: int | None = None) -> Advice:
    """Return which segmenter and prompt to use for an object, and what to expect.

    `size_px` is the area of the object in pixels; any size by default.

    Raises:
        InputError: If the modality is unknown, or a name or size is malformed.
    """
    get_modality(modality)
    wanted = Target(modality, object)
    if size_px is not None and size_px < 1:
        raise InputError("--size", "", "is no area in pixels", got=size_px, want="at least 1")
    sample = _take_sample_of(take_sample(cube), wanted)
    members = find_members(sample, wanted)
    scores, notes = _find_scores(cube, sample, members, size_px)
    if scores is None:
        return Advice(
            modality=modality,
            object=object,
            size_px=size_px,
            near=_find_near(cube, sample, wanted),
            notes=(_explain_absence(sample, wanted, members), *notes),
        )
    advice = replace(_describe(wanted, scores), size_px=size_px)
    return replace(
        _add_care(advice, () if advice.best is None else study_jitter(cube)),
        notes=(*notes, *_find_caveats(cube, sample, members, advice)),
    )


def advise_everywhere(
    cube: Cube, jitter: Sequence[JitterRow], *, track: str = FULL, per_prompt: int = 1
) -> tuple[Advice, ...]:
    """Return advice for every target that somebody answered, by name.

    What it says of a target is what `advise` says, of `per_prompt` segmenters with each prompt and
    without notes; what is chosen and how wide intervals are rests on all.
    """
    everything = take_sample(cube, track)
    if not len(everything.units):
        return ()
    outcomes = read_outcomes(cube.connection, everything.units.number.tolist(), track=track)
    advice = []
    for target in sorted(everything.units.targets, key=lambda target: target.name):
        sample = _take_sample_of(everything, target)
        members = find_members(sample, target)
        by_unit = ("references", "failed", "present", "dice", "failures")
        here = {name: getattr(outcomes, name)[..., members] for name in by_unit}
        scores = score_options(cube, sample, members, replace(outcomes, **here))
        if scores is not None:
            advice.append(_add_care(_describe(target, scores, per_prompt), jitter))
    return tuple(advice)


def _take_sample_of(sample: Sample, target: Target) -> Sample:
    """Return the sample for one target: synthetic data answers for itself alone."""
    everything = replace(sample, counted=np.ones(len(sample.units), np.bool_))
    if len(find_members(sample, target)) or not len(find_members(everything, target)):
        return sample
    return everything


def find_members(sample: Sample, target: Target) -> Ints:
    """Return the units of a target that count, by index."""
    if target not in sample.units.targets:
        return np.zeros(0, np.int64)
    number = sample.units.targets.index(target)
    return np.flatnonzero(sample.counted & (sample.units.target == number))


def _find_scores(
    cube: Cube, sample: Sample, members: Ints, size_px: int | None
) -> tuple[OptionScores | None, tuple[Message, ...]]:
    """Return what the options scored, and what must be said about the size."""
    if not len(members):
        return None, ()
    notes: tuple[Message, ...] = ()
    numbers = sample.units.number[members].tolist()
    if size_px is not None:
        band = (size_px / SIZE_BAND, size_px * SIZE_BAND)
        outcomes = read_outcomes(cube.connection, numbers, size_px=band)
        enough = np.count_nonzero(outcomes.present) >= MINIMUM_CLUSTERS
        if enough and (scores := score_options(cube, sample, members, outcomes)):
            return scores, (Message.of("of-that-size", low=round(band[0]), high=round(band[1])),)
        notes = (Message.of("too-few-of-that-size", least=MINIMUM_CLUSTERS),)
    outcomes = read_outcomes(cube.connection, numbers)
    return score_options(cube, sample, members, outcomes), notes


def _describe(target: Target, scores: OptionScores, per_prompt: int | None = None) -> Advice:
    """Return the advice on a target, `per_prompt` options of each prompt being described."""
    options = scores.describe()
    shown, seen = [], Counter[str]()
    for number, (_, prompt) in enumerate(scores.names):
        seen[prompt] += 1
        if per_prompt is None or seen[prompt] <= per_prompt:
            shown.append(number)
    efforts = sorted({EFFORT[prompt] for prompt in seen}) if scores.wide else []
    choices = tuple(choose(scores, options, effort, shown) for effort in efforts)
    verdict: AdviceVerdict = "too few clusters to recommend a model"
    if choices and choices[-1].adequacy == "adequate":
        verdict = "advised"
    elif choices:
        verdict = "no tested model is adequate for this target"
    described = [options[number] for number in shown]
    if not choices:
        described.sort(key=lambda option: (option.model, EFFORT[option.prompt]))
    return Advice(
        modality=target.modality,
        object=target.object,
        size_px=None,
        verdict=verdict,
        clusters=scores.clusters,
        references=scores.references,
        options=tuple(described),
        choices=choices,
    )


def _add_care(advice: Advice, jitter: Sequence[JitterRow]) -> Advice:
    """Return the advice with what displacements of the prompt cost the best option."""
    if advice.best is None:
        return advice
    care = find_care(advice.best.option, f"{advice.modality}.{advice.object}", jitter)
    return replace(advice, care=care, careful_px=find_careful_px(care))


def _find_near(cube: Cube, sample: Sample, wanted: Target) -> tuple[NearTarget, ...]:
    """Return what is advised on targets with the same object, then of the same modality."""
    others = [target for target in sample.units.targets if target != wanted]
    alike = [target for target in others if target.object == wanted.object]
    alike += [t for t in others if t.modality == wanted.modality and t not in alike]
    near = []
    for target in alike[:_NEAR]:
        scores, _ = _find_scores(cube, sample, find_members(sample, target), None)
        if scores is not None:
            near.append(NearTarget(target=target.name, best=_describe(target, scores, 0).best))
    return tuple(near)


def _explain_absence(sample: Sample, wanted: Target, members: Ints) -> Message:
    if len(members):
        return Message.of("no-whole-answers", target=wanted.name)
    objects = {target.object for target in sample.units.targets} - {wanted.object}
    if close := get_close_matches(wanted.object, sorted(objects)):
        return Message.of("no-data-but-near", target=wanted.name, names=tuple(close))
    return Message.of("no-data", target=wanted.name)


def _find_caveats(cube: Cube, sample: Sample, members: Ints, advice: Advice) -> Iterator[Message]:
    if not advice.choices:
        yield Message.of("too-few-to-recommend", n=advice.clusters, least=MINIMUM_CLUSTERS)
    elif advice.choices[-1].adequacy == "low":
        yield Message.of("low-dice", dice=ADEQUATE_DICE)
    elif advice.choices[-1].adequacy == "not above baselines":
        yield Message.of("not-above-baselines")
    datasets = {sample.units.datasets[index] for index in sample.units.dataset[members]}
    if len(datasets) == 1:
        yield Message.of("one-dataset")
    if any(cube.datasets[name].synthetic for name in datasets):
        yield Message.of("synthetic-data")
