"""Every board of a database, computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.board.cohort import Cohort, find_exposures, gather_cohort, trained_cells
from cosmos_board.board.cube import Cube, Scores
from cosmos_board.board.ground import lay_ground
from cosmos_board.board.pairs import pair_table
from cosmos_board.board.pooling import (
    CellCounts,
    CellScores,
    count_cells,
    deviate_cells,
    score_cells,
)
from cosmos_board.board.rank import Ground, rank_board, spread_of
from cosmos_board.board.slices import Plan, plan_slices
from cosmos_board.board.types import (
    Board,
    BoardKey,
    ExposureCell,
    ModelCell,
    PairTable,
    Scope,
    Slice,
)
from cosmos_board.core.errors import InputError
from cosmos_board.core.scores import Selection
from cosmos_board.metrics.table import METRICS
from cosmos_board.store.queries import Connection

Floats: TypeAlias = NDArray[np.float64]

_MEMORY = 400_000_000
"""Bytes of bootstrap deviations that are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Boards(Mapping[BoardKey, Board]):
    """Every board, by key and in the order of keys, and what is known of models and datasets."""

    boards: Mapping[BoardKey, Board]
    pairs: Mapping[BoardKey, PairTable]
    """Every two models of a board, where asked for."""

    exposures: tuple[ExposureCell, ...]

    def __getitem__(self, key: BoardKey) -> Board:
        return self.boards[key]

    def __iter__(self) -> Iterator[BoardKey]:
        return iter(self.boards)

    def __len__(self) -> int:
        return len(self.boards)

    def find(self, key: BoardKey) -> Board:
        """Return a board; one that ranks on everything is the common one where they agree.

        Raises:
            InputError: If there is none.
        """
        found = self.boards.get(key) or self.boards.get(replace(key, scope="common"))
        if found is None:
            raise InputError("board", key.path, "there is none with these scores")
        return found

    def slices(self, track: str = "full") -> tuple[Slice, ...]:
        """Return the slices that have a board, sorted."""
        return tuple(sorted({key.slice for key in self.boards if key.track == track}))

    def profile(
        self, model: str, metric: str = "dice", track: str = "full"
    ) -> tuple[ModelCell, ...]:
        """Return a model's lines on every common board of a metric, in the order of keys."""
        return tuple(_profile(self.boards.values(), model, metric, track))


def build_boards(
    connection: Connection,
    metrics: Sequence[str] = tuple(METRICS),
    *,
    prompts: Sequence[str] | None = None,
    pair_metrics: Sequence[str] = ("dice",),
    cube: Cube | None = None,
) -> Boards:
    """Compute every board of a database: each slice, prompt, selection and metric.

    Args:
        connection: An open board database; read-only is enough.
        metrics: Which metrics, by name.
        prompts: Which prompts; all by default.
        pair_metrics: Metrics whose boards come with a table of all pairs.
        cube: The cube over `connection`, where the caller has it already.
    """
    cube = cube or Cube(connection, metrics)
    exposures = find_exposures(cube)
    found = [
        pair
        for track in cube.tracks
        for prompt in cube.prompts(track)
        if prompts is None or prompt in prompts
        for pair in _build_prompt(cube, track, prompt, metrics, pair_metrics, exposures)
    ]
    found.sort(key=lambda pair: pair[0].key)
    return Boards(
        {board.key: board for board, _ in found},
        {board.key: table for board, table in found if table is not None},
        tuple(exposures[pair] for pair in sorted(exposures)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """The scores under one selection, pooled."""

    selection: Selection
    scores: Scores
    counts: CellCounts
    cells: Mapping[str, CellScores]


def _build_prompt(
    cube: Cube,
    track: str,
    prompt: str,
    metrics: Sequence[str],
    pair_metrics: Sequence[str],
    exposures: Mapping[tuple[str, str], ExposureCell],
) -> Iterator[tuple[Board, PairTable | None]]:
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
        grounds = list(_grounds(cube, track, prompt, plan, own, exposures))
        for part in _parts(metrics, len(plan.cells), len(own.scores.models)):
            deviations = deviate_cells(own.scores, part, plan, cube.counts(track))
            for place, metric in enumerate(part):
                by_cell = [array[place] for array in deviations]
                steps = own.scores.steps(metric) if metric in pair_metrics else None
                for scope, ground in grounds:
                    key = BoardKey(
                        ground.cohort.plan.slice, prompt, own.selection, metric, track, scope
                    )
                    spread = spread_of(ground, by_cell)
                    board = rank_board(
                        key,
                        ground,
                        own.cells[metric],
                        spread,
                        other.cells[metric] if other else None,
                    )
                    table = None
                    if steps is not None:
                        table = pair_table(board, ground, plan, own.scores, steps, spread)
                    yield board, table


def _parts(metrics: Sequence[str], cells: int, models: int) -> Iterator[Sequence[str]]:
    """Cut the metrics into parts whose deviations fit into memory."""
    size = max(1, _MEMORY // (cells * models * 8 * 1000))
    for start in range(0, len(metrics), size):
        yield metrics[start : start + size]


def _grounds(
    cube: Cube,
    track: str,
    prompt: str,
    plan: Plan,
    own: _Selected,
    exposures: Mapping[tuple[str, str], ExposureCell],
) -> Iterator[tuple[Scope, Ground]]:
    models = [cube.models[name] for name in own.scores.models]
    trained = trained_cells(plan, own.scores.models, exposures)
    for part in plan.slices:
        if not own.counts.rows[list(part.cells)].any():
            continue
        common = gather_cohort(part, models, own.counts, trained, "common")
        everything = gather_cohort(part, models, own.counts, trained, "all")
        cohorts: list[tuple[Scope, Cohort]] = [("common", common)]
        if len(common.left_out) or (common.ranked != everything.ranked).any():
            cohorts.append(("all", everything))
        for scope, cohort in cohorts:
            yield (
                scope,
                lay_ground(cube, track, prompt, plan, own.scores, own.counts, cohort, exposures),
            )


def _profile(boards: Iterable[Board], model: str, metric: str, track: str) -> Iterator[ModelCell]:
    for board in boards:
        key = board.key
        if (key.metric, key.track, key.scope) != (metric, track, "common"):
            continue
        for row in board.rows:
            if row.model == model:
                yield ModelCell(
                    slice=key.slice,
                    prompt=key.prompt,
                    selection=key.selection,
                    score=row.score,
                    low=row.low,
                    high=row.high,
                    rank=row.rank,
                    rank_low=row.rank_low,
                    rank_high=row.rank_high,
                    ranked_models=len(board.ranked),
                    status=row.status,
                    references=row.references,
                    clusters=row.clusters,
                )
