"""What segmenters in torch share: a device, a precision, and prompts that are put in groups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.device_candidates import DeviceCandidates
from cosmos_board.models.devices import Precision
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.geometry import Fit, Frame
from cosmos_board.models.sam.native_masks import to_native_masks
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.prompt_groups import Asked, group_by_tokens, to_batch
from cosmos_board.models.segmenter import Embedding

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
_GPU_PROMPTS_PER_CALL = 64
_CPU_PROMPTS_PER_CALL = 1
"""A library may add up a larger batch in another order; alone, a prompt has one answer only."""


class TorchSegmenter(ABC):
    """Answers prompts in groups of equal length; a subclass says how one group is decoded.

    Args:
        card: Facts about the model; `input_size_px` is the side of its input square.
        fit: Whether images are padded or squashed to the square.
        mask_threshold: A pixel belongs to a mask where its logit is greater.
        device: Where the model is: `cpu`, `cuda`, `cuda:1` …
        precision: `fp32`, or autocast to `bf16` or `fp16`; logits leave as float32.
        prompts_per_call: Prompts that share one decoder call; None chooses by device.
        everything: Thresholds of everything mode.
    """

    def __init__(
        self,
        *,
        card: ModelCard,
        fit: Fit,
        mask_threshold: float = 0.0,
        device: str = "cpu",
        precision: Precision = "fp32",
        prompts_per_call: int | None = None,
        everything: EverythingSettings | None = None,
    ) -> None:
        assert card.input_size_px is not None, "a SAM has an input size"
        self._card = card
        self._input_size_px = card.input_size_px
        self._fit: Fit = fit
        self._threshold = mask_threshold
        self._device = torch.device(device)
        self._precision: Precision = precision
        self._prompts_per_call = prompts_per_call or (
            _CPU_PROMPTS_PER_CALL if self._device.type == "cpu" else _GPU_PROMPTS_PER_CALL
        )
        self._everything = everything or EverythingSettings()

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

        Args:
            embedding: From `embed`.
            prompts: Native pixels (x, y).
            logits: Per prompt the logits of the click before, axes (y, x), or None.

        Raises:
            InputError: If a prompt has neither points nor box.
        """
        answers: dict[int, Candidates] = {}
        for group, masks, iou, low in self._answer_groups(embedding, prompts, logits):
            rows = (each.cpu().numpy() for each in (masks, iou, low))
            for one, *row in zip(group, *rows, strict=True):
                answers[one.position] = Candidates(*row)
        return [answers[position] for position in range(len(prompts))]

    def predict_on_device(
        self, embedding: Embedding, prompts: Sequence[Prompt]
    ) -> list[DeviceCandidates]:
        """Return what `predict` does, with masks left on the device and without logits.

        The device is waited for once, however many groups the prompts make.
        """
        if not prompts:
            return []
        drawn, estimates = [], []
        for group, masks, iou, _ in self._answer_groups(embedding, prompts):
            drawn += list(zip((one.position for one in group), masks, strict=True))
            estimates.append(iou)
        ious = torch.cat(estimates).cpu().numpy()
        answers = {
            position: DeviceCandidates(masks, iou)
            for (position, masks), iou in zip(drawn, ious, strict=True)
        }
        return [answers[position] for position in range(len(prompts))]

    def release_memory(self) -> None:
        """Give back what is cached on the device, after it did not suffice."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def draw_masks(self, frame: Frame, low: Tensor) -> Tensor:
        """Return low-resolution logits (P, K, y, x) as masks, bool, axes (P, K, Y, X)."""
        return to_native_masks(frame, low, self._threshold)

    def answer(
        self, embedding: Embedding, frame: Frame, batch: PromptBatch
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return masks, bool (P, K, Y, X), predicted IoU (P, K) and logits (P, K, y, x), float32.

        Args:
            embedding: From `embed`.
            frame: How its image lies in the input square.
            batch: P prompts.
        """
        with self.autocast():
            low, iou = self.decode(embedding, batch)
        return self.draw_masks(frame, low), iou.float(), low.float()

    @abstractmethod
    def decode(self, embedding: Embedding, batch: PromptBatch) -> tuple[Tensor, Tensor]:
        """Return logits, axes (P, K, y, x), and predicted IoU, shape (P, K), of any precision."""

    def _answer_groups(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> Iterator[tuple[list[Asked], Tensor, Tensor, Tensor]]:
        """Yield groups of prompts with masks (P, K, Y, X), predicted IoU and logits, float32."""
        frame = self._frame(embedding.height, embedding.width)
        own = [self.to_own(prompt) for prompt in prompts]
        for group in group_by_tokens(own, logits, self._prompts_per_call):
            with torch.inference_mode():
                answered = self.answer(embedding, frame, to_batch(frame, group, self._device))
            yield group, *answered

    def to_own(self, prompt: Prompt) -> Prompt:
        """Return a prompt (native pixels) as this model learnt to be asked."""
        return prompt

    def _frame(self, height: int, width: int) -> Frame:
        return Frame(height, width, self._input_size_px, self._fit)

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the model computes in its precision."""
        if self._precision == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=_AUTOCAST[self._precision])
