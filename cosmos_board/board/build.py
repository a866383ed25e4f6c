"""Every board of a database, computed once: scores are loaded prompt by prompt, then ranked."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TypeAlias

from cosmos_board.board.cube import Cube
from cosmos_board.board.distances import add_distances
from cosmos_board.board.ranking.inputs import (
    BoardInputs,
    find_trained_pools,
    gather_cohort,
    load_board_inputs,
)
from cosmos_board.board.ranking.pooling import PooledScores, pool_scores
from cosmos_board.board.ranking.rank import rank_boards
from cosmos_board.board.slices import plan_slices
from cosmos_board.board.types import Board, BoardKey, PairTable, Slice, SliceKind
from cosmos_board.board.units import group_metrics
from cosmos_board.core.tracks import choose_metrics
from cosmos_board.metrics.table import METRICS
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.targets import DistanceKey, Distances

Ranked: TypeAlias = tuple[Board, PairTable]

_THREADS = min(os.cpu_count() or 1, 8)
"""Slices ranked at once; each is a function of its own data, so that order cannot matter."""


@dataclass(frozen=True, slots=True, eq=False)
class Boards(Mapping[BoardKey, Board]):
    """Every board, by key and in the order of keys."""

    boards: Mapping[BoardKey, Board]
    pairs: Mapping[BoardKey, PairTable]
    """Every two models of a board, where asked for."""

    def __getitem__(self, key: BoardKey) -> Board:
        return self.boards[key]

    def __iter__(self) -> Iterator[BoardKey]:
        return iter(self.boards)

    def __len__(self) -> int:
        return len(self.boards)


def build_boards(
    connection: Connection,
    metrics: Sequence[str] = tuple(METRICS),
    *,
    prompts: Sequence[str] | None = None,
    pair_metrics: Sequence[str] = ("dice",),
    kinds: Collection[SliceKind] | None = None,
    cube: Cube | None = None,
) -> Boards:
    """Compute every board of a database: each slice, prompt, selection and ranked metric.

    Args:
        connection: The database.
        metrics: Which metrics; those that rank nobody are passed over.
        prompts: Which prompts; all by default.
        pair_metrics: Metrics of which tables of all pairs are kept.
        kinds: Which kinds of slices; all by default.
        cube: The one over `connection`, where the caller has it already.
    """
    cube = cube or Cube(connection, metrics)
    ranked = [name for name in metrics if METRICS[name].ranked]
    boards: dict[BoardKey, Board] = {}
    pairs: dict[BoardKey, PairTable] = {}
    for track in cube.tracks:
        chosen = choose_metrics(track, ranked)
        for prompt in cube.prompts(track):
            if not chosen or (prompts is not None and prompt not in prompts):
                continue
            for board, table in _build_prompt(cube, track, prompt, chosen, kinds):
                boards[board.key] = board
                if board.key.metric in pair_metrics:  # the others take more memory than boards
                    pairs[board.key] = table
    return Boards(dict(sorted(boards.items())), dict(sorted(pairs.items())))


def _build_prompt(
    cube: Cube,
    track: str,
    prompt: str,
    metrics: Sequence[str],
    kinds: Collection[SliceKind] | None,
) -> Iterator[Ranked]:
    """Yield every board of a track and prompt, with its pairs."""
    plan = plan_slices(cube.units(track), cube.datasets)
    loaded = [cube.load(track, prompt, selection, metrics) for selection in cube.selections(prompt)]
    # Models that were run before a metric was added have no place on its boards.
    distances = cache(partial(cube.read_distances, track, prompt))
    for models, some in group_metrics(loaded, metrics).items():
        selected = [pool_scores(scores.of_models(models), plan, some) for scores in loaded]
        yield from _rank_selections(cube, selected, some, kinds, distances)


def _rank_selections(
    cube: Cube,
    selected: Sequence[PooledScores],
    metrics: Sequence[str],
    kinds: Collection[SliceKind] | None,
    distances: Callable[[], dict[DistanceKey, Distances]],
) -> Iterator[Ranked]:
    """Yield every board of some metrics under each selection."""
    track, prompt = selected[0].scores.track, selected[0].scores.prompt
    for number, own in enumerate(selected):
        other = selected[1 - number] if len(selected) == 2 else None
        slices, inputs = _load_inputs(cube, own, kinds)
        whole, selection = Slice("overall"), own.scores.selection
        keys = [BoardKey(whole, prompt, selection, metric, track) for metric in metrics]
        work = partial(rank_boards, keys, others=other.metrics if other else {})
        with ThreadPoolExecutor(_THREADS) as pool:
            ranked = dict(zip(inputs, pool.map(work, inputs.values()), strict=True))
        for part, pools in slices:
            for board, table in ranked[pools]:
                named = replace(board.key, slice=part)
                board = replace(board, key=named)
                if len(board.facts.targets) == 1:
                    board = add_distances(board, distances())
                yield board, replace(table, key=named)


def _load_inputs(
    cube: Cube, pooled: PooledScores, kinds: Collection[SliceKind] | None
) -> tuple[list[tuple[Slice, tuple[int, ...]]], dict[tuple[int, ...], BoardInputs]]:
    """Return the pools of each slice, and what they are ranked from: equal pools share it."""
    plan, counts, names = pooled.plan, pooled.counts, pooled.scores.models
    models = [cube.models[name] for name in names]
    trained = find_trained_pools(plan, names, cube.exposures)
    slices: list[tuple[Slice, tuple[int, ...]]] = []
    inputs: dict[tuple[int, ...], BoardInputs] = {}
    for part in plan.slices:
        if kinds is not None and part.slice.kind not in kinds:
            continue
        if not counts.rows[list(part.pools)].any():
            continue
        slices.append((part.slice, part.pools))
        if part.pools not in inputs:
            cohort = gather_cohort(part, models, counts, trained)
            inputs[part.pools] = load_board_inputs(cube, pooled, cohort)
    return slices, inputs
