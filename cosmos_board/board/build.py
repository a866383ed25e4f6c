"""Every board of a database, computed once: scores are loaded prompt by prompt, then ranked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.inputs import (
    BoardInputs,
    Cohort,
    find_trained_pools,
    gather_cohort,
    load_board_inputs,
)
from cosmos_board.board.ranking.pairs import tabulate_pairs
from cosmos_board.board.ranking.pooling import (
    MetricScores,
    PooledScores,
    deviate_pools,
    pool_scores,
)
from cosmos_board.board.ranking.rank import average_deviations, rank_board
from cosmos_board.board.slices import plan_slices
from cosmos_board.board.types import Board, BoardKey, PairTable, Scope, Slice
from cosmos_board.core.arrays import Floats
from cosmos_board.core.tracks import choose_metrics
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.bootstrap import REPLICATES
from cosmos_board.store.queries.connection import Connection

Ranked: TypeAlias = tuple[Board, PairTable | None]
"""A board, and its pairs where they were asked for."""

InputsKey: TypeAlias = tuple[Scope, tuple[int, ...], tuple[int, ...]]
"""What tells the inputs of two boards apart: scope, the pools ranked on and those left out."""

_MEMORY = 400_000_000
"""Bytes of bootstrap deviations that are held at once."""

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
    cube: Cube | None = None,
) -> Boards:
    """Compute every board of a database: each slice, prompt, selection and metric.

    Boards of `pair_metrics` come with a table of all pairs; `cube` is the one over `connection`,
    where the caller has it already.
    """
    cube = cube or Cube(connection, metrics)
    made = [
        pair
        for track in cube.tracks
        for prompt in cube.prompts(track)
        if prompts is None or prompt in prompts
        if (chosen := choose_metrics(track, metrics))
        for pair in _build_prompt(cube, track, prompt, chosen, pair_metrics)
    ]
    made.sort(key=lambda pair: pair[0].key)
    return Boards(
        {board.key: board for board, _ in made},
        {board.key: table for board, table in made if table is not None},
    )


def _build_prompt(
    cube: Cube, track: str, prompt: str, metrics: Sequence[str], pair_metrics: Sequence[str]
) -> Iterator[Ranked]:
    """Yield every board of a track and prompt, and its pairs for those of `pair_metrics`."""
    plan = plan_slices(cube.units(track), cube.datasets)
    selected = []
    for selection in cube.selections(prompt):
        scores = cube.load(track, prompt, selection, metrics)
        if not scores.models:
            return
        selected.append(pool_scores(scores, plan, metrics))
    for number, own in enumerate(selected):
        other = selected[1 - number] if len(selected) == 2 else None
        slices, inputs = _load_inputs(cube, own)
        for some in _fit_memory(metrics, len(plan.pools), len(own.scores.models)):
            deviations = deviate_pools(own.scores, some, plan, cube.draws(track))
            for place, metric in enumerate(some):
                key = BoardKey(Slice("overall"), prompt, own.scores.selection, metric, track)
                work = partial(
                    _rank_inputs,
                    key,
                    [array[place] for array in deviations],
                    other.metrics[metric] if other else None,
                    own.scores.steps(metric) if metric in pair_metrics else None,
                )
                with ThreadPoolExecutor(_THREADS) as pool:
                    ranked = dict(zip(inputs, pool.map(work, inputs.values()), strict=True))
                for part, shared in slices:
                    board, table = ranked[shared]
                    named = replace(key, slice=part, scope=shared[0])
                    yield replace(board, key=named), table and replace(table, key=named)


def _rank_inputs(
    key: BoardKey,
    deviations: Sequence[Floats],
    other: MetricScores | None,
    steps: Floats | None,
    inputs: BoardInputs,
) -> Ranked:
    """Return the board of one metric on some inputs, and pairs given `steps`; see `rank_board`."""
    macro = average_deviations(inputs, deviations)
    board = rank_board(key, inputs, macro, other)
    return board, None if steps is None else tabulate_pairs(board, inputs, steps, macro)


def _fit_memory(metrics: Sequence[str], pools: int, models: int) -> Iterator[Sequence[str]]:
    """Cut the metrics into parts whose deviations fit into memory."""
    size = max(1, _MEMORY // (max(pools * models, 1) * 8 * REPLICATES))
    for start in range(0, len(metrics), size):
        yield metrics[start : start + size]


def _load_inputs(
    cube: Cube, pooled: PooledScores
) -> tuple[list[tuple[Slice, InputsKey]], dict[InputsKey, BoardInputs]]:
    """Return what each slice is made from; slices of the same pools share their inputs."""
    plan, counts, names = pooled.plan, pooled.counts, pooled.scores.models
    models = [cube.models[name] for name in names]
    trained = find_trained_pools(plan, names, cube.exposures)
    slices: list[tuple[Slice, InputsKey]] = []
    inputs: dict[InputsKey, BoardInputs] = {}
    for part in plan.slices:
        if not counts.rows[list(part.pools)].any():
            continue
        common = gather_cohort(part, models, counts, trained, "common")
        everything = gather_cohort(part, models, counts, trained, "all")
        cohorts: dict[Scope, Cohort] = {"common": common}
        if len(common.left_out) or (common.ranked != everything.ranked).any():
            cohorts["all"] = everything
        for scope, cohort in cohorts.items():
            key = (scope, tuple(cohort.pools.tolist()), tuple(cohort.left_out.tolist()))
            slices.append((part.slice, key))
            if key not in inputs:
                inputs[key] = load_board_inputs(cube, pooled, cohort)
    return slices, inputs
