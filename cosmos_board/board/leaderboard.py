"""The boards that a request at a terminal names."""

from __future__ import annotations

from typing import Literal, TypeAlias

from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.distances import SHOWN, show_distance
from cosmos_board.board.types import Board, SliceKind
from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import get_prompt_kind
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import METRICS, get_metric
from cosmos_board.store.queries.counted_runs import read_tiers

By: TypeAlias = Literal["modality", "object", "target", "dataset", "held-out", "model"]

DEFAULT_PROMPT = "box"


def rank_boards(
    cube: Cube,
    *,
    by: By | None = None,
    prompt: str | None = None,
    metric: str = "dice",
    selection: Selection | None = None,
) -> list[Board]:
    """Return boards in the order of their slices: of full runs, else of the first track scored.

    Args:
        cube: The board database.
        by: One board per modality, object, target, dataset or held-out set; `model`: the overall
            board of every prompt; None: the overall board.
        prompt: One of the protocol's; `box` by default, or the first that has scores.
        metric: What is ranked.
        selection: How a candidate is chosen; `predicted` by default, `oracle` for `everything`.

    Raises:
        InputError: If a name is unknown, or nothing was scored that way.
    """
    get_metric(metric)
    if not cube.tracks and cube.tier is not None:
        want = " or ".join(read_tiers(cube.connection)) or "none: there are no scores"
        raise InputError("rank", "--tier", "has no scores", got=cube.tier, want=want)
    if not cube.tracks:
        raise InputError("rank", "scores", "there are none in this database")
    track = FULL if FULL in cube.tracks else cube.tracks[0]
    prompts = _choose_prompts(cube, track, by, prompt)
    kind: SliceKind = "overall" if by is None or by == "model" else by
    ranked = METRICS[metric].ranked
    boards = build_boards(
        cube.connection,
        [metric] if ranked else ["dice"],
        prompts=prompts,
        pair_metrics=(),
        kinds={kind},
        cube=cube,
    )
    chosen = [
        board
        for board in boards.values()
        if (board.key.slice.kind, board.key.track) == (kind, track)
        and board.key.selection == (selection or cube.selections(board.key.prompt)[-1])
    ]
    if ranked:
        return chosen
    return _show_distances(chosen, metric)


def _show_distances(boards: list[Board], metric: str) -> list[Board]:
    """Return boards as tables of a distance; only those of one target can be.

    Raises:
        InputError: If none is of one target, or boards do not show the distance.
    """
    if metric not in SHOWN:
        raise InputError("rank", "--metric", "is not shown on boards", got=metric)
    single = [board for board in boards if len(board.facts.targets) == 1]
    if boards and not single:
        reason = "is a median over the masks of one target, and never ranked"
        raise InputError("rank", "--metric", reason, got=metric, want="--by target beside it")
    return [show_distance(board, metric) for board in single]


def _choose_prompts(cube: Cube, track: str, by: By | None, prompt: str | None) -> tuple[str, ...]:
    scored = cube.prompts(track)
    if prompt is None:
        if by == "model":
            return scored
        return (DEFAULT_PROMPT,) if DEFAULT_PROMPT in scored else scored[:1]
    if get_prompt_kind(prompt).name not in scored:
        raise InputError("rank", "--prompt", "has no scores", got=prompt, want=" or ".join(scored))
    return (prompt,)
