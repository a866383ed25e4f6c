"""The practitioner's question, answered for every target at once, as a page needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from cosmos_board.board.advice.advice import (
    Advice,
    find_care,
    find_careful_px,
    find_members,
    judge_status,
)
from cosmos_board.board.advice.options import find_simpler, recommend, weigh_options
from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import Sample, take_sample
from cosmos_board.board.studies.jitter import JitterRow
from cosmos_board.core.targets import Target
from cosmos_board.store.queries.advice import Outcomes, read_outcomes


def advise_everywhere(
    cube: Cube, jitter: Sequence[JitterRow], *, track: str = "full", per_prompt: int = 1
) -> tuple[Advice, ...]:
    """Return advice for every target that somebody answered, by name.

    What it says of a target is what `advise` says, of fewer options and without notes.

    Args:
        cube: The board database.
        jitter: From `study_jitter`.
        track: Which track.
        per_prompt: How many segmenters to weigh with each prompt.
    """
    sample = take_sample(cube, track)
    if not len(sample.units):
        return ()
    every = replace(sample, kept=np.ones(len(sample.units), np.bool_))
    outcomes = read_outcomes(cube.connection, sample.units.number.tolist(), track=track)
    found: list[Advice] = []
    for target in sorted(sample.units.targets, key=lambda one: one.name):
        # synthetic data answers for itself alone
        own = sample if len(find_members(sample, target.name)) else every
        found.extend(_advise_one(cube, own, target, outcomes, jitter, per_prompt))
    return tuple(found)


def _advise_one(
    cube: Cube,
    sample: Sample,
    target: Target,
    outcomes: Outcomes,
    jitter: Sequence[JitterRow],
    per_prompt: int,
) -> Iterator[Advice]:
    members = find_members(sample, target.name)
    here = replace(
        outcomes,
        references=outcomes.references[:, members],
        failed=outcomes.failed[:, members],
        present=outcomes.present[members],
        dice=outcomes.dice[:, members],
        failures=outcomes.failures[:, members],
    )
    options = weigh_options(cube, sample, members, here, per_prompt=per_prompt)
    if not options:
        return
    best = recommend(options)
    care = () if best is None else find_care(best, target.name, jitter)
    yield Advice(
        modality=target.modality,
        object=target.object,
        size_px=None,
        status=judge_status(options),
        best=best,
        simpler=find_simpler(options),
        options=options,
        care=care,
        careful_px=find_careful_px(care),
        near=(),
        notes=(),
    )
