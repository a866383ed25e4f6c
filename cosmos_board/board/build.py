"""Every board of a database, computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.cohort import find_exposures
from cosmos_board.board.ranking.prompt_boards import build_prompt
from cosmos_board.board.types import Board, BoardKey, ExposureCell, ModelCell, PairTable, Slice
from cosmos_board.core.errors import InputError
from cosmos_board.core.tracks import choose_metrics
from cosmos_board.metrics.table import METRICS
from cosmos_board.store.queries.connection import Connection


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
        if (chosen := choose_metrics(track, metrics))
        for pair in build_prompt(cube, track, prompt, chosen, pair_metrics, exposures)
    ]
    found.sort(key=lambda pair: pair[0].key)
    return Boards(
        {board.key: board for board, _ in found},
        {board.key: table for board, table in found if table is not None},
        tuple(exposures[pair] for pair in sorted(exposures)),
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
