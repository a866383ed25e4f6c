"""Segmenters of the SAM family: one image encoder, many prompts through one mask decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.devices import Precision
from cosmos_board.models.everything_grid import EverythingSettings
from cosmos_board.models.native_masks import Masks, to_native_masks
from cosmos_board.models.prompt_batch import PromptBatch
from cosmos_board.models.prompt_groups import group_by_tokens, to_batch
from cosmos_board.models.sam_decoder import MULTIMASK, SamModules, Sight, decode, fold, look
from cosmos_board.models.sam_everything import find_everything
from cosmos_board.models.sam_geometry import Fit, Frame, to_input_tensor
from cosmos_board.models.segmenter import Embedding

SAM_MEAN = (123.675, 116.28, 103.53)
"""Per channel, in grey levels of 0 … 255."""

SAM_STD = (58.395, 57.12, 57.375)

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
_GPU_PROMPTS_PER_CALL = 64
_CPU_PROMPTS_PER_CALL = 1
"""A library may add up a larger batch in another order; alone, a prompt has one answer only."""

_GRID_POINTS_PER_CALL = 16
"""Everything mode always asks the same points of an image, so that its batches never change."""


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What is kept of one image."""

    features: Tensor
    """Axes (1, C, y, x)."""

    sight: Sight | None


