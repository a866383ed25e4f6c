"""The practitioner's question: which segmenter and prompt for my object, and what to expect?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal, TypeAlias

import numpy as np

from cosmos_board.board.advice.options import (
    ADEQUATE_DICE,
    Option,
    find_simpler,
    recommend,
    weigh_options,
)
from cosmos_board.board.cube import Cube
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import Effect, Sample, take_sample
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.core.arrays import Ints
from cosmos_board.core.errors import InputError
from cosmos_board.core.modalities import get_modality
from cosmos_board.core.targets import Target
from cosmos_board.core.tracks import FULL
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.advice import read_outcomes

AdviceStatus: TypeAlias = Literal["known", "inadequate", "thin", "unknown"]
"""Known with an interval; known, and no tested model is adequate; scored on under 10 clusters, so
that nothing is recommended; not known."""

CAREFUL_DROP = 0.05
"""Dice that a careless prompt may cost."""

SIZE_BAND = 2.0
"""References count whose area is within this factor of the size that was asked for."""

_NEAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What a displacement of the prompt costs."""

    level: int
    """Displacements lie in [level, level + 10) pixels."""

    drop: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class NearTarget:
    """A target that shares the object or the modality, for want of the one asked for."""

    target: str
    option: Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the board knows of one target."""

    modality: str
    object: str
    size_px: int | None
    status: AdviceStatus = "unknown"
    best: Option | None = None
    """What is recommended; None unless the status is `known`."""

    simpler: Option | None = None
    """The cheapest prompt that is equivalent to the best option; None where none is."""

    options: tuple[Option, ...] = ()
    """All segmenters and prompts that were weighed, the highest mean Dice first."""

    care: tuple[Care, ...] = ()
    careful_px: int | None = None
    """Displacement up to which the best option surely loses at most 0.05 Dice; 0 where even
    the least does not; None where that was not measured."""

    near: tuple[NearTarget, ...] = ()
    """Only where the target is unknown."""

    notes: tuple[Message, ...] = ()
    """What a reader must be told beside it."""


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
    options, notes = _find_options(cube, sample, members, size_px)
    if not options:
        return Advice(
            modality=modality,
            object=object,
            size_px=size_px,
            near=_find_near(cube, sample, wanted),
            notes=(_explain_absence(sample, wanted, members), *notes),
        )
    jitter = () if recommend(options) is None else study_jitter(cube)
    return replace(
        _describe_options(wanted, options, jitter),
        size_px=size_px,
        notes=(*notes, *_find_caveats(cube, sample, members, options[0])),
    )


def advise_everywhere(
    cube: Cube, jitter: Sequence[JitterRow], *, track: str = FULL, per_prompt: int = 1
) -> tuple[Advice, ...]:
    """Return advice for every target that somebody answered, by name.

    What it says of a target is what `advise` says, of `per_prompt` segmenters with each prompt and
    without notes.
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
        options = weigh_options(
            cube, sample, members, replace(outcomes, **here), per_prompt=per_prompt
        )
        if options:
            advice.append(_describe_options(target, options, jitter))
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


def _describe_options(
    target: Target, options: tuple[Option, ...], jitter: Sequence[JitterRow]
) -> Advice:
    best = recommend(options)
    care = () if best is None else _find_care(best, target.name, jitter)
    status: AdviceStatus = "known" if options[0].adequate else "inadequate"
    return Advice(
        modality=target.modality,
        object=target.object,
        size_px=None,
        status="thin" if options[0].dice.low is None else status,
        best=best,
        simpler=find_simpler(options),
        options=options,
        care=care,
        careful_px=_find_careful_px(care),
    )


def _find_options(
    cube: Cube, sample: Sample, members: Ints, size_px: int | None
) -> tuple[tuple[Option, ...], tuple[Message, ...]]:
    """Return the options, best first, and what must be said about the size."""
    notes: tuple[Message, ...] = ()
    if not len(members):
        return (), notes
    numbers = sample.units.number[members].tolist()
    if size_px is not None:
        band = (size_px / SIZE_BAND, size_px * SIZE_BAND)
        outcomes = read_outcomes(cube.connection, numbers, size_px=band)
        enough = np.count_nonzero(outcomes.present) >= MINIMUM_CLUSTERS
        if enough and (options := weigh_options(cube, sample, members, outcomes)):
            return options, (Message.of("of-that-size", low=round(band[0]), high=round(band[1])),)
        notes = (Message.of("too-few-of-that-size", least=MINIMUM_CLUSTERS),)
    outcomes = read_outcomes(cube.connection, numbers)
    return weigh_options(cube, sample, members, outcomes), notes


def _find_care(best: Option, target: str, jitter: Sequence[JitterRow]) -> tuple[Care, ...]:
    """Return what displacements cost the best option, the smallest first."""
    mode = "first" if best.prompt in ("point", "box", "box-point") else "all"
    return tuple(
        Care(level=row.level, drop=row.drop)
        for row in sorted(jitter, key=lambda row: row.level)
        if (row.model, row.prompt, row.selection, row.mode, row.target)
        == (best.model, best.prompt, "predicted", mode, target)
    )


def _find_careful_px(care: tuple[Care, ...]) -> int | None:
    """Return the displacement up to which at most 0.05 Dice is surely lost, as in `Advice`."""
    if not care or care[0].drop.high is None:
        return None
    careful_px = 0
    for step in care:
        if step.drop.high is None or step.drop.high > CAREFUL_DROP:
            break
        careful_px = step.level + 10
    return careful_px


def _find_near(cube: Cube, sample: Sample, wanted: Target) -> tuple[NearTarget, ...]:
    """Return the best option of targets with the same object, then of the same modality."""
    others = [target for target in sample.units.targets if target != wanted]
    alike = [target for target in others if target.object == wanted.object]
    alike += [t for t in others if t.modality == wanted.modality and t not in alike]
    near = []
    for target in alike[:_NEAR]:
        options, _ = _find_options(cube, sample, find_members(sample, target), None)
        if options:
            near.append(NearTarget(target=target.name, option=options[0]))
    return tuple(near)


def _explain_absence(sample: Sample, wanted: Target, members: Ints) -> Message:
    if len(members):
        return Message.of("no-whole-answers", target=wanted.name)
    objects = {target.object for target in sample.units.targets} - {wanted.object}
    if close := get_close_matches(wanted.object, sorted(objects)):
        return Message.of("no-data-but-near", target=wanted.name, names=tuple(close))
    return Message.of("no-data", target=wanted.name)


def _find_caveats(cube: Cube, sample: Sample, members: Ints, first: Option) -> Iterator[Message]:
    if first.dice.low is None:
        clusters = first.dice.clusters
        yield Message.of("too-few-to-recommend", n=clusters, least=MINIMUM_CLUSTERS)
    elif not first.adequate:
        yield Message.of("none-adequate", dice=ADEQUATE_DICE)
    datasets = {sample.units.datasets[index] for index in sample.units.dataset[members]}
    if len(datasets) == 1:
        yield Message.of("one-dataset")
    if any(cube.datasets[name].synthetic for name in datasets):
        yield Message.of("synthetic-data")
