"""Where a scored submission would rank: with intervals, computed privately."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cosmos_board.board.build import build_boards
from cosmos_board.board.types import Board, BoardRow, SliceKind
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import SUBMITTED
from cosmos_board.data.catalog.load import list_shared_cases
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest

CAPTION = (
    "Dice: mean over the targets with 10 clusters or more, or all where none has. overall: all real"
    " packs, synthetic ones apart; held-out:NAME: a set of them; dataset:NAME: that pack alone."
)
"""What the figures of `ModelRank.line` are, in one line that a report takes."""

_OF_A_ROW = ("score", "low", "high", "rank", "rank_low", "rank_high", "references", "status",
             "failure", "failing")  # fmt: skip

KINDS: tuple[SliceKind, ...] = ("overall", "held-out", "dataset")


@dataclass(frozen=True, slots=True)
class ModelRank:
    """One model on one board of its track."""

    board: Board
    row: BoardRow

    def describe(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        key, facts = self.board.key, self.board.facts
        of_board = {"slice": str(key.slice), "prompt": key.prompt, "selection": key.selection,
                    "targets": len(facts.targets), "models": len(self.board.ranked),
                    "detectable": facts.detectable}  # fmt: skip
        row = asdict(self.row)
        return of_board | {name: row[name] for name in _OF_A_ROW}

    @property
    def line(self) -> str:
        """Say it in one line."""
        key, row, facts = self.board.key, self.row, self.board.facts
        interval = "" if row.low is None else f" ({row.low:.4f}..{row.high:.4f})"
        targets = f"{len(facts.targets)} target{'s' * (len(facts.targets) != 1)}"
        where = f"{key.slice}, {key.prompt}, {key.selection}"
        parts = [f"{where}: Dice {row.score:.4f}{interval} over {targets}"]
        if row.failure is not None:
            ends = f"{100 * row.failure.low:.1f}..{100 * row.failure.high:.1f}"
            parts.append(f"{100 * row.failure.value:.1f} % ({ends}) under 0.5")
        if row.rank is not None:
            ranked = len(self.board.ranked)
            parts.append(f"rank {row.rank} ({row.rank_low}..{row.rank_high}) of {ranked}")
            if facts.detectable is not None:
                parts.append(f"least difference it could show {facts.detectable:.3f}")
        elif row.failing is not None:
            counts = f"{row.failing.failed} of {row.failing.answers}"
            parts.append(f"not ranked: {counts} answers on this slice failed")
        else:
            few = row.status == "too-few-clusters"
            parts.append("too few clusters to rank" if few else f"not ranked: {row.status}")
        return ", ".join(parts)


def rank_run(run: Path, model: str, db: Path | None = None) -> tuple[ModelRank, ...]:
    """Return how `model` of a scored run ranks among the entries of its track.

    The board `db` is copied first: nothing of it changes and nothing is uploaded. Without one it
    ranks alone.

    Raises:
        InputError: If the board is none, or holds another version of a pack.
    """
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        copy = Path(work) / "board.duckdb"
        if db is not None:
            with open_board(db):
                pass
            shutil.copyfile(db, copy)
        ingest([run], copy, replace=True, shared_cases=list_shared_cases())
        with open_board(copy) as connection:
            boards = build_boards(connection, ("dice",), pair_metrics=(), kinds=KINDS)
    order, kinds = list(PROMPTS), list(KINDS)

    def place(rank: ModelRank) -> tuple[object, ...]:
        key = rank.board.key
        return kinds.index(key.slice.kind), str(key.slice), order.index(key.prompt), key.selection

    ranks = (
        ModelRank(board, row)
        for board in boards.values()
        if board.key.track in SUBMITTED
        for row in board.rows
        if row.model == model
    )
    return tuple(sorted(ranks, key=place))
