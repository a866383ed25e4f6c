"""Every board of one prompt: scores are loaded once and ranked slice by slice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeAlias

from cosmos_board.board.cube import Cube, Scores
from cosmos_board.board.inputs import lay_ground
from cosmos_board.board.ranking.cohort import Cohort, gather_cohort, trained_cells
from cosmos_board.board.ranking.pairs import pair_table
from cosmos_board.board.ranking.pooling import (
    CellCounts,
    CellScores,
    count_cells,
    deviate_cells,
    score_cells,
)
from cosmos_board.board.ranking.rank import Ground, rank_board, spread_of
from cosmos_board.board.slices import Plan, plan_slices
from cosmos_board.board.types import Board, BoardKey, ExposureCell, PairTable, Scope, Slice
from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import Selection
from cosmos_board.stats.bootstrap import REPLICATES

Cells: TypeAlias = tuple[Scope, tuple[int, ...], tuple[int, ...]]
"""What tells one ground from another: scope, the cells ranked on and those left out."""

_MEMORY = 400_000_000
"""Bytes of bootstrap deviations that are held at once."""

_THREADS = min(os.cpu_count() or 1, 8)
"""Slices ranked at once; each is a function of its own data, so that order cannot matter."""


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """The scores under one selection, pooled."""

    selection: Selection
    scores: Scores
    counts: CellCounts
    cells: Mapping[str, CellScores]


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """One metric under one selection, ready to be ranked on any ground."""

    key: BoardKey
    """Of some slice; the caller puts in which."""

    own: _Selected
    other: _Selected | None
    plan: Plan
    deviations: Sequence[Floats]
    steps: Floats | None
    """Units' means, where a table of pairs is wanted."""

    def rank(self, ground: Ground) -> tuple[Board, PairTable | None]:
        """Return the board on `ground` and its pairs."""
        metric = self.key.metric
        spread = spread_of(ground, self.deviations)
        other = self.other.cells[metric] if self.other else None
        board = rank_board(self.key, ground, self.plan, self.own.cells[metric], spread, other)
        if self.steps is None:
            return board, None
        return board, pair_table(board, ground, self.plan, self.own.scores, self.steps, spread)


def build_prompt(
    cube: Cube,
    track: str,
    prompt: str,
    metrics: Sequence[str],
    pair_metrics: Sequence[str],
    exposures: Mapping[tuple[str, str], ExposureCell],
) -> Iterator[tuple[Board, PairTable | None]]:
    """Yield every board of a track and prompt, and its pairs for those of `pair_metrics`."""
    plan = plan_slices(cube.units(track), cube.datasets)
    selected = []
    for selection in cube.selections(prompt):
        scores = cube.load(track, prompt, selection, metrics)
        if not scores.models:
            return
        pooled = {name: score_cells(scores, name, plan) for name in metrics}
        selected.append(_Selected(selection, scores, count_cells(scores, plan), pooled))
    for number, own in enumerate(selected):
        other = selected[1 - number] if len(selected) == 2 else None
        names, grounds = _lay_grounds(cube, track, prompt, plan, own, exposures)
        for part in _parts(metrics, len(plan.cells), len(own.scores.models)):
            deviations = deviate_cells(own.scores, part, plan, cube.counts(track))
            for place, metric in enumerate(part):
                key = BoardKey(Slice("overall"), prompt, own.selection, metric, track)
                steps = own.scores.steps(metric) if metric in pair_metrics else None
                by_cell = [array[place] for array in deviations]
                yield from _rank(_Measured(key, own, other, plan, by_cell, steps), names, grounds)


def _rank(
    measured: _Measured, names: Sequence[tuple[Slice, Cells]], grounds: Mapping[Cells, Ground]
) -> Iterator[tuple[Board, PairTable | None]]:
    with ThreadPoolExecutor(_THREADS) as pool:
        found = dict(zip(grounds, pool.map(measured.rank, grounds.values()), strict=True))
    for part, cells in names:
        board, table = found[cells]
        key = replace(measured.key, slice=part, scope=cells[0])
        yield replace(board, key=key), replace(table, key=key) if table else None


def _parts(metrics: Sequence[str], cells: int, models: int) -> Iterator[Sequence[str]]:
    """Cut the metrics into parts whose deviations fit into memory."""
    size = max(1, _MEMORY // (max(cells * models, 1) * 8 * REPLICATES))
    for start in range(0, len(metrics), size):
        yield metrics[start : start + size]


def _lay_grounds(
    cube: Cube,
    track: str,
    prompt: str,
    plan: Plan,
    own: _Selected,
    exposures: Mapping[tuple[str, str], ExposureCell],
) -> tuple[list[tuple[Slice, Cells]], dict[Cells, Ground]]:
    """Return what each slice stands on; slices of the same cells share their ground."""
    models = [cube.models[name] for name in own.scores.models]
    trained = trained_cells(plan, own.scores.models, exposures)
    names: list[tuple[Slice, Cells]] = []
    grounds: dict[Cells, Ground] = {}
    for part in plan.slices:
        if not own.counts.rows[list(part.cells)].any():
            continue
        common, everything = (
            gather_cohort(part, models, own.counts, trained, scope) for scope in ("common", "all")
        )
        differ = len(common.left_out) or (common.ranked != everything.ranked).any()
        cohorts: list[tuple[Scope, Cohort]] = [("common", common), ("all", everything)]
        for scope, cohort in cohorts[: 2 if differ else 1]:
            cells: Cells = (scope, tuple(cohort.cells.tolist()), tuple(cohort.left_out.tolist()))
            names.append((part.slice, cells))
            if cells not in grounds:
                grounds[cells] = lay_ground(
                    cube, track, prompt, plan, own.scores, own.counts, cohort, exposures
                )
    return names, grounds
