"""What each further click brings, and who needs fewer of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    TargetMeans,
    average_targets,
    measure_effect,
    take_sample,
)
from cosmos_board.core.arrays import Floats
from cosmos_board.stats.ranks import nearest_percentiles
from cosmos_board.store.queries.studies import CLICKS, ClickSums, read_clicks

GOALS = (0.85, 0.90)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClicksToGoal:
    """How many clicks a Dice takes (NoC), trajectories that never get there being censored."""

    goal: float
    median: int | None
    """Kaplan–Meier median; None when more than half never get there within 10 clicks."""

    low: int | None
    high: int | None
    """2.5 and 97.5 percentile over replicates; None stands for more than 10 clicks."""

    never: float
    """Share that never gets there within 10 clicks, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClicksRow:
    """One model's clicks, macro over targets."""

    model: str
    selection: str
    dice: tuple[Effect, ...]
    """After 1 … 10 clicks."""

    nsd: tuple[Effect, ...]
    area: Effect
    """Trapezoid under the Dice curve over clicks 1–10, divided by 9."""

    goals: tuple[ClicksToGoal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Where an interactive method catches up with a promptable model."""

    model: str
    method: str
    selection: str
    click: int | None
    """First click at which the method is at least as good after having been behind; None if
    it is never behind or never catches up within 10 clicks."""

    ahead_at_first: bool
    """Whether the model leads at click 1."""

    low: int | None
    high: int | None
    """2.5 and 97.5 percentile over replicates; None stands for not within 10 clicks."""

    first: Effect
    """Model minus method at click 1, Dice, on the targets of both."""

    last: Effect
    """The same at click 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClicksStudy:
    """The clicks study."""

    rows: tuple[ClicksRow, ...]
    crossings: tuple[Crossing, ...]


def study_clicks(cube: Cube) -> ClicksStudy:
    """Return curves, clicks to each goal, area and crossing points."""
    sample = take_sample(cube)
    sums = read_clicks(cube.connection, GOALS)
    described = (_describe(sample, sums, place) for place in range(len(sums.columns)))
    return ClicksStudy(
        rows=tuple(row for row in described if row is not None),
        crossings=_find_crossings(cube, sample, sums),
    )


def area(means: Floats) -> Floats:
    """Return the mean height of the curve over clicks 1 … n, averaged over targets.

    Args:
        means: Axes (clicks, targets, replicates).
    """
    inner = means[1:-1].sum(axis=0) + (means[0] + means[-1]) / 2
    height: Floats = (inner / (len(means) - 1)).mean(axis=0)
    return height


def _at(click: int, means: Floats) -> Floats:
    dice: Floats = means[click].mean(axis=0)
    return dice


def _curve(means: TargetMeans) -> tuple[Effect, ...]:
    effects = (
        measure_effect(means, partial(_at, click), bounds=(0, 1))
        for click in range(len(means.scores))
    )
    return tuple(effect for effect in effects if effect is not None)


def _describe(sample: Sample, sums: ClickSums, place: int) -> ClicksRow | None:
    number = sample.units.number
    dice = average_targets(sample, sums.dice[place][:, number])
    under = measure_effect(dice, area, bounds=(0, 1))
    if under is None:
        return None
    nsd = average_targets(sample, sums.nsd[place][:, number])
    return ClicksRow(
        model=sums.columns[place].model,
        selection=sums.columns[place].selection,
        dice=_curve(dice),
        nsd=_curve(nsd),
        area=under,
        goals=tuple(
            _count_clicks(average_targets(sample, shares[place][:, number]), goal)
            for goal, shares in sums.reached.items()
        ),
    )


def _count_clicks(means: TargetMeans, goal: float) -> ClicksToGoal:
    """Return the median clicks, references, clusters and targets weighing as in every score."""
    median, low, high = _count_with_bounds(means, lambda shares: limited_medians(shares.T))
    never = max(0.0, 1.0 - float(means.scores.mean(axis=1).sum()))
    return ClicksToGoal(goal=goal, median=median, low=low, high=high, never=never)


def limited_medians(shares: Floats) -> Floats:
    """Return the Kaplan–Meier median of each row where every censoring is at the last click.

    The product-limit curve is then the plain share that is left.

    Args:
        shares: Share of all that gets there at clicks 1 … limit, shape (rows, limit).

    Returns:
        Medians, shape (rows,); infinite when more than half never get there.

    Example:
        >>> limited_medians(np.array([[0.2, 0.3, 0.1], [0.2, 0.1, 0.1]])).tolist()
        [2.0, inf]
    """
    reached = np.cumsum(shares, axis=1) >= 0.5 - 1e-12
    return np.where(reached.any(axis=1), np.argmax(reached, axis=1) + 1.0, np.inf)


def _count_with_bounds(
    means: TargetMeans, count: Callable[[Floats], Floats]
) -> tuple[int | None, int | None, int | None]:
    """Return a number of clicks and its 2.5 and 97.5 percentile over replicates; None is more."""
    clicks = [count(means.scores.mean(axis=1)[:, None])]
    if means.replicates.shape[1]:
        clicks += nearest_percentiles(count(means.replicates.mean(axis=1))[None, :])
    whole = [int(value[0]) if np.isfinite(value[0]) else None for value in clicks]
    return whole[0], *(whole[1:] or (None, None))


def _find_crossings(cube: Cube, sample: Sample, sums: ClickSums) -> tuple[Crossing, ...]:
    kinds = {name: model.kind for name, model in cube.models.items()}
    crossings = (
        _cross(sample, sums, a, b)
        for a, column in enumerate(sums.columns)
        for b, other in enumerate(sums.columns)
        if kinds.get(column.model) == "promptable"
        and kinds.get(other.model) == "classical"
        and column.selection == other.selection
    )
    return tuple(crossing for crossing in crossings if crossing is not None)


def _cross(sample: Sample, sums: ClickSums, a: int, b: int) -> Crossing | None:
    number = sample.units.number
    same = sums.references[a] == sums.references[b]
    difference = np.where(same, sums.dice[a] - sums.dice[b], np.nan)[:, number]
    means = average_targets(sample, difference)
    first = measure_effect(means, partial(_at, 0))
    last = measure_effect(means, partial(_at, CLICKS - 1))
    if first is None or last is None:
        return None
    click, low, high = _count_with_bounds(means, crossing_clicks)
    return Crossing(
        model=sums.columns[a].model,
        method=sums.columns[b].model,
        selection=sums.columns[a].selection,
        click=click,
        ahead_at_first=first.value > 0,
        low=low,
        high=high,
        first=first,
        last=last,
    )


def crossing_clicks(lead: Floats) -> Floats:
    """Return the first click at which a lead is gone, infinite where it is not or never was.

    Args:
        lead: Model minus method, shape (clicks, replicates).

    Returns:
        Clicks from 2 on, shape (replicates,).

    Example:
        >>> crossing_clicks(np.array([[0.2, -0.1], [0.1, 0.1], [0.0, -0.1]])).tolist()
        [3.0, 3.0]
    """
    led = np.maximum.accumulate(lead > 0, axis=0)
    gone = led & (lead <= 0)
    return np.where(gone.any(axis=0), gone.argmax(axis=0) + 1.0, np.inf)
