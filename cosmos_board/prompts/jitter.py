"""Study `jitter`: prompts displaced as a careless hand would displace them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.prompts import Prompt
from cosmos_board.prompts.box import Box
from cosmos_board.prompts.randomness import random_words, to_unit

JitterMode: TypeAlias = Literal["first", "all"]

LEVELS_PX = (0, 10, 20)
"""Lower bounds of the displacement; each level is 10 px wide."""

TRIALS = 3

MODES: dict[str, tuple[JitterMode, ...]] = {
    "point": ("first",),
    "points-5": ("first", "all"),
    "points-5-5": ("first", "all"),
    "box": ("first",),
    "box-point": ("first",),
}
"""The modes in which a prompt is displaced; one suffices where there is one point or none."""


@dataclass(frozen=True, slots=True)
class JitterCell:
    """One repetition of the study."""

    level: int
    """Lower bound of the displacement, pixels."""

    mode: JitterMode
    trial: int


def jitter_cells(prompt_name: str) -> list[JitterCell]:
    """Return the cells of the study for one prompt; none for `everything`."""
    return [
        JitterCell(level, mode, trial)
        for mode in MODES.get(prompt_name, ())
        for level in LEVELS_PX
        for trial in range(TRIALS)
    ]


def jitter_prompt(
    prompt: Prompt,
    cell: JitterCell,
    *,
    reference_id: str,
    prompt_name: str,
    height: int,
    width: int,
) -> Prompt:
    """Return `prompt` displaced by [level, level + 10) pixels.

    The words are shared over the levels of a trial, so levels differ in length alone.

    Args:
        prompt: The frozen prompt, native pixels.
        cell: Level, mode and trial.
        reference_id: Of the reference that the prompt was read off.
        prompt_name: Its name in the protocol.
        height: Extent of the image along Y, pixels.
        width: Extent of the image along X, pixels.
    """
    points = len(prompt.labels)
    words = random_words(
        8 + 2 * points,
        reference_id=reference_id,
        prompt=prompt_name,
        study="jitter",
        mode=cell.mode,
        trial=cell.trial,
    )
    moved = prompt.points_xy.copy()
    count = points if cell.mode == "all" else min(points, 1)
    if count:
        moved[:count] = _move_points(
            moved[:count], words[8 : 8 + 2 * count], cell.level, (width, height)
        )
    box = prompt.box_xyxy and _move_box(prompt.box_xyxy, words[:8], cell.level, (width, height))
    return Prompt(moved, prompt.labels, box)


def _round_half_up(values: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.floor(values + 0.5).astype(np.int32)


def _move_points(
    points_xy: NDArray[np.int32], words: NDArray[np.uint64], level: int, extent_xy: tuple[int, int]
) -> NDArray[np.int32]:
    length, turn = to_unit(words).reshape(-1, 2).T
    length = level + 10 * length
    angle = 2 * np.pi * turn
    moved = points_xy.astype(np.float64) + np.stack(
        [length * np.cos(angle), length * np.sin(angle)], axis=1
    )
    return np.clip(_round_half_up(moved), 0, np.array(extent_xy, np.int32) - 1)


def _move_box(box: Box, words: NDArray[np.uint64], level: int, extent_xy: tuple[int, int]) -> Box:
    length = level + 10 * to_unit(words[:4])
    outward = np.array([-1, -1, 1, 1])
    direction = np.where(words[4:] >> np.uint64(63), outward, -outward)
    limit = np.array([*extent_xy, *extent_xy]) - 1
    sides = np.asarray(box)
    moved = np.clip(_round_half_up(sides + direction * length), 0, limit)
    grown = np.clip(_round_half_up(sides + outward * length), 0, limit)
    thin = moved[2:] - moved[:2] + 1 < 2
    min_x, min_y, max_x, max_y = np.where(np.tile(thin, 2), grown, moved).tolist()
    return min_x, min_y, max_x, max_y
