"""Where a scored submission would rank: with intervals, computed privately."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.board.build import build_boards
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import SUBMITTED
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest

CAPTION = (
    "Dice is a macro mean over targets: each object in a modality counts once. overall: over those"
    " of all real packs, synthetic ones apart; dataset:NAME: over that pack's alone."
)
"""What the figures of `ModelRank.line` are, in one line that a report takes."""

_OF_A_ROW = ("score", "low", "high", "rank", "rank_low", "rank_high", "references", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRank:
    """One model on one board of its track."""

    slice: str
    """`overall`, or `dataset:` and a pack."""

    prompt: str
    selection: str
    score: float
    """Macro mean of Dice over the targets of the slice that the board ranks on, in [0, 1]."""

    targets: int
    """How many those are: those with at least 10 clusters, or all where there is none."""

    low: float | None
    high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    models: int
    """On that board, this one included."""

    references: int
    status: str

    @property
    def line(self) -> str:
        """Say it in one line."""
        interval = "" if self.low is None else f" ({self.low:.4f}..{self.high:.4f})"
        ranks = "" if self.rank_low is None else f" ({self.rank_low}..{self.rank_high})"
        place = f"rank {self.rank}{ranks} of {self.models}"
        if self.rank is None:
            few = self.status == "too-few-clusters"
            place = "too few clusters to rank" if few else "not ranked"
        targets = f"{self.targets} target{'s' * (self.targets != 1)}"
        where = f"{self.slice}, {self.prompt}, {self.selection}"
        return f"{where}: Dice {self.score:.4f}{interval} over {targets}, {place}"


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
        ingest([run], copy, replace=True)
        with open_board(copy) as connection:
            boards = build_boards(connection, ("dice",), pair_metrics=())
    ranks = [
        ModelRank(
            slice=str(board.key.slice),
            prompt=board.key.prompt,
            selection=board.key.selection,
            targets=len(board.facts.targets),
            models=len(board.rows),
            **{name: getattr(row, name) for name in _OF_A_ROW},
        )
        for board in boards.values()
        if board.key.track in SUBMITTED
        for row in board.rows
        if row.model == model and board.key.slice.kind in ("overall", "dataset")
    ]
    order = list(PROMPTS)
    ranks.sort(key=lambda rank: (rank.slice != "overall", rank.slice, order.index(rank.prompt),
                                rank.selection))  # fmt: skip
    return tuple(ranks)
