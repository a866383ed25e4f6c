"""Dice after each click, and how many clicks each model needs to reach a Dice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    RATIO,
    Effect,
    Sample,
    TargetMeans,
    average_targets,
    measure_effects,
    take_sample,
)
from cosmos_board.board.studies.paired import compare_columns
from cosmos_board.board.types import Share
from cosmos_board.core.arrays import Floats
from cosmos_board.stats.intervals import effective_clusters, share_interval
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
    """2.5 and 97.5 percentile over replicates; None stands for more than 10 clicks, and both are
    None where no target has 10 clusters."""

    never: Share | None
    """References that never get there within 10 clicks; None where no target has 10 clusters."""


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
    it is never behind, never catches up within 10 clicks, or no target has 10 clusters."""

    ahead_at_first: bool | None
    """Whether the model is better at click 1; None where neither is shown to be."""

    low: int | None
    high: int | None
    """2.5 and 97.5 percentile over replicates; None stands for not within 10 clicks, and both are
    None where no target has 10 clusters."""

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


def _describe(sample: Sample, sums: ClickSums, place: int) -> ClicksRow | None:
    number = sample.units.number
    dice, nsd = sums.dice[place][:, number], sums.nsd[place][:, number]
    curve = measure_effects(
        average_targets(sample, np.vstack([dice, average_clicks(dice)])), bounds=RATIO
    )
    if not curve:
        return None
    return ClicksRow(
        model=sums.columns[place].model,
        selection=sums.columns[place].selection,
        dice=curve[:-1],
        nsd=measure_effects(average_targets(sample, nsd), bounds=RATIO),
        area=curve[-1],
        goals=tuple(
            _count_clicks(average_targets(sample, shares[place][:, number]), goal)
            for goal, shares in sums.reached.items()
        ),
    )


def average_clicks(curve: Floats) -> Floats:
    """Return the mean height of a curve over clicks 1 … n: the trapezoid, divided by n − 1.

    Args:
        curve: shape (clicks, units).

    Returns:
        shape (units,).

    Example:
        >>> average_clicks(np.array([[0.0], [1.0], [1.0]])).tolist()
        [0.75]
    """
    inner = curve[1:-1].sum(axis=0)
    height: Floats = (inner + (curve[0] + curve[-1]) / 2) / (len(curve) - 1)
    return height


def _count_clicks(means: TargetMeans, goal: float) -> ClicksToGoal:
    """Return the median clicks, references, clusters and targets weighing as in every score."""
    median, low, high = _count_with_bounds(means, lambda shares: limited_medians(shares.T))
    return ClicksToGoal(goal=goal, median=median, low=low, high=high, never=_share_never(means))


def _share_never(means: TargetMeans) -> Share | None:
    if not means.wide:
        return None
    never = min(max(0.0, 1.0 - float(means.scores.mean(axis=1).sum())), 1.0)
    low, high = share_interval(never, effective_clusters(means.measure(columns=1).design))
    return Share(never, float(low), float(high))


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
    if means.wide:
        ordered = np.sort(count(means.replicate().mean(axis=1)))
        places = [int(np.ceil(share * len(ordered))) - 1 for share in (0.025, 0.975)]
        clicks += [ordered[[place]] for place in places]
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
    model, method = (np.where(same, sums.dice[place], np.nan)[:, number] for place in (a, b))
    first, last = (
        compare_columns(average_targets(sample, np.stack([model[click], method[click]])))
        for click in (0, CLICKS - 1)
    )
    if first is None or last is None:
        return None
    lead = average_targets(sample, model - method)
    click, low, high = _count_with_bounds(lead, crossing_clicks) if lead.wide else (None,) * 3
    return Crossing(
        model=sums.columns[a].model,
        method=sums.columns[b].model,
        selection=sums.columns[a].selection,
        click=click,
        ahead_at_first=first.effect.value > 0 if first.effect.is_shown else None,
        low=low,
        high=high,
        first=first.effect,
        last=last.effect,
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
