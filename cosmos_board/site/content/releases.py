"""What changed from one release of the data to the next: ranks then and now, and a feed.

A release is a file `site/releases/YYYY-MM-DD.json`: the `data/ranks.json` that the site published
on that day. Dates come from file names, so that a build does not depend on the day it runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from markupsafe import escape

from cosmos_board.board.export import to_json
from cosmos_board.core.errors import InputError
from cosmos_board.site.content.site_data import SiteData, default_selection
from cosmos_board.site.language.words import Words

RANKS_PATH = "data/ranks.json"
FEED_PATH = "changes/feed.xml"
KINDS = ("overall", "modality")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a model stands on a board."""

    rank: int
    score: float
    low: int
    high: int
    """Best and worst rank that the intervals leave open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Ranks at one time."""

    date: str
    """YYYY-MM-DD; empty for what is being built."""

    version: str
    ranks: dict[str, dict[str, Standing]]
    """By board (slice and prompt), then by model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A model whose rank differs by more than its ranges; None where it was not ranked."""

    board: str
    model: str
    before: Standing | None
    after: Standing | None


def take_snapshot(data: SiteData) -> Snapshot:
    """Return the ranks of the Dice boards over everything and of each modality."""
    ranks: dict[str, dict[str, Standing]] = {}
    for key, board in data.boards.items():
        main = key.metric == "dice" and key.selection == default_selection(key.prompt)
        if main and key.slice.kind in KINDS and key.track == "full":
            ranks[f"{key.slice}, {key.prompt}"] = {
                row.model: Standing(
                    row.rank or 0,
                    float(f"{row.score:.6g}"),
                    row.rank_low or 1,
                    row.rank_high or len(board.ranked),
                )
                for row in board.ranked
            }
    return Snapshot(date="", version=data.version, ranks=ranks)


def snapshot_file(snapshot: Snapshot) -> bytes:
    """Return a snapshot as the file that becomes a release."""
    ranks = {
        board: {model: list(astuple(standing)) for model, standing in of.items()}
        for board, of in snapshot.ranks.items()
    }
    return to_json({"schema_version": 1, "data_version": snapshot.version, "ranks": ranks})


def read_releases(folder: Path) -> tuple[Snapshot, ...]:
    """Return the releases in `folder`, oldest first.

    Raises:
        InputError: If a file is no release.
    """
    return tuple(_read(path) for path in sorted(folder.glob("*.json")))


def _read(path: Path) -> Snapshot:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", path.stem):
        raise InputError(path, "name", "is no date", want="YYYY-MM-DD.json")
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        ranks = {
            str(board): {
                str(model): Standing(int(rank), float(score), int(low), int(high))
                for model, (rank, score, low, high) in of.items()
            }
            for board, of in document["ranks"].items()
        }
        version = str(document["data_version"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "", f"is no release: {error}") from error
    return Snapshot(date=path.stem, version=version, ranks=ranks)


def find_moves(before: Snapshot, after: Snapshot) -> list[Move]:
    """Return the models that moved, by board, the best new rank first.

    A rank within the range of the other snapshot is no move: the data left it open.
    """
    moves = []
    for board in sorted(before.ranks.keys() | after.ranks.keys()):
        old, new = before.ranks.get(board, {}), after.ranks.get(board, {})
        for model in old.keys() | new.keys():
            was, now = old.get(model), new.get(model)
            if _is_move(was, now):
                moves.append(Move(board=board, model=model, before=was, after=now))
    return sorted(
        moves,
        key=lambda move: (move.board, move.after.rank if move.after else 10**6, move.model),
    )


def _is_move(was: Standing | None, now: Standing | None) -> bool:
    if was is None or now is None:
        return was is not now
    return not (was.low <= now.rank <= was.high or now.low <= was.rank <= now.high)


def render_feed(releases: Sequence[Snapshot], site_url: str) -> bytes:
    """Return the releases as an Atom feed, newest first."""
    base = site_url or "https://cosmos-board.invalid/"
    newest = releases[-1].date if releases else "1970-01-01"
    entries = []
    for before, release in reversed(list(zip([None, *releases], releases, strict=False))):
        text = "First release"
        if before:
            moves = len(find_moves(before, release))
            text = Words().plural(moves, "{n} rank moved", "{n} ranks moved")
        entries.append(
            f"<entry><id>{escape(base)}changes/#{release.date}</id>"
            f"<title>Data {escape(release.version)}</title>"
            f"<updated>{release.date}T00:00:00Z</updated>"
            f'<link href="{escape(base)}changes/#{release.date}"/><summary>{text}</summary></entry>'
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom"><id>{escape(base)}</id>'
        f"<title>COSMOS board: data releases</title><updated>{newest}T00:00:00Z</updated>"
        f"<author><name>The cosmos-board authors</name></author>"
        f'<link rel="self" href="{escape(base)}{FEED_PATH}"/>{"".join(entries)}</feed>\n'
    ).encode()
