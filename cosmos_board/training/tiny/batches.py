"""Batches of examples with prompts, and their tensors, grouped so that no prompt is padded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.prompt_batch import (
    PlacedPrompt,
    PromptBatch,
    group_by_tokens,
    to_batch,
)
from cosmos_board.training.sampling import draw_kind, draw_prompt
from cosmos_board.training.tiny.examples import SIDE_PX, ExampleSource

AMBIGUOUS = frozenset({"point"})
"""Prompts that do not tell which of several objects is meant."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One object to segment: image, prompt and reference."""

    image: int
    """Index in the batch."""

    reference: Mask
    prompt: Prompt
    ambiguous: bool


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The images and tasks of one step."""

    pixels: NDArray[np.uint8]
    """Axes (B, Y, X, 3)."""

    contents: tuple[tuple[int, int], ...]
    tasks: tuple[Task, ...]


def draw_batch(
    source: ExampleSource, key: int, images: int, objects: int, side: int = SIDE_PX
) -> Batch:
    """Return batch number `key`: `images` examples, `objects` tasks on each."""
    examples = [source.draw(key * images + i, side) for i in range(images)]
    rng = np.random.Generator(np.random.Philox(key=(1 << 100) + key))
    tasks = []
    for image, example in enumerate(examples):
        size = len(example.masks)
        # Each object about as often as the others.
        rounds = [rng.permutation(size) for _ in range(-(-objects // size))]
        for pick in np.concatenate(rounds)[:objects]:
            reference, kind = example.masks[pick], draw_kind(rng)
            prompt = draw_prompt(reference, kind, rng)
            tasks.append(Task(image, reference, prompt, kind in AMBIGUOUS))
    pixels = np.stack([example.pixels for example in examples])
    return Batch(pixels, tuple(example.content for example in examples), tuple(tasks))


def prefetch(draw: Callable[[int], Batch], first: int) -> Generator[Batch]:
    """Yield `draw(first)`, `draw(first + 1)` …, each drawn in a thread during the step before.

    Closing the iterator ends the thread.
    """
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(draw, first)
        for number in count(first + 1):
            batch = pending.result()
            pending = pool.submit(draw, number)
            yield batch


def image_tensor(batch: Batch, mean: Tensor, std: Tensor) -> Tensor:
    """Return images as the encoder takes them, (B, 3, Y, X): normalised, padding zero.

    `mean` and `std` are per channel in grey levels, shape (3, 1, 1).
    """
    planes = torch.from_numpy(batch.pixels).to(mean.device).permute(0, 3, 1, 2)
    images = (planes - mean) / std
    for row, (height, width) in enumerate(batch.contents):
        images[row, :, height:] = 0
        images[row, :, :, width:] = 0
    return images


def group_prompts(
    tasks: Sequence[Task], device: torch.device, logits: Sequence[Tensor] | None = None
) -> list[tuple[list[int], PromptBatch]]:
    """Return batches of prompts of equal length, each with the positions of its tasks.

    `logits` are those that are fed back with each task, (1, y, x); None for no feedback.
    """
    side = len(tasks[0].reference)
    groups = group_by_tokens([task.prompt for task in tasks], None, len(tasks))

    def length(group: list[PlacedPrompt]) -> tuple[int, bool]:
        return len(group[0].prompt.labels), group[0].prompt.box_xyxy is not None

    batches = []
    for group in sorted(groups, key=length):
        positions = [placed.position for placed in group]
        index = torch.tensor([tasks[p].image for p in positions], device=device)
        earlier = None if logits is None else torch.stack([logits[p] for p in positions])
        batch = to_batch(Frame(side, side, side), group, device)
        batches.append((positions, replace(batch, image_index=index, mask_logits=earlier)))
    return batches


def reference_tensor(tasks: Sequence[Task], device: torch.device) -> Tensor:
    """Return the references, float32, shape (P, 1, Y, X)."""
    stacked = np.stack([task.reference for task in tasks])[:, None]
    return torch.as_tensor(stacked, dtype=torch.float32, device=device)
