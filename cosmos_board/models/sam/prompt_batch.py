"""Prompts as a decoder of the SAM family takes them: in groups of equally many tokens.

None is padded: a padding token would take part in attention and change the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.segmenter import pair_logits


@dataclass(frozen=True, slots=True, eq=False)
class PromptBatch:
    """Prompts with equally many tokens, in the pixels (x, y) of the model's input square."""

    image_index: Tensor
    """Which row of the features each prompt belongs to, int64, shape (P,)."""

    points_xy: Tensor | None = None
    """Float, shape (P, n, 2)."""

    labels: Tensor | None = None
    """1 inside the object, 0 outside; shape (P, n)."""

    boxes_xyxy: Tensor | None = None
    """Float, shape (P, 4)."""

    mask_logits: Tensor | None = None
    """Low-resolution logits of an earlier answer, float, axes (P, 1, y, x)."""

    def __len__(self) -> int:
        return len(self.image_index)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPrompt:
    """Where a prompt stands in the caller's list, and what comes with it."""

    position: int
    prompt: Prompt
    logits: NDArray[np.float32] | None
    image: int = 0
    """Which of several images it is about."""


def group_by_tokens(
    prompts: Sequence[Prompt],
    logits: Sequence[NDArray[np.float32] | None] | None,
    size: int,
    images: Sequence[int] | None = None,
) -> Iterator[list[PlacedPrompt]]:
    """Yield all prompts, in native pixels, in groups of at most `size` of equally many tokens.

    `logits` are those of the click before each prompt, axes (y, x), or None; `images` say which
    image each is about, where there are several.

    Raises:
        InputError: If a prompt has neither points nor box.
    """
    groups: dict[tuple[int, bool, bool], list[PlacedPrompt]] = {}
    for position, (prompt, earlier) in enumerate(pair_logits(prompts, logits)):
        points, box = len(prompt.labels), prompt.box_xyxy is not None
        if not points and not box:
            raise InputError("prompt", "", "has neither points nor a box")
        key = (points, box, earlier is not None)
        image = images[position] if images else 0
        groups.setdefault(key, []).append(PlacedPrompt(position, prompt, earlier, image))
    for group in groups.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]


def to_batch(
    frames: Frame | Sequence[Frame], group: Sequence[PlacedPrompt], device: torch.device
) -> PromptBatch:
    """Return a group of `group_by_tokens` in the pixels of the model's input square, float32.

    `frames` are those of the images, or of the only one.
    """
    first, frames = group[0], [frames] if isinstance(frames, Frame) else frames
    places = [frames[placed.image] for placed in group]

    def to_input(native: Sequence[ArrayLike]) -> NDArray[np.float64]:
        if len(set(frames)) == 1:
            return frames[0].to_input(np.array(native))
        return np.stack([at.to_input(np.array(xy)) for at, xy in zip(places, native, strict=True)])

    points = labels = boxes = earlier = None
    if len(first.prompt.labels):
        points = _upload(to_input([placed.prompt.points_xy for placed in group]), device)
        labels = _upload(np.stack([placed.prompt.labels for placed in group]), device)
    if first.prompt.box_xyxy is not None:
        corners = [np.array(placed.prompt.box_xyxy).reshape(2, 2) for placed in group]
        boxes = _upload(to_input(corners), device).reshape(-1, 4)
    if first.logits is not None:
        given = [placed.logits for placed in group if placed.logits is not None]
        earlier = _upload(np.stack(given)[:, None], device)
    index = upload(np.array([placed.image for placed in group], np.int64), device)
    return PromptBatch(index, points, labels, boxes, earlier)


def _upload(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return upload(array.astype(np.float32), device)
