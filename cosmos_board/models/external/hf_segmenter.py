"""SAM-HQ, SAM 2, EdgeTAM and the point-and-box model of SAM 3, run through `transformers`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.devices import CPU, Device
from cosmos_board.models.sam.everything import LowLogits, search_by_logits, take_wanted
from cosmos_board.models.sam.geometry import Fit
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.torch_segmenter import TorchSegmenter
from cosmos_board.models.segmenter import Embedding, limit_logits


class HfSegmenter(TorchSegmenter):
    """Answers points, boxes, both, and everything mode with three candidates each.

    Every prompt is a row of the batch with an image embedding of its own, so that prompts may
    bring masks, which the library takes one per image. `model` is a `SamHQModel`, `Sam2Model`,
    `EdgeTamModel` or `Sam3TrackerModel`, `processor` the library's image processor, which pads or
    squashes (`fit`) to a square of `card.input_size_px`.
    """

    multimask = True
    """Whether the decoder is asked for three masks or, as in training for boxes, for one."""

    # Any: transformers ships no types that a strict reader accepts.
    def __init__(
        self,
        model: Any,  # noqa: ANN401
        processor: Any,  # noqa: ANN401
        *,
        card: ModelCard,
        fit: Fit,
        device: Device = CPU,
    ) -> None:
        super().__init__(card=card, fit=fit, device=device)
        self._grid_points_per_call = self._prompts_per_call
        self._model = model.to(self._device).eval()
        self._processor = processor

    def embed(self, pixels: Pixels) -> Embedding:
        """Return what the library's vision encoder makes of one image."""
        height, width = pixels.shape[:2]
        inputs = upload(self.to_input(pixels), self._device)
        with self.inference():
            features = self._model.get_image_embeddings(inputs)
        return Embedding(height, width, _to_arguments(features))

    def to_input(self, pixels: Pixels) -> Tensor:
        """Return what the encoder takes of grey or RGB pixels, axes (1, 3, y, x), on the host."""
        return preprocess(self._processor, pixels)

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return each prompt's candidates; SAM 2 and related models feed back logits within ±32."""
        predictions = super().predict(embedding, prompts, logits)
        if self._fit == "pad":
            return predictions
        return [
            Candidates(candidates.masks, candidates.predicted_iou, limit_logits(candidates.logits))
            for candidates in predictions
        ]

    def decode(self, embedding: Embedding, batch: PromptBatch) -> tuple[Tensor, Tensor]:
        """Return logits, axes (P, K, y, x), and predicted IoU, shape (P, K), of any precision."""
        assert isinstance(embedding.payload, dict), "the embedding is another segmenter's"
        count = len(batch)
        features = {key: _repeat(each, count) for key, each in embedding.payload.items()}
        given = {
            "input_points": batch.points_xy,
            "input_labels": None if batch.labels is None else batch.labels.long(),
            "input_boxes": batch.boxes_xyxy,
        }
        prompts = {key: None if each is None else each[:, None] for key, each in given.items()}
        output = self._model(
            **features, **prompts, input_masks=batch.mask_logits, multimask_output=self.multimask
        )
        return output.pred_masks[:, 0], output.iou_scores[:, 0]

    def search_grid(self, embedding: Embedding, points_per_call: int) -> EverythingCandidates:
        """Return the masks of everything mode, asking so many points at once."""

        def answer(batch: PromptBatch) -> tuple[Tensor, LowLogits]:
            low, iou = self.decode(embedding, batch)
            return iou, partial(take_wanted, low)

        return search_by_logits(
            answer,
            self._frame(embedding.height, embedding.width),
            self._everything,
            device=self._device,
            prompts_per_call=points_per_call,
        )


def preprocess(processor: Any, pixels: Pixels) -> Tensor:  # noqa: ANN401
    """Return what a library's image processor makes of grey or RGB pixels, axes (1, 3, y, x)."""
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    # Told, not guessed: an image three pixels high looks like three channels.
    given = processor(rgb, input_data_format="channels_last", return_tensors="pt")
    values: Tensor = given["pixel_values"]
    return values


def _to_arguments(features: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an image's features under the names by which the model takes them back."""
    if isinstance(features, tuple):  # SAM-HQ: the last features, and those of each global block
        last, intermediate = features
        # Only the first is ever read; the rest would be kept for nothing.
        return {"image_embeddings": last, "intermediate_embeddings": list(intermediate[:1])}
    return {"image_embeddings": features}


def _repeat(features: Any, count: int) -> Any:  # noqa: ANN401
    if isinstance(features, list):
        return [_repeat(part, count) for part in features]
    return features.expand(count, *features.shape[1:])


def mend_sam_hq(model: Any) -> None:  # noqa: ANN401 (transformers is untyped)
    """Let SAM-HQ's decoder draw its masks from what the transformer made of the image.

    `transformers` 5.24 drops that half of the transformer's answer and upscales the features from
    before it, where Ke et al. 2023 (`mask_decoder_hq.py`) upscale those from after it. Where the
    library does as they do, this changes nothing.
    """
    decoder = model.mask_decoder
    kept: list[Tensor] = []

    def keep(_module: object, _given: object, answer: tuple[Tensor, Tensor]) -> None:
        kept.append(answer[1])  # axes (P, 1, place, channel)

    def give(_module: object, given: tuple[Tensor]) -> tuple[Tensor]:
        return (kept.pop().transpose(2, 3).reshape(given[0].shape),)

    decoder.transformer.register_forward_hook(keep)
    decoder.upscale_conv1.register_forward_pre_hook(give)
