"""Random prompts for training: points are random in half of them, boxes moved in a quarter."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.arrays import Int32s
from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import PROMPTS, Prompt, make_prompt
from cosmos_board.prompts.simulators import Box, negative_points, positive_points, tight_box

SHARES = {"point": 0.26, "points-5": 0.1, "points-5-5": 0.14, "box": 0.4, "box-point": 0.1}
"""How often each prompt is drawn."""

_RANDOM_NEGATIVE_SHARE = 0.5
_RANDOM_POSITIVE_SHARE = 0.5
_JITTERED_BOX_SHARE = 0.25


def draw_kind(rng: np.random.Generator) -> str:
    """Return the name of a prompt by its share."""
    names, weights = zip(*SHARES.items(), strict=True)
    return str(names[int(rng.choice(len(names), p=weights))])


def draw_prompt(reference: Mask, kind: str, rng: np.random.Generator) -> Prompt:
    """Return a prompt of `kind`, not `everything`, for a reference, bool, axes (Y, X), not empty.

    Often exactly the protocol's; else points are anywhere inside or around, box sides off by up to
    a tenth.
    """
    counts = PROMPTS[kind]
    positive = negative = box = None
    if counts.positive:
        positive = positive_points(reference, counts.positive)
        if rng.random() < _RANDOM_POSITIVE_SHARE:
            positive = _draw_inside(reference, len(positive), rng)
    if counts.negative:
        negative = negative_points(reference, counts.negative)
        if rng.random() < _RANDOM_NEGATIVE_SHARE:
            negative = _draw_outside(reference, counts.negative, rng)
    if counts.box:
        box = tight_box(reference)
        if rng.random() < _JITTERED_BOX_SHARE:
            box = _jitter_box(box, reference.shape, rng)
    return make_prompt(positive, negative, box)


def _draw_inside(reference: Mask, count: int, rng: np.random.Generator) -> Int32s:
    ys, xs = np.nonzero(reference)
    picks = rng.integers(0, len(xs), count)
    return np.stack([xs[picks], ys[picks]], 1).astype(np.int32)


def _draw_outside(reference: Mask, count: int, rng: np.random.Generator) -> Int32s:
    low_x, low_y, high_x, high_y = tight_box(reference)
    margin = max(4, (high_x - low_x + high_y - low_y) // 4)
    top, left = max(0, low_y - margin), max(0, low_x - margin)
    ys, xs = np.nonzero(~reference[top : high_y + margin + 1, left : high_x + margin + 1])
    if not len(xs):
        return np.zeros((0, 2), np.int32)
    picks = rng.integers(0, len(xs), count)
    return np.stack([xs[picks] + left, ys[picks] + top], 1).astype(np.int32)


def _jitter_box(box: Box, shape: tuple[int, ...], rng: np.random.Generator) -> Box:
    sides = np.array(box, np.float64)
    extent = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    moved = np.round(sides + rng.uniform(-1, 1, 4) * np.clip(0.1 * extent, 1, 12))
    limit = np.array([shape[1], shape[0]] * 2) - 1
    low_x, low_y, high_x, high_y = np.clip(moved, 0, limit).astype(int).tolist()
    if high_x - low_x < 2 or high_y - low_y < 2:
        return box
    return low_x, low_y, high_x, high_y
