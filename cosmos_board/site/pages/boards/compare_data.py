"""Which boards a comparison of two models rests on, and the file that the page's script reads."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cosmos_board.board.types import Board, PairRow
from cosmos_board.core.tracks import FULL
from cosmos_board.site.content.site_data import OVERALL, SiteData, default_selection
from cosmos_board.site.pages.sections.pairs import find_pair
from cosmos_board.stats.testing import MARGIN

STEP = 1e-5
DETECTABLE_STEP = 1e-4
"""Numbers of pairs are published as whole multiples of these: a third of the bytes."""

VERDICTS = ("not separated", "better", "worse", "equivalent", "held back")
"""What a digit of `judged` means: as in a family, then pairs that the added failure alone holds."""


def compare_boards(data: SiteData, prompt: str, track: str = FULL) -> list[Board]:
    """Return the boards behind comparisons with `prompt`: overall, then each target."""
    boards = (data.board(part, prompt, track=track) for part in (OVERALL, *data.slices("target")))
    return [board for board in boards if board and list_compared(board)]


def list_compared(board: Board) -> list[str]:
    """Return the models that a board compares: ranked ones, or all whole ones where none is."""
    return [row.model for row in board.rows if row.status in ("ranked", "too-few-clusters")]


def compare_on(data: SiteData, board: Board, a: str, b: str) -> PairRow | None:
    """Return A against B on a board; None where one of them is not compared there."""
    if not {a, b} <= set(list_compared(board)):
        return None
    table = data.pairs.get(board.key)
    found = find_pair(table, a, b) if table else None
    if found:
        return found
    scores = {row.model: row.score for row in board.rows}
    return PairRow(
        a=a,
        b=b,
        slice=board.key.slice,
        difference=scores[a] - scores[b],
        low=None,
        high=None,
        verdict="not tested",
        held_back=False,
        detectable=None,
        clusters=board.facts.clusters,
    )


def compare_json(data: SiteData, prompt: str, track: str = FULL) -> bytes:
    """Return what the page needs for one prompt; no words, so that all languages share it.

    Per slice: models by index and their scores; where they are tested, for each pair (1, 2),
    (1, 3) … how far the interval reaches below and above the difference, the least difference that
    would be shown and the verdict as a digit (index into `verdicts`). Overall also the share of
    failures of each model and its interval.
    """
    boards = compare_boards(data, prompt, track)
    models = sorted({name for board in boards for name in list_compared(board)})
    places = {name: place for place, name in enumerate(models)}
    document = {
        "schema_version": 3,
        "data_version": data.version,
        "track": track,
        "prompt": prompt,
        "selection": default_selection(prompt),
        "metric": "dice",
        "step": STEP,
        "detectable_step": DETECTABLE_STEP,
        "margin": MARGIN,
        "verdicts": VERDICTS,
        "models": models,
        "slices": [_compare_slice(data, board, places) for board in boards],
    }
    return (json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _compare_slice(data: SiteData, board: Board, places: Mapping[str, int]) -> dict[str, object]:
    """Return a board as the page's script reads it."""
    table = data.pairs.get(board.key)
    family = table.family if table else None
    names = table.models if table and family else tuple(list_compared(board))
    rows = {row.model: row for row in board.rows}
    document: dict[str, object] = {
        "name": board.key.slice.name,
        "models": [places[name] for name in names],
        "scores": [round(rows[name].score, 6) for name in names],
        "clusters": board.facts.clusters,
        "synthetic": data.is_synthetic(board.key.slice),
    }
    if board.key.slice == OVERALL:
        shares = [rows[name].failure for name in names]
        document["failures"] = [
            [round(end, 4) for end in (share.value, share.low, share.high)] if share else None
            for share in shares
        ]
    if family:
        codes = np.where(family.held_back, VERDICTS.index("held back"), family.verdict_codes)
        document |= {
            "below": _in_steps(family.difference - family.low, STEP),
            "above": _in_steps(family.high - family.difference, STEP),
            "detectable": _in_steps(family.detectable, DETECTABLE_STEP),
            "judged": "".join(map(str, codes.tolist())),
        }
    return document


def _in_steps(values: NDArray[np.float64], step: float) -> list[int]:
    steps: list[int] = np.rint(values / step).astype(np.int64).tolist()
    return steps
