"""Boards of the volume track: ranked as every board, with what only volumes have beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np

from cosmos_board.board.build import build_boards
from cosmos_board.board.types import Board, SliceKind
from cosmos_board.board.volumes.cube import METRICS_OF_VOLUMES, VolumeCube
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.tracks import FULL
from cosmos_board.core.volumes import DISTANCE_PARTS, EACH_BOX, get_volume_prompt_kind
from cosmos_board.store.queries.connection import Columns, Connection
from cosmos_board.store.queries.scores import STEP
from cosmos_board.store.queries.volumes.answers import has_volumes
from cosmos_board.store.queries.volumes.sums import fetch_volume_means, fetch_volume_medians

DEFAULT_PROMPT = "slice-box"
_MEANS = ("volume_error", "overrun_slices", "missed_slices")
_MEDIANS = ("hd95_mm", "first_slice_s", "volume_s", "peak_bytes")
_PARTS = tuple(f"part_{part}" for part in range(1, DISTANCE_PARTS + 1))
_CLICKS = {"slice-point": 1.0, "slice-box": 2.0, "ends-box": 6.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeDetails:
    """What a board of volumes shows of one model beside its score; None where it is not known.

    Means are as a score's: over the board's targets, their clusters, and a cluster's references.
    """

    model: str
    """`MODEL/PROPAGATION`."""

    clicks: float | None
    """Effort of the prompt; of `each-box` the median over references; None for a mask."""

    volume_error: float | None
    """Predicted less true volume over the true one."""

    overrun_slices: float | None
    missed_slices: float | None
    retention: tuple[float | None, ...]
    """Mean Dice of slices in five parts of the way from the prompt slice to either end."""

    hd95_mm: float | None
    """Median over drawn masks; only on boards of one target."""

    first_slice_s: float | None
    volume_s: float | None
    """Medians over answers, of the slowest target."""

    peak_bytes: float | None
    """The most that any answer's process had taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBoard:
    """A board and its details, in the order of the board's rows."""

    board: Board
    details: tuple[VolumeDetails, ...]


def rank_volumes(
    connection: Connection,
    *,
    by: SliceKind = "overall",
    prompt: str | None = None,
    metric: str = "dice",
    tier: str | None = None,
) -> list[VolumeBoard]:
    """Return boards of one prompt of the volume track, in the order of their slices.

    Args:
        connection: The board database.
        by: One board per modality, object, target or dataset, or the overall one.
        prompt: A volume prompt; `slice-box` by default, or the first that has scores.
        metric: One of `METRICS_OF_VOLUMES`.
        tier: Count runs of this tier alone.

    Raises:
        InputError: If a name is unknown, or nothing was scored that way.
    """
    if metric not in METRICS_OF_VOLUMES:
        raise UnknownNameError("--metric", "name", metric, METRICS_OF_VOLUMES)
    cube = VolumeCube(connection, (metric,), tier) if has_volumes(connection) else None
    if cube is None or not cube.tracks:
        raise InputError("rank", "--study volumes", "has no scores in this database")
    track = FULL if FULL in cube.tracks else cube.tracks[0]
    scored = cube.prompts(track)
    if prompt is None:
        prompt = DEFAULT_PROMPT if DEFAULT_PROMPT in scored else scored[0]
    if get_volume_prompt_kind(prompt).name not in scored:
        raise InputError("rank", "--prompt", "has no scores", got=prompt, want=" or ".join(scored))
    boards = build_boards(
        cube.connection, [metric], prompts=[prompt], pair_metrics=(), kinds={by}, cube=cube
    )
    means = fetch_volume_means(cube.connection, track, prompt)
    made = [
        # That another propagation of a model has no answer says nothing of the model.
        VolumeBoard(board=replace(board, absent=()), details=_describe(cube, board, means))
        for board in boards.values()
        if board.key.track == track
    ]
    if not made:
        raise InputError("rank", "--by", "no board of this kind has scores", got=by)
    return made


def _describe(cube: VolumeCube, board: Board, means: Columns) -> tuple[VolumeDetails, ...]:
    """Return the details of each row of a board."""
    key, facts = board.key, board.facts
    medians = fetch_volume_medians(cube.connection, key.track, key.prompt, facts.datasets)
    details = []
    for row in board.rows:
        own = [_average(means, row.model, target, facts.datasets) for target in facts.targets]
        known = {name: _mean(each[name] for each in own) for name in (*_MEANS, *_PARTS)}
        slowest = _take_medians(medians, row.model, facts.targets)
        if len(facts.targets) > 1:
            slowest["hd95_mm"] = None
        box_clicks = slowest.pop("box_clicks")
        clicks = box_clicks if key.prompt == EACH_BOX else _CLICKS.get(key.prompt)
        details.append(
            VolumeDetails(
                model=row.model,
                clicks=clicks,
                **{name: known[name] for name in _MEANS},
                retention=tuple(known[name] for name in _PARTS),
                **slowest,
            )
        )
    return tuple(details)


def _average(
    means: Columns, model: str, target: str, datasets: Sequence[str]
) -> Mapping[str, float | None]:
    """Return means over the clusters of one target; a cluster without a value does not count."""
    chosen = (means["answerer"] == model) & (means["target"] == target)
    chosen &= np.isin(means["dataset"].astype(str), list(datasets))
    found: dict[str, float | None] = {}
    for name in (*_MEANS, *_PARTS):
        number = means[f"n_{name}"][chosen]
        known = number > 0
        sums = means[name][chosen][known] * STEP / number[known]
        found[name] = float(sums.mean()) if known.any() else None
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _take_medians(medians: Columns, model: str, targets: Sequence[str]) -> dict[str, Any]:
    """Return the greatest of the medians of some targets, by name."""
    chosen = (medians["answerer"] == model) & np.isin(medians["target"].astype(str), list(targets))
    found: dict[str, Any] = {}
    for name in (*_MEDIANS, "box_clicks"):
        values = [float(value) for value in medians[name][chosen] if not isnan(value)]
        found[name] = max(values, default=None)
    return found