class SamSegmenter:
    """Answers points, boxes, both, and everything mode with a model of the SAM family.

    Every prompt gets three candidates (mask tokens 1 to 3) at native size; their logits can
    be fed back with the next click.

    Args:
        sam: A torch module with `image_encoder` ((1, 3, S, S) → (1, C, s, s)),
            `prompt_encoder` and `mask_decoder` of the classes in `segment_anything`; any size.
        card: Facts about the model; `input_size_px` is the S above.
        pixel_mean: Subtracted per channel, in grey levels.
        pixel_std: What the difference is divided by.
        fit: Whether images are padded or squashed to the square.
        mask_threshold: A pixel belongs to a mask where its logit is greater.
        device: Where the module is moved: `cpu`, `cuda`, `cuda:1` …
        precision: `fp32`, or autocast to `bf16` or `fp16`; logits leave as float32.
        compiled: Whether torch compiles the image encoder at its first use, which takes a minute.
        prompts_per_call: Prompts that share one decoder call; None chooses by device.
        everything: Thresholds of everything mode.
    """

    mask_tokens: Sequence[int] = MULTIMASK
    """The mask tokens that answer, one candidate each."""

    def __init__(
        self,
        sam: nn.Module,
        *,
        card: ModelCard,
        pixel_mean: tuple[float, float, float] = SAM_MEAN,
        pixel_std: tuple[float, float, float] = SAM_STD,
        fit: Fit = "pad",
        mask_threshold: float = 0.0,
        device: str = "cpu",
        precision: Precision = "fp32",
        compiled: bool = False,
        prompts_per_call: int | None = None,
        everything: EverythingSettings | None = None,
    ) -> None:
        assert card.input_size_px is not None, "a SAM has an input size"
        self._module = sam.to(device).eval()
        self._sam = fold(self._module)
        if compiled:
            self._sam.image_encoder = torch.compile(self._sam.image_encoder)
        self._card = card
        self._input_size_px = card.input_size_px
        self._device = torch.device(device)
        self._mean = torch.tensor(pixel_mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(pixel_std, device=device).view(3, 1, 1)
        self._fit: Fit = fit
        self._threshold = mask_threshold
        self._precision: Precision = precision
        on_cpu = self._device.type == "cpu"
        self._prompts_per_call = prompts_per_call or (
            _CPU_PROMPTS_PER_CALL if on_cpu else _GPU_PROMPTS_PER_CALL
        )
        self._grid_points_per_call = prompts_per_call or (
            _GRID_POINTS_PER_CALL if on_cpu else _GPU_PROMPTS_PER_CALL
        )
        self._everything = everything or EverythingSettings()

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return self._card

    @property
    def module(self) -> nn.Module:
        """The torch module itself, for training and for saving."""
        return self._module

    @property
    def parts(self) -> SamModules:
        """The same module by its three parts."""
        return self._module

    def to_input(self, pixels: Pixels) -> tuple[Frame, Tensor]:
        """Return how an image lies in the input square, and what the encoder takes of it."""
        frame = self._frame(*pixels.shape[:2])
        content = frame.resize(pixels)
        return frame, to_input_tensor(content, self._input_size_px, self._mean, self._std)

    def embed(self, pixels: Pixels) -> Embedding:
        """Return the image encoder's features of one image.

        Args:
            pixels: uint8, axes (Y, X) grey or (Y, X, 3) RGB, native size.
        """
        return self.embed_many([pixels])[0]

    def embed_many(self, images: Sequence[Pixels]) -> list[Embedding]:
        """Return the features of several images, of any sizes, from one encoder call."""
        frames, inputs = zip(*map(self.to_input, images), strict=True)
        with torch.inference_mode(), self._autocast():
            features: Tensor = self._sam.image_encoder(torch.cat(inputs))
            views = [_View(one, look(self._sam, one)) for one in torch.split(features, 1)]
        return [
            Embedding(frame.height, frame.width, view)
            for frame, view in zip(frames, views, strict=True)
        ]

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return three candidates per prompt, in order.

        Args:
            embedding: From `embed`.
            prompts: Native pixels (x, y).
            logits: Per prompt the logits of the click before, axes (y, x), or None.

        Raises:
            InputError: If a prompt has neither points nor box.
        """
        frame = self._frame(embedding.height, embedding.width)
        answers: dict[int, Candidates] = {}
        for group in group_by_tokens(prompts, logits, self._prompts_per_call):
            batch = to_batch(frame, group, self._device)
            for one, candidates in zip(group, self._answer(embedding, frame, batch), strict=True):
                answers[one.position] = candidates
        return [answers[position] for position in range(len(prompts))]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Return the masks of everything mode, best predicted IoU first."""
        while True:
            found = self._search_grid(embedding)
            if found is not None:
                return found
            self._grid_points_per_call //= 2
            self.release_memory()

    def _search_grid(self, embedding: Embedding) -> EverythingCandidates | None:
        """Return what everything mode finds, or None where fewer points at once may yet fit."""
        frame = self._frame(embedding.height, embedding.width)
        view = _get_view(embedding)
        # The exception is left behind before the retry: its traceback would keep tensors alive.
        try:
            with torch.inference_mode(), self._autocast():
                return find_everything(
                    self._sam,
                    view.features,
                    view.sight,
                    frame,
                    self._everything,
                    mask_threshold=self._threshold,
                    prompts_per_call=self._grid_points_per_call,
                )
        except torch.OutOfMemoryError:
            if self._grid_points_per_call == 1:
                raise
            return None

    def release_memory(self) -> None:
        """Give back what is cached on the device, after it did not suffice."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def draw_masks(self, frame: Frame, low: Tensor) -> Masks:
        """Return low-resolution logits (P, K, y, x) as masks, bool, axes (P, K, Y, X)."""
        return to_native_masks(frame, low, self._threshold)

    def _answer(
        self, embedding: Embedding, frame: Frame, batch: PromptBatch
    ) -> Iterator[Candidates]:
        view = _get_view(embedding)
        with torch.inference_mode():
            with self._autocast():
                low, iou = decode(self._sam, view.features, batch, view.sight, self.mask_tokens)
            masks = self.draw_masks(frame, low)
            low_logits, estimates = low.float().cpu().numpy(), iou.float().cpu().numpy()
        for answer in zip(masks, estimates, low_logits, strict=True):
            yield Candidates(*answer)

    def _frame(self, height: int, width: int) -> Frame:
        return Frame(height, width, self._input_size_px, self._fit)

    def _autocast(self) -> AbstractContextManager[object]:
        if self._precision == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=_AUTOCAST[self._precision])


def _get_view(embedding: Embedding) -> _View:
    assert isinstance(embedding.payload, _View), "the embedding is another segmenter's"
    return embedding.payload
