"""Study `jitter`: prompts with points and box sides displaced at random.

The random numbers depend on reference, prompt, mode and trial alone: no global generator is drawn
from, so that order, batches, workers and resuming do not matter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.arrays import Floats, Int32s
from cosmos_board.core.cards import PROTOCOL
from cosmos_board.core.prompts import PROMPTS, Prompt
from cosmos_board.prompts.simulators import Box

JitterMode: TypeAlias = Literal["first", "all"]

LEVELS_PX = (0, 10, 20)
"""Lower bounds of the displacement; each level is 10 px wide."""

TRIALS = 3


@dataclass(frozen=True, slots=True)
class JitterCell:
    """One repetition of the study: a level, a mode and a trial."""

    level: int
    """Lower bound of the displacement, pixels."""

    mode: JitterMode
    trial: int


def jitter_cells(prompt_name: str) -> list[JitterCell]:
    """Return the repetitions of the study for one prompt; none for `everything`.

    Moving the first point alone is a mode of its own only where there are several points.
    """
    kind = PROMPTS[prompt_name]
    points = kind.positive + kind.negative
    modes: tuple[JitterMode, ...] = ("first", "all") if points > 1 else ("first",)
    return [
        JitterCell(level, mode, trial)
        for mode in (modes if points or kind.box else ())
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

    All levels of a trial share their random numbers: displacements differ in length alone.

    Args:
        prompt: The frozen prompt, native pixels.
        cell: Level, mode and trial.
        reference_id: Of the reference of the prompt.
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


def random_words(
    count: int, *, reference_id: str, prompt: str, study: str, mode: str, trial: int
) -> NDArray[np.uint64]:
    """Return `count` words of Philox, keyed by the BLAKE2b-128 of what they are for.

    Only `random_raw` is used: its words are defined by the algorithm, while the methods of
    NumPy's `Generator` may change between releases.
    """
    name = "\x1f".join((PROTOCOL, reference_id, prompt, study, mode, str(trial)))
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    words: NDArray[np.uint64] = np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(
        count
    )
    return words


def to_unit(words: NDArray[np.uint64]) -> Floats:
    """Return each 64-bit word as a double in [0, 1), from its upper 53 bits."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _round_half_up(values: Floats) -> Int32s:
    return np.floor(values + 0.5).astype(np.int32)


def _move_points(
    points_xy: Int32s, words: NDArray[np.uint64], level: int, extent_xy: tuple[int, int]
) -> Int32s:
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
