"""The board database, rebuilt from accepted submissions alone: each is checked and scored anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.data.pack import Pack
from cosmos_board.store.ingest import ingest
from cosmos_board.submissions.check import Context
from cosmos_board.submissions.ledger import Entry, find_current, read_ledger, verify_ledger
from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.sample import index_pack
from cosmos_board.submissions.score import score_submission


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found."""

    db: Path
    shown: list[Entry] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Why an accepted entry has no rows, by slug: another benchmark version, or damage."""

    problems: list[Problem] = field(default_factory=list)
    """What is not as it was accepted."""


def rebuild_board(root: Path, packs: Sequence[Pack], out: Path) -> Rebuilt:
    """Write `out`/board.duckdb from the submissions folder `root`.

    An entry that no longer passes, because a pack, prompt or metric has a new version, leaves the
    ranking by itself and is listed with the reason.

    Args:
        root: Folder of submissions with its ledger.
        packs: Those that core tracks are made of.
        out: Folder for the database and the scored runs.

    Raises:
        StorageError: If the disk fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    result = Rebuilt(out / "board.duckdb", problems=verify_ledger(root))
    result.db.unlink(missing_ok=True)
    entries, _ = read_ledger(root)
    damaged = {Path(problem.path).parent.name for problem in result.problems}
    context = Context(indices=[index_pack(pack) for pack in packs], now=datetime.now(UTC))
    runs: list[Path] = []
    for entry in find_current(entries):
        if entry.slug in damaged or (root.name in damaged):
            result.left_out[entry.slug] = "is not as it was accepted"
            continue
        run = out / "runs" / entry.slug
        try:
            score_submission(root / entry.slug, packs, run, tier=entry.tier, context=context)
        except CosmosBoardError as error:
            result.left_out[entry.slug] = str(error)
            continue
        runs.append(run)
        result.shown.append(entry)
    ingest(runs, result.db, replace=True)
    return result
