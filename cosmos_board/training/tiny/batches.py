"""Batches of examples with prompts, and their tensors, grouped so that no prompt is padded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.core.arrays import Ints
from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.training.sampling import draw_kind, draw_prompt
from cosmos_board.training.tiny.examples import SIDE_PX, Example, ExampleSource

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
    tasks = [
        task for i, example in enumerate(examples) for task in _draw_tasks(example, i, objects, rng)
    ]
    return Batch(
        np.stack([example.pixels for example in examples]),
        tuple(example.content for example in examples),
        tuple(tasks),
    )


def _draw_tasks(example: Example, image: int, objects: int, rng: np.random.Generator) -> list[Task]:
    tasks = []
    for pick in _pick_evenly(len(example.masks), objects, rng):
        reference, kind = example.masks[pick], draw_kind(rng)
        prompt = draw_prompt(reference, kind, rng)
        tasks.append(Task(image, reference, prompt, kind in AMBIGUOUS))
    return tasks


def _pick_evenly(size: int, wanted: int, rng: np.random.Generator) -> Ints:
    """Return `wanted` indices below `size`, each about as often as the others."""
    rounds = [rng.permutation(size) for _ in range(-(-wanted // size))]
    return np.concatenate(rounds)[:wanted]


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

    Args:
        batch: The images.
        mean: Per channel in grey levels, shape (3, 1, 1).
        std: Likewise.
    """
    planes = torch.from_numpy(batch.pixels).to(mean.device).permute(0, 3, 1, 2)
    images = (planes - mean) / std
    for row, (height, width) in enumerate(batch.contents):
        images[row, :, height:] = 0
        images[row, :, :, width:] = 0
    return images


def group_prompts(
    tasks: Sequence[Task], device: torch.device, logits: Sequence[Tensor] | None = None
) -> list[tuple[Ints, PromptBatch]]:
    """Return batches of prompts of equal length, each with the positions of its tasks.

    Args:
        tasks: Any tasks.
        device: Of the tensors.
        logits: For each task the low-resolution logits fed back (1, y, x), or None for no feedback.
    """
    groups: dict[tuple[int, bool], list[int]] = {}
    for position, task in enumerate(tasks):
        key = (len(task.prompt.labels), task.prompt.box_xyxy is not None)
        groups.setdefault(key, []).append(position)
    return [
        (
            np.array(positions),
            _stack(
                [tasks[p] for p in positions],
                device,
                None if logits is None else torch.stack([logits[p] for p in positions]),
            ),
        )
        for _, positions in sorted(groups.items())
    ]


def _stack(tasks: Sequence[Task], device: torch.device, logits: Tensor | None) -> PromptBatch:
    def tensor(rows: list[object]) -> Tensor:
        return torch.as_tensor(np.array(rows), dtype=torch.float32, device=device)

    first = tasks[0].prompt
    return PromptBatch(
        torch.tensor([task.image for task in tasks], device=device),
        tensor([task.prompt.points_xy for task in tasks]) if len(first.labels) else None,
        tensor([task.prompt.labels for task in tasks]) if len(first.labels) else None,
        tensor([task.prompt.box_xyxy for task in tasks]) if first.box_xyxy else None,
        logits,
    )


def reference_tensor(tasks: Sequence[Task], device: torch.device) -> Tensor:
    """Return the references, float32, shape (P, 1, Y, X)."""
    stacked = np.stack([task.reference for task in tasks])[:, None]
    return torch.as_tensor(stacked, dtype=torch.float32, device=device)
