"""Where a scored submission would rank: with intervals, computed privately."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.board.build import build_boards
from cosmos_board.board.types import FailedAnswers, Share, SliceKind
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

KINDS: tuple[SliceKind, ...] = ("overall", "held-out", "dataset")

_OF_A_ROW = (
    *("score", "low", "high", "rank", "rank_low", "rank_high", "references", "status"),
    *("failure", "failing"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRank:
    """One model on one board of its track."""

    slice: str
    """`overall`, or `held-out:` or `dataset:` and a name."""

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
    """Ranked on that board, this one included."""

    references: int
    status: str
    failure: Share | None
    """References with Dice under 0.5; None where no target has 10 clusters."""

    failing: FailedAnswers | None
    """Of an incomplete model, where failed answers are the reason."""

    detectable: float | None
    """Least true difference of two ranked models that this board would show in 80 % of samples."""

    @property
    def line(self) -> str:
        """Say it in one line."""
        interval = "" if self.low is None else f" ({self.low:.4f}..{self.high:.4f})"
        targets = f"{self.targets} target{'s' * (self.targets != 1)}"
        where = f"{self.slice}, {self.prompt}, {self.selection}"
        parts = [f"{where}: Dice {self.score:.4f}{interval} over {targets}"]
        if self.failure is not None:
            ends = f"{100 * self.failure.low:.1f}..{100 * self.failure.high:.1f}"
            parts.append(f"{100 * self.failure.value:.1f} % ({ends}) under 0.5")
        parts.append(self._place)
        if self.rank is not None and self.detectable is not None:
            parts.append(f"least difference it could show {self.detectable:.3f}")
        return ", ".join(parts)

    @property
    def _place(self) -> str:
        if self.rank is not None:
            return f"rank {self.rank} ({self.rank_low}..{self.rank_high}) of {self.models}"
        if self.failing is not None:
            counts = f"{self.failing.failed} of {self.failing.answers}"
            return f"not ranked: {counts} answers on this slice failed"
        if self.status == "too-few-clusters":
            return "too few clusters to rank"
        return f"not ranked: {self.status}"


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
    ranks = [
        ModelRank(
            slice=str(board.key.slice),
            prompt=board.key.prompt,
            selection=board.key.selection,
            targets=len(board.facts.targets),
            models=len(board.ranked),
            detectable=board.facts.detectable,
            **{name: getattr(row, name) for name in _OF_A_ROW},
        )
        for board in boards.values()
        if board.key.track in SUBMITTED
        for row in board.rows
        if row.model == model
    ]
    order = list(PROMPTS)
    kinds: list[str] = list(KINDS)
    ranks.sort(key=lambda rank: (kinds.index(rank.slice.partition(":")[0]), rank.slice,
                                 order.index(rank.prompt), rank.selection))  # fmt: skip
    return tuple(ranks)
