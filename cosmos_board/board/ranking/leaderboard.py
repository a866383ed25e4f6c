"""The boards that somebody at a terminal asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.types import Board, Scope, SliceKind
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.prompts import PROTOCOL, get_prompt_kind
from cosmos_board.core.scores import Selection
from cosmos_board.metrics.table import get_metric

By: TypeAlias = Literal["modality", "object", "target", "dataset", "model"]

DEFAULT_PROMPT = "box"
DEFAULT_TRACK = "full"


def rank_boards(
    cube: Cube,
    *,
    by: By | None = None,
    prompt: str | None = None,
    metric: str = "dice",
    selection: Selection | None = None,
    track: str | None = None,
    scope: Scope = "common",
) -> list[Board]:
    """Return the boards that were asked for, in the order of their slices.

    Args:
        cube: Over an open database.
        by: One board per modality, object, target or dataset; `model`: the overall board of
            every prompt; None: the overall board.
        prompt: One of the protocol's; `box` by default, or the first that has scores.
        metric: What is ranked.
        selection: How a candidate is chosen; `predicted` by default, `oracle` for `everything`.
        track: `full` by default, or the first that has scores.
        scope: Whether to rank on the common set or on everything.

    Raises:
        InputError: If a name is unknown, or nothing was scored that way.
    """
    get_metric(metric)
    chosen = _choose_track(cube, track)
    prompts = _choose_prompts(cube, chosen, by, prompt)
    kind: SliceKind = "overall" if by is None or by == "model" else by
    boards = build_boards(cube.connection, [metric], prompts=prompts, pair_metrics=(), cube=cube)
    return [
        boards.find(replace(board.key, scope=scope))
        for board in boards.values()
        if (board.key.slice.kind, board.key.track, board.key.scope) == (kind, chosen, "common")
        and board.key.selection == (selection or cube.selections(board.key.prompt)[-1])
    ]


def _choose_track(cube: Cube, track: str | None) -> str:
    if not cube.tracks:
        raise InputError("rank", "scores", "there are none in this database")
    if track is None:
        return DEFAULT_TRACK if DEFAULT_TRACK in cube.tracks else cube.tracks[0]
    if track not in cube.tracks:
        raise UnknownNameError("rank", "track", track, cube.tracks)
    return track


def _choose_prompts(cube: Cube, track: str, by: By | None, prompt: str | None) -> tuple[str, ...]:
    scored = cube.prompts(track)
    if prompt is None:
        if by == "model":
            return scored
        return (DEFAULT_PROMPT,) if DEFAULT_PROMPT in scored else scored[:1]
    if get_prompt_kind(prompt).name not in scored:
        raise InputError("rank", "--prompt", "has no scores", got=prompt, want=" or ".join(scored))
    return (prompt,)


def write_caption(boards: Sequence[Board]) -> str:
    """Return one line that says what the rows of `boards` are.

    Example:
        >>> write_caption([])
        'Nothing was scored.'
    """
    if not boards:
        return "Nothing was scored."
    key = boards[0].key
    prompts = ", ".join(dict.fromkeys(board.key.prompt for board in boards))
    targets = len({name for board in boards for name in board.facts.targets})
    clusters = max(board.facts.clusters for board in boards)
    notes = " ".join(dict.fromkeys(note for board in boards for note in board.facts.notes))
    text = (
        f"{get_metric(key.metric).heading}, prompt {prompts}, {key.selection} candidate, "
        f"{PROTOCOL}, {key.track} track: macro mean over {targets} targets with 95 % intervals "
        f"over up to {clusters} clusters."
    )
    return f"{text} {notes}".rstrip()
