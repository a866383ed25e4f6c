"""What segmenters in torch share: a device, a precision, and prompts that are decoded in groups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.accelerators.memory import is_out_of_memory
from cosmos_board.accelerators.timing import HOST_CLOCK, Clock, EventClock
from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.devices import CPU, Device, Precision
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.geometry import Fit, Frame
from cosmos_board.models.sam.native_masks import to_native_masks
from cosmos_board.models.sam.prompt_batch import (
    PlacedPrompt,
    PromptBatch,
    group_by_tokens,
    to_batch,
)
from cosmos_board.models.segmenter import DeviceCandidates, Embedding

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
_GPU_PROMPTS_PER_CALL = 64
_CPU_PROMPTS_PER_CALL = 1
"""A library may add up a larger batch in another order; alone, a prompt has one answer only."""

_CPU_GRID_POINTS_PER_CALL = 16
"""Everything mode always asks the same points of an image, so that its batches never change."""

Decoded: TypeAlias = tuple[list[PlacedPrompt], Tensor, Tensor, Tensor]
"""Prompts that were decoded together, with their masks, predicted IoU and logits."""


class TorchSegmenter(ABC):
    """Answers prompts in groups of equal length; a subclass says how one group is decoded.

    Images are padded or squashed (`fit`) to a square of `card.input_size_px`; `prompts_per_call`
    prompts share one decoder call, where None chooses by device.
    """

    def __init__(
        self,
        *,
        card: ModelCard,
        fit: Fit,
        device: Device = CPU,
        prompts_per_call: int | None = None,
        everything: EverythingSettings | None = None,
    ) -> None:
        assert card.input_size_px is not None, "a SAM has an input size"
        self._card = card
        self._input_size_px = card.input_size_px
        self._fit: Fit = fit
        self._device = torch.device(device.name)
        self._precision = device.precision
        self._prompts_per_call = prompts_per_call or (
            _CPU_PROMPTS_PER_CALL if self._device.type == "cpu" else _GPU_PROMPTS_PER_CALL
        )
        self._grid_points_per_call = prompts_per_call or (
            _CPU_GRID_POINTS_PER_CALL if self._device.type == "cpu" else _GPU_PROMPTS_PER_CALL
        )
        self._everything = everything or EverythingSettings()
        is_gpu = self._device.type == "cuda"
        self.clock: Clock = EventClock(self._device) if is_gpu else HOST_CLOCK
        """What its stages are timed by."""

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return self._card

    @property
    def device(self) -> str:
        """Where the model is, as torch has it."""
        return str(self._device)

    @property
    def precision(self) -> Precision:
        """Of the arithmetic; weights and answers are float32."""
        return self._precision

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return the candidates of each prompt, in order.

        Raises:
            InputError: If a prompt has neither points nor box.
        """
        candidates: dict[int, Candidates] = {}
        frames = [self._frame(embedding.height, embedding.width)]
        groups = self.decode_groups(partial(self.decode, embedding), frames, prompts, logits)
        for group, masks, iou, low in groups:
            rows = (each.cpu().numpy() for each in (masks, iou, low))
            for placed, *row in zip(group, *rows, strict=True):
                candidates[placed.position] = Candidates(*row)
        return [candidates[position] for position in range(len(prompts))]

    def predict_on_device(
        self, embedding: Embedding, prompts: Sequence[Prompt]
    ) -> list[DeviceCandidates]:
        """Return what `predict` does, with masks left on the device and without logits.

        The device is waited for once, however many groups the prompts make.
        """
        frames = [self._frame(embedding.height, embedding.width)]
        return self.collect(self.decode_groups(partial(self.decode, embedding), frames, prompts))

    def collect(self, groups: Iterable[Decoded]) -> list[DeviceCandidates]:
        """Return the answers of `decode_groups` in the order of the prompts, on the device."""
        positions: list[int] = []
        masks: list[Tensor] = []
        estimates = []
        for group, drawn, iou, _ in groups:
            positions += [placed.position for placed in group]
            masks += list(drawn)
            estimates.append(iou)
        if not positions:
            return []
        rows = zip(positions, masks, torch.cat(estimates).cpu().numpy(), strict=True)
        candidates = {position: DeviceCandidates(drawn, iou) for position, drawn, iou in rows}
        return [candidates[position] for position in range(len(positions))]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Return the masks of everything mode, best predicted IoU first.

        Points are asked in halves where they do not fit, from image to image.
        """
        while True:
            candidates = self._try_grid(embedding)
            if candidates is not None:
                return candidates
            self._grid_points_per_call //= 2
            self.release_memory()

    def _try_grid(self, embedding: Embedding) -> EverythingCandidates | None:
        """Return what everything mode finds, or None where fewer points at once may yet fit."""
        # The exception is left behind before the retry: its traceback would keep tensors alive.
        try:
            with self.inference():
                return self.search_grid(embedding, self._grid_points_per_call)
        except Exception as error:
            if self._grid_points_per_call == 1 or not is_out_of_memory(error):
                raise
            return None

    def release_memory(self) -> None:
        """Give back what is cached on the device, after it did not suffice."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def draw_masks(self, frame: Frame, low: Tensor) -> Tensor:
        """Return low-resolution logits (P, K, y, x) as masks, bool, axes (P, K, Y, X)."""
        return to_native_masks(frame, low)

    @abstractmethod
    def decode(self, embedding: Embedding, batch: PromptBatch) -> tuple[Tensor, Tensor]:
        """Return logits, axes (P, K, y, x), and predicted IoU, shape (P, K), of any precision."""

    @abstractmethod
    def search_grid(self, embedding: Embedding, points_per_call: int) -> EverythingCandidates:
        """Return the masks of everything mode, asking so many points at once."""

    def decode_groups(
        self,
        decode: Callable[[PromptBatch], tuple[Tensor, Tensor]],
        frames: Sequence[Frame],
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
        images: Sequence[int] | None = None,
    ) -> Iterator[Decoded]:
        """Yield groups of prompts with masks (P, K, Y, X), predicted IoU and logits, float32.

        Prompts are of the images that `images` says, by their place in `frames`; None: of the only
        one. A group is of images of one size.
        """
        own = [self.to_own(prompt) for prompt in prompts]
        for group in group_by_tokens(own, logits, self._prompts_per_call, images):
            with self.inference():
                low, iou = decode(to_batch(frames, group, self._device))
            sizes = [frames[placed.image] for placed in group]
            for frame in dict.fromkeys(sizes):
                rows = [row for row, other in enumerate(sizes) if other == frame]
                part, part_low, part_iou = group, low, iou
                if len(rows) < len(group):
                    part, index = [group[row] for row in rows], upload(np.array(rows), low.device)
                    part_low, part_iou = low[index], iou[index]
                with torch.inference_mode():
                    masks = self.draw_masks(frame, part_low)
                yield part, masks, part_iou.float(), part_low.float()

    def to_own(self, prompt: Prompt) -> Prompt:
        """Return a prompt (native pixels) as this model learnt to be asked."""
        return prompt

    def _frame(self, height: int, width: int) -> Frame:
        return Frame(height, width, self._input_size_px, self._fit)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Compute in the model's precision, without gradients.

        Numbers below 1.2e-38, of which a softmax makes many, count as zero on a CPU: sums do not
        change, and a multiplication by one takes ten times as long.
        """
        on_cpu = self._device.type == "cpu"
        try:
            torch.set_flush_denormal(on_cpu)
            with torch.inference_mode(), self.autocast():
                yield
        finally:
            torch.set_flush_denormal(False)

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the model computes in its precision."""
        if self._precision == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=_AUTOCAST[self._precision])
