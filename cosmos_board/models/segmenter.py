"""What a model must do to be evaluated: embed an image once, then answer prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates, find_best
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask

if TYPE_CHECKING:  # this module works without torch
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What a segmenter keeps of one image between prompts."""

    height: int
    width: int
    payload: object
    """Any value of the segmenter's own; other code does not read it."""


@runtime_checkable
class Segmenter(Protocol):
    """Answers prompts on images. Stateless between calls: everything it needs is passed in."""

    @property
    def card(self) -> ModelCard:
        """Facts about the model, its name and the prompts it answers among them."""
        ...

    def embed(self, pixels: Pixels) -> Embedding:
        """Return what is worth computing once for an image.

        Args:
            pixels: uint8, axes (Y, X) grey or (Y, X, 3) RGB, native size.
        """
        ...

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return the candidates for each prompt, in order.

        Results must not depend on how prompts are grouped into calls.

        Args:
            embedding: From `embed` of the same segmenter.
            prompts: Coordinates in native pixels (x, y).
            logits: For each prompt the chosen low-resolution logits of the click before
                (axes (y, x)), or None; only where the card says `mask_input`.
        """
        ...

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Return the masks of everything mode; only called where the card lists `everything`."""
        ...


@runtime_checkable
class KeepsEmbeddings(Protocol):
    """A segmenter whose embeddings can be saved and read back bit for bit."""

    def write_embedding(self, embedding: Embedding) -> bytes:
        """Return an embedding as bytes that hold no code."""
        ...

    def read_embedding(self, height: int, width: int, content: bytes) -> Embedding:
        """Return the embedding of an image of that size from what `write_embedding` gave.

        Raises:
            InputError: If `content` is damaged.
        """
        ...


@runtime_checkable
class VolumeSegmenter(Protocol):
    """A model that takes a whole volume; every axis order is (slice, row, column)."""

    @property
    def volume_prompts(self) -> tuple[str, ...]:
        """Names of the volume prompts that it answers; there may be none."""
        ...

    def open_volume(self, voxels: NDArray[np.uint8], spacing_mm: SpacingMm) -> object:
        """Return what is worth computing once for a volume; other code does not read it."""
        ...

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> VolumeMask:
        """Return the mask of the one object that the prompts stand for, as large as the volume."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SlicePrediction:
    """The mask on one slice of a volume."""

    slice_index: int

    mask: Mask
    """bool, axes (row, column), as large as the slice."""


@runtime_checkable
class MemorySegmenter(VolumeSegmenter, Protocol):
    """A volume model that goes from slice to slice and remembers: propagation `memory`."""

    def propagate(
        self, volume: object, prompts: Sequence[SlicePrompt]
    ) -> Iterator[SlicePrediction]:
        """Yield the mask of each slice once, as soon as it is known.

        The first is that of the lowest slice with a prompt. From there it goes to the last slice
        and, from a fresh state, to the first one.

        Args:
            volume: From `open_volume` of the same segmenter.
            prompts: All for one object, in rising order of slices, at least one.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class DeviceCandidates:
    """The masks that a model offers for one prompt, on its device."""

    masks: Tensor
    """bool, axes (K, Y, X), in the native size of the image; K ≥ 1."""

    predicted_iou: NDArray[np.float32]
    """As `Candidates` has it: these few numbers are copied to the host."""

    @property
    def best(self) -> int:
        """Index of the best predicted IoU; the lower index on a tie."""
        return find_best(self.predicted_iou)

    def to_host(self) -> Candidates:
        """Return the same candidates in the memory of the host, without logits."""
        return Candidates(self.masks.cpu().numpy(), self.predicted_iou)


@runtime_checkable
class DeviceSegmenter(Segmenter, Protocol):
    """A segmenter whose masks can be scored where they are, which saves copying all of them."""

    @property
    def device(self) -> str:
        """Where it runs, as torch has it."""
        ...

    def predict_on_device(
        self, embedding: Embedding, prompts: Sequence[Prompt]
    ) -> list[DeviceCandidates]:
        """Return what `predict` does, with masks left on the device and without logits."""
        ...


def stack_slices(predictions: Iterable[SlicePrediction], shape: tuple[int, int, int]) -> VolumeMask:
    """Return one mask of shape (slice, row, column); slices that never came are empty."""
    masks = np.zeros(shape, np.bool_)
    for prediction in predictions:
        masks[prediction.slice_index] = prediction.mask
    return masks


def pair_logits(
    prompts: Sequence[Prompt], logits: Sequence[NDArray[np.float32] | None] | None
) -> Iterator[tuple[Prompt, NDArray[np.float32] | None]]:
    """Yield each prompt with the logits of the click before it, None where there are none."""
    given = logits if logits is not None else [None] * len(prompts)
    return zip(prompts, given, strict=True)


def limit_logits(logits: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """Return logits within ±32, as SAM 2 feeds them back; masks use unclipped ones."""
    return None if logits is None else logits.clip(-32, 32)


def to_probability(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sigmoid of logits, which are cut at ±30 so that no number overflows."""
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)
