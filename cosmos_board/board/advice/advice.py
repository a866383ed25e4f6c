"""The practitioner's question: which segmenter and prompt for my object, and what to expect?"""

from __future__ import annotations

from collections.abc import Sequence
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
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    take_sample,
)
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.core.arrays import Ints
from cosmos_board.core.errors import InputError
from cosmos_board.core.modalities import get_modality
from cosmos_board.core.targets import Target
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
    status: AdviceStatus
    best: Option | None
    """What is recommended; None unless the status is `known`."""

    simpler: Option | None
    """The cheapest prompt that is equivalent to the best option; None where none is."""

    options: tuple[Option, ...]
    """All segmenters and prompts that were weighed, the highest mean Dice first."""

    care: tuple[Care, ...]
    careful_px: int | None
    """Displacement up to which the best option surely loses at most 0.05 Dice; 0 where even
    the least does not; None where that was not measured."""

    near: tuple[NearTarget, ...]
    """Only where the target is unknown."""

    notes: tuple[str, ...]
    """Sentences a reader must see."""


def advise(
    cube: Cube,
    modality: str,
    object: str,
    size_px: int | None = None,
    *,
    track: str = "full",
    jitter: Sequence[JitterRow] | None = None,
) -> Advice:
    """Return which segmenter and prompt to use for an object, and what to expect.

    Args:
        cube: The board database.
        modality: Name of a modality.
        object: Name of an object, such as `liver`.
        size_px: Area of the object in pixels; any size by default.
        track: Which track.
        jitter: From `study_jitter`, where the caller has it already.

    Raises:
        InputError: If the modality is unknown, or a name or size is malformed.
    """
    get_modality(modality)
    wanted = Target(modality, object)
    if size_px is not None and size_px < 1:
        raise InputError("--size", "", "is no area in pixels", got=size_px, want="at least 1")
    sample = take_sample(cube, track)
    members = find_members(sample, wanted.name)
    if not len(members):  # synthetic data answers for itself alone
        everything = np.ones(len(sample.units), np.bool_)
        members = find_members(replace(sample, kept=everything), wanted.name)
        sample = replace(sample, kept=everything) if len(members) else sample
    nothing = Advice(
        modality=modality, object=object, size_px=size_px, status="unknown", best=None,
        simpler=None, options=(), care=(), careful_px=None, near=(), notes=(),
    )  # fmt: skip
    options, notes = _find_options(cube, sample, members, track, size_px)
    if not options:
        return replace(
            nothing,
            near=_find_near(cube, sample, wanted, track),
            notes=(*_explain_absence(sample, wanted, members), *notes),
        )
    best = recommend(options)
    care: tuple[Care, ...] = ()
    if best is not None:
        care = find_care(best, wanted.name, study_jitter(cube, track) if jitter is None else jitter)
    return replace(
        nothing,
        status=judge_status(options),
        best=best,
        simpler=find_simpler(options),
        options=options,
        care=care,
        careful_px=find_careful_px(care),
        notes=(*notes, *_caveats(cube, sample, members, options[0])),
    )


def judge_status(options: tuple[Option, ...]) -> AdviceStatus:
    """Return what is known of a target that has options."""
    if options[0].dice.low is None:
        return "thin"
    return "known" if options[0].adequate else "inadequate"


def find_members(sample: Sample, target: str) -> Ints:
    """Return the units of a target that count, by index."""
    names = [one.name for one in sample.units.targets]
    if target not in names:
        return np.zeros(0, np.int64)
    return np.flatnonzero(sample.kept & (sample.units.target == names.index(target)))


def _find_options(
    cube: Cube, sample: Sample, members: Ints, track: str, size_px: int | None
) -> tuple[tuple[Option, ...], tuple[str, ...]]:
    """Return the options, best first, and what must be said about the size."""
    notes: tuple[str, ...] = ()
    if not len(members):
        return (), notes
    numbers = sample.units.number[members].tolist()
    if size_px is not None:
        band = (size_px / SIZE_BAND, size_px * SIZE_BAND)
        outcomes = read_outcomes(cube.connection, numbers, track=track, size_px=band)
        enough = np.count_nonzero(outcomes.present) >= MINIMUM_CLUSTERS
        if enough and (options := weigh_options(cube, sample, members, outcomes)):
            return options, (f"From references of {band[0]:.0f} to {band[1]:.0f} px.",)
        notes = (
            f"Fewer than {MINIMUM_CLUSTERS} clusters have the object at that size: "
            "what follows is about all sizes.",
        )
    outcomes = read_outcomes(cube.connection, numbers, track=track)
    return weigh_options(cube, sample, members, outcomes), notes


def find_care(best: Option, target: str, jitter: Sequence[JitterRow]) -> tuple[Care, ...]:
    """Return what displacements cost the best option, the smallest first."""
    mode = "first" if best.prompt in ("point", "box", "box-point") else "all"
    return tuple(
        Care(level=row.level, drop=row.drop)
        for row in sorted(jitter, key=lambda row: row.level)
        if (row.model, row.prompt, row.selection, row.mode, row.target)
        == (best.model, best.prompt, "predicted", mode, target)
    )


def find_careful_px(care: tuple[Care, ...]) -> int | None:
    """Return the displacement up to which at most 0.05 Dice is surely lost, as in `Advice`."""
    if not care or care[0].drop.high is None:
        return None
    found = 0
    for one in care:
        if one.drop.high is None or one.drop.high > CAREFUL_DROP:
            break
        found = one.level + 10
    return found


def _find_near(cube: Cube, sample: Sample, wanted: Target, track: str) -> tuple[NearTarget, ...]:
    """Return the best option of targets with the same object, then of the same modality."""
    others = [one for one in sample.units.targets if one != wanted]
    alike = [one for one in others if one.object == wanted.object]
    alike += [one for one in others if one.modality == wanted.modality and one not in alike]
    found = []
    for one in alike[:_NEAR]:
        options, _ = _find_options(cube, sample, find_members(sample, one.name), track, None)
        if options:
            found.append(NearTarget(target=one.name, option=options[0]))
    return tuple(found)


def _explain_absence(sample: Sample, wanted: Target, members: Ints) -> tuple[str, ...]:
    if len(members):
        return (
            f"No segmenter beside the baselines answered all references of {wanted.name} without "
            "having been trained on them.",
        )
    objects = sorted({one.object for one in sample.units.targets})
    close = get_close_matches(wanted.object, [name for name in objects if name != wanted.object])
    hint = f" Near in name: {', '.join(close)}." if close else ""
    return (f"The board has no data on {wanted.name}.{hint}",)


def _caveats(cube: Cube, sample: Sample, members: Ints, first: Option) -> tuple[str, ...]:
    notes = []
    if first.dice.low is None:
        noun = "cluster" if first.dice.clusters == 1 else "clusters"
        notes.append(
            f"{first.dice.clusters} {noun}: too few to recommend a model, which takes "
            f"{MINIMUM_CLUSTERS}."
        )
    elif not first.adequate:
        notes.append(
            "No tested model is adequate for this target: none is ahead of the trivial baselines "
            f"with a mean Dice above {ADEQUATE_DICE}."
        )
    datasets = {sample.units.datasets[index] for index in sample.units.dataset[members]}
    if len(datasets) == 1:
        notes.append("All data is from one dataset; other scanners and sites may differ.")
    if any(cube.datasets[name].synthetic for name in datasets):
        notes.append("The data is synthetic.")
    return tuple(notes)
