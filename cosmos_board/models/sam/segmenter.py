"""Segmenters of the SAM family: one image encoder, many prompts through one mask decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.devices import CPU, Device
from cosmos_board.models.sam.decoder import (
    MULTIMASK,
    Cache,
    SamModules,
    decode,
    fold,
    precompute,
)
from cosmos_board.models.sam.everything import find_everything
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.geometry import Fit, Frame, to_input_tensor
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.torch_segmenter import TorchSegmenter
from cosmos_board.models.segmenter import DeviceCandidates, Embedding

SAM_MEAN = (123.675, 116.28, 103.53)
"""Per channel, in grey levels of 0 … 255."""

SAM_STD = (58.395, 57.12, 57.375)


_GPU_IMAGES_PER_CALL = 8
_CPU_IMAGES_PER_CALL = 1
"""A larger batch is no faster there."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What becomes of an image before the encoder sees it."""

    mean: tuple[float, float, float] = SAM_MEAN
    """Subtracted per channel, in grey levels."""

    std: tuple[float, float, float] = SAM_STD
    """What the difference is divided by."""

    fit: Fit = "pad"
    """Whether images are padded or squashed to the square."""


@dataclass(frozen=True, slots=True, eq=False)
class _BatchFeatures:
    """What is kept of images that were embedded together."""

    features: Tensor
    """Axes (images, C, y, x)."""

    cache: Cache | None


@dataclass(frozen=True, slots=True, eq=False)
class _ImageFeatures:
    """What is kept of one image."""

    batch: _BatchFeatures
    row: int
    """Its place in the batch."""

    @property
    def features(self) -> Tensor:
        """Axes (1, C, y, x)."""
        return self.batch.features[self.row : self.row + 1]


class SamSegmenter(TorchSegmenter):
    """Answers points, boxes, both, and everything mode with a model of the SAM family.

    Every prompt gets three candidates (mask tokens 1 to 3) at native size; their logits can
    be fed back with the next click.

    Args:
        sam: A torch module with `image_encoder` ((1, 3, S, S) → (1, C, s, s)),
            `prompt_encoder` and `mask_decoder` of the classes in `segment_anything`; any size.
        card: Facts about the model; `input_size_px` is the S above.
        device: Where the module is moved, and how it computes; where it is `compiled`, torch
            compiles the image encoder at its first use, which takes a minute.
        preprocessing: What becomes of an image before the encoder sees it.
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
        device: Device = CPU,
        preprocessing: Preprocessing = Preprocessing(),
        prompts_per_call: int | None = None,
        everything: EverythingSettings | None = None,
    ) -> None:
        super().__init__(
            card=card,
            fit=preprocessing.fit,
            device=device,
            prompts_per_call=prompts_per_call,
            everything=everything,
        )
        self._module = sam.to(self._device).eval()
        self._sam = fold(self._module)
        if device.compiled:
            self._sam.image_encoder = torch.compile(self._sam.image_encoder)
        self._mean = torch.tensor(preprocessing.mean, device=self._device).view(3, 1, 1)
        self._std = torch.tensor(preprocessing.std, device=self._device).view(3, 1, 1)

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
        """Return the image encoder's features of one image."""
        return self.embed_many([pixels])[0]

    def embed_many(self, images: Sequence[Pixels]) -> list[Embedding]:
        """Return the features of several images, of any sizes, from one encoder call."""
        frames, inputs = zip(*map(self.to_input, images), strict=True)
        with self.inference():
            batch = self._keep(self._sam.image_encoder(torch.cat(inputs)))
        return [
            Embedding(frame.height, frame.width, _ImageFeatures(batch, row))
            for row, frame in enumerate(frames)
        ]

    def write_embedding(self, embedding: Embedding) -> bytes:
        """Return the features of one image in the safetensors format."""
        return safetensors.torch.save({"features": _get_features(embedding).features.cpu()})

    def read_embedding(self, height: int, width: int, content: bytes) -> Embedding:
        """Return the embedding of an image of that size from what `write_embedding` gave.

        Raises:
            InputError: If `content` is damaged.
        """
        try:
            features = safetensors.torch.load(content)["features"]
        except (SafetensorError, KeyError) as error:
            raise InputError("embedding", "", "is damaged", got=str(error)[:100]) from error
        with self.inference():
            image = _ImageFeatures(self._keep(upload(features, self._device)), 0)
        return Embedding(height, width, image)

    def _keep(self, features: Tensor) -> _BatchFeatures:
        return _BatchFeatures(features, precompute(self._sam, features))

    def decode(self, embedding: Embedding, batch: PromptBatch) -> tuple[Tensor, Tensor]:
        """Return logits, axes (P, K, y, x), and predicted IoU, shape (P, K), of any precision."""
        image = _get_features(embedding)
        if image.row:
            batch = replace(batch, image_index=batch.image_index + image.row)
        return self._decode(image.batch, batch)

    @property
    def images_per_call(self) -> int:
        """How many images share one encoder call, and their prompts the decoder's, in a run."""
        return _CPU_IMAGES_PER_CALL if self._device.type == "cpu" else _GPU_IMAGES_PER_CALL

    def predict_many_on_device(
        self, embeddings: Sequence[Embedding], prompts: Sequence[Sequence[Prompt]]
    ) -> list[list[DeviceCandidates]]:
        """Return what `predict_on_device` does, for each image that one `embed_many` embedded.

        Prompts of several images share decoder calls, and the device is waited for once.
        """
        first = _get_features(embeddings[0]).batch
        frames = [self._frame(embedding.height, embedding.width) for embedding in embeddings]
        assert all(_get_features(each).batch is first for each in embeddings), "embedded apart"
        owners = [
            _get_features(each).row
            for each, own in zip(embeddings, prompts, strict=True)
            for _ in own
        ]
        answers = iter(
            self.collect(
                self.decode_groups(
                    partial(self._decode, first),
                    frames,
                    list(chain.from_iterable(prompts)),
                    images=owners,
                )
            )
        )
        return [list(islice(answers, len(own))) for own in prompts]

    def _decode(self, images: _BatchFeatures, batch: PromptBatch) -> tuple[Tensor, Tensor]:
        return decode(self._sam, images.features, batch, images.cache, self.mask_tokens)

    def search_grid(self, embedding: Embedding, points_per_call: int) -> EverythingCandidates:
        """Return the masks of everything mode, asking so many points at once."""
        image = _get_features(embedding)
        alone = image.batch if len(image.batch.features) == 1 else self._keep(image.features)
        return find_everything(
            self._sam,
            alone.features,
            alone.cache,
            self._frame(embedding.height, embedding.width),
            self._everything,
            prompts_per_call=points_per_call,
        )


def _get_features(embedding: Embedding) -> _ImageFeatures:
    assert isinstance(embedding.payload, _ImageFeatures), "the embedding is another segmenter's"
    return embedding.payload
