"""How many clusters a comparison needs, from the spread that a board has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.types import Board, PairTable, Slice
from cosmos_board.core.arrays import Ints
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.prompts import get_prompt_kind
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import get_metric
from cosmos_board.stats.family import Family
from cosmos_board.stats.testing import MARGIN, clusters_to_exceed_failure, needed_clusters

LEAST_DIFFERENCE = 0.011
"""Nearer to the margin no study is large enough: clusters grow as 1 / (difference − 0.01)²."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """What it takes on one slice to call a model better that is so by a given difference."""

    slice: Slice
    clusters: int
    """Clusters that the board has now."""

    cluster_units: tuple[str, ...]
    models: int
    """Ranked models of the board."""

    pairs: int
    """Pairs whose spread was seen; the numbers below are those of the median pair."""

    spread: float
    """Standard deviation of a paired difference between clusters, in the metric's unit."""

    detectable: float
    """Least true difference that would be shown now in 80 % of such samples, among all pairs."""

    needed: int
    """Clusters for a comparison of two models alone."""

    needed_on_board: int
    """Clusters for a verdict among all pairs of this board's models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """A slice of which nothing can be said."""

    slice: Slice
    reason: str


def plan_comparison(
    cube: Cube,
    difference: float,
    *,
    models: tuple[str, str] | None = None,
    prompt: str = "box",
    selection: Selection | None = None,
    metric: str = "dice",
) -> tuple[tuple[SampleSize, ...], tuple[Unplanned, ...]]:
    """Return how many clusters it takes to show a difference, over all targets and on each.

    Beside it the slices without a spread to go by, with the reason.

    A verdict takes an interval beyond ±0.01, with 80 % power, and a lead that one more failure
    leaves beyond 0.01. Larger samples are taken to be like the present one: the same targets in
    the same proportions, the same spread.

    Args:
        cube: Over the board database.
        difference: The true difference that should be shown, in the metric's unit.
        models: Whose spread to go by; all pairs of ranked models by default.
        prompt: Which boards.
        selection: Which boards; `predicted` by default, `oracle` for `everything`.
        metric: Which boards.

    Raises:
        InputError: If the difference is not in [0.011, 1], a name is unknown, the metric ranks
            nobody, or no slice can be planned.
    """
    _check(cube, difference, models, prompt, metric)
    chosen = selection or cube.selections(prompt)[-1]
    boards = build_boards(
        cube.connection,
        [metric],
        prompts=[prompt],
        pair_metrics=[metric],
        kinds={"overall", "target"},
        cube=cube,
    )
    found = [
        _plan_board(boards[key], table, models, difference)
        for key, table in boards.pairs.items()
        if key.track == FULL and key.selection == chosen
    ]
    sizes = tuple(one for one in found if isinstance(one, SampleSize))
    unplanned = tuple(one for one in found if isinstance(one, Unplanned))
    if not sizes:
        reasons = "; ".join(sorted({one.reason for one in unplanned}))
        problem = f"has no scores with prompt {prompt}" if not reasons else "has no spread to go by"
        raise InputError("plan", "--db", f"{problem}{reasons and f': {reasons}'}")
    return sizes, unplanned


def _check(
    cube: Cube, difference: float, models: tuple[str, str] | None, prompt: str, metric: str
) -> None:
    """Refuse a difference that cannot be shown, and names that are none."""
    if not LEAST_DIFFERENCE <= difference <= 1:
        want = f"{LEAST_DIFFERENCE} to 1: up to {MARGIN} two models count as equivalent"
        raise InputError("plan", "--difference", "cannot be shown", got=difference, want=want)
    if not get_metric(metric).ranked:
        raise InputError("plan", "--metric", "is a distance, which is not averaged", got=metric)
    get_prompt_kind(prompt)
    if models and models[0] == models[1]:
        raise InputError("plan", "--models", "are the same", got=models[0])
    for name in models or ():
        if name not in cube.models:
            raise UnknownNameError("plan", "model", name, cube.models)


def _plan_board(
    board: Board, table: PairTable, models: tuple[str, str] | None, difference: float
) -> SampleSize | Unplanned:
    part, family = board.key.slice, table.family
    if not board.facts.ranks:
        return Unplanned(slice=part, reason="no target has 10 clusters")
    lacking = [name for name in models or () if name not in table.models]
    if lacking:
        return Unplanned(slice=part, reason=f"{' and '.join(lacking)} not ranked there")
    if family is None or not len(family.first):
        return Unplanned(slice=part, reason="fewer than two models are ranked")
    pairs: Ints = np.arange(len(family.first))
    if models is not None:
        pairs = np.array([family.find_pair(*sorted(table.models.index(name) for name in models))])
    if not np.median(family.error[pairs]) > 0:
        return Unplanned(slice=part, reason="the models differ by the same in every cluster")
    return _size_board(board, family, pairs, difference)


def _size_board(board: Board, family: Family, pairs: Ints, difference: float) -> SampleSize:
    clusters = board.facts.clusters
    spread = float(np.median(family.error[pairs])) * clusters**0.5
    beyond = difference - MARGIN
    # One more failure takes `loss` off now, and less by as much as the sample grows.
    loss = float(
        np.median(np.maximum(family.loss[family.first], family.loss[family.second])[pairs])
    )
    for_failure = clusters_to_exceed_failure(clusters * loss, spread, beyond)
    return SampleSize(
        slice=board.key.slice,
        clusters=clusters,
        cluster_units=board.facts.cluster_units,
        models=len(board.ranked),
        pairs=len(pairs),
        spread=spread,
        detectable=float(np.median(family.detectable[pairs])),
        needed=max(needed_clusters(spread, beyond), for_failure),
        needed_on_board=max(needed_clusters(spread, beyond, alpha=family.tail), for_failure),
    )
