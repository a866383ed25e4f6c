"""What can be advised for one target: each segmenter with each prompt, best first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import Effect, Sample, average_targets, measure_effect
from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.core.scores import fails_too_often
from cosmos_board.stats.testing import Verdict
from cosmos_board.store.queries.advice import Outcomes

EFFORT = {"point": 1, "box": 2, "box-point": 3, "points-5": 5, "points-5-5": 10}
"""Clicks that each prompt costs a user; a box costs two. Everything mode is no advice: its score
picks the mask by looking at the reference."""

ADEQUATE_DICE = 0.5
"""Mean Dice under which nothing is recommended: drawing anew is quicker than correcting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One segmenter with one prompt, the model choosing its own best candidate."""

    model: str
    prompt: str
    dice: Effect
    failure: Effect
    """Share of references with Dice under 0.5, where drawing anew is quicker than correcting;
    clusters weigh as in every score."""

    behind: Effect | None
    """Dice that it falls short of the best option, paired; None for the best itself."""

    verdict: Verdict | None
    """What that amounts to, read from the best: `equivalent` means nothing is lost."""

    adequate: bool
    """Whether it may be recommended: ahead of every trivial baseline, with whatever prompt, and
    of at least `ADEQUATE_DICE`."""


def weigh_options(
    cube: Cube,
    sample: Sample,
    members: Ints,
    outcomes: Outcomes,
    *,
    per_prompt: int | None = None,
) -> tuple[Option, ...]:
    """Return the options of one target, best first; baselines are none.

    Only models count that answered every reference, of whose answers at most 1 % failed
    technically, and that were not trained on these images.

    Args:
        cube: The board database.
        sample: Which units count.
        members: Units of the target, by index into the sample; those of `outcomes`, in order.
        outcomes: What became of their references.
        per_prompt: How many segmenters to describe with each prompt; all by default.
    """
    usable = outcomes.present > 0
    scored: list[tuple[str, str, Floats]] = []
    floor = ADEQUATE_DICE
    for index, column in enumerate(outcomes.columns):
        whole = (outcomes.references[index] == outcomes.present)[usable].all()
        if column.selection != "predicted" or column.prompt not in EFFORT or not whole:
            continue
        failed, answers = (of[index, usable].sum() for of in (outcomes.failed, outcomes.references))
        if fails_too_often(failed, answers):
            continue
        if not _may_advise(cube, sample, column.model, members[usable]):
            continue
        dice = outcomes.dice[index, usable]
        if cube.models[column.model].kind == "baseline":
            floor = max(floor, float(np.nanmean(dice)) if len(dice) else floor)
            continue
        values: Floats = np.full((2, len(sample.units)), np.nan)
        values[:, members[usable]] = dice, outcomes.failures[index, usable]
        scored.append((column.model, column.prompt, values))
    references = np.zeros(len(sample.units), np.int64)
    references[members] = outcomes.present
    scored.sort(key=lambda entry: (-float(np.nanmean(entry[2][0])), EFFORT[entry[1]], entry[0]))
    seen = Counter[str]()
    options = []
    for rank, (model, prompt, values) in enumerate(scored):
        seen[prompt] += 1
        if per_prompt is None or seen[prompt] <= per_prompt:
            best = scored[0][2] if rank else None
            option = _describe(sample, model, prompt, values, best, references)
            options.append(replace(option, adequate=option.dice.value > floor))
    return tuple(options)


def _may_advise(cube: Cube, sample: Sample, model: str, members: Ints) -> bool:
    """Return whether a model's score is its own and was not learnt from these images."""
    if model not in cube.models or cube.models[model].observer:
        return False
    datasets = {sample.units.datasets[index] for index in sample.units.dataset[members]}
    return all(cube.exposures[model, name] != "trained-on" for name in datasets)


def _describe(
    sample: Sample,
    model: str,
    prompt: str,
    values: Floats,
    best: Floats | None,
    references: Ints,
) -> Option:
    def measure(column: Floats, least: float) -> Effect:
        means = average_targets(sample, column, references=references)
        effect = measure_effect(means, bounds=(least, 1.0))
        assert effect is not None, "the target has units"
        return effect

    behind = None if best is None else measure(best[:1] - values[:1], -1.0)
    return Option(
        model=model,
        prompt=prompt,
        dice=measure(values[:1], 0.0),
        failure=measure(values[1:], 0.0),
        behind=behind,
        verdict=None if behind is None else behind.verdict,
        adequate=False,
    )


def recommend(options: tuple[Option, ...]) -> Option | None:
    """Return the option to recommend; None where none is adequate or clusters are too few."""
    if not options or not options[0].adequate or options[0].dice.low is None:
        return None
    return options[0]


def find_simpler(options: tuple[Option, ...]) -> Option | None:
    """Return the cheapest prompt that is equivalent to the best option, if there is one."""
    best = recommend(options)
    if best is None:
        return None
    cheaper = [
        option
        for option in options[1:]
        if option.adequate
        and option.verdict == "equivalent"
        and EFFORT[option.prompt] < EFFORT[best.prompt]
    ]
    return min(cheaper, key=lambda option: EFFORT[option.prompt], default=None)
