"""A segmenter whose answers have a form that an environment variable names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels, Rle
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.segmenter import Embedding
from tests.runner.segmenters import Squares


class Faulty(Squares):
    """Answers as FAULT says; FAULT_ON names the stage."""

    def __init__(self) -> None:
        super().__init__()
        self.fault = os.environ.get("FAULT", "")

    @property
    def card(self) -> ModelCard:
        return replace(super().card, name="faulty")

    def embed(self, pixels: Pixels) -> Embedding:
        found: Any = super().embed(pixels)
        if self.fault == "writes into the image":
            pixels[...] = 0
        elif self.fault == "embedding is a tuple":
            found = (found.height, found.width)
        elif self.fault == "embedding is of another size":
            found = Embedding(found.width + 1, found.height, None)
        elif self.fault == "embed leaves":
            os._exit(0)
        return found  # type: ignore[no-any-return]

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        answers = super().predict(embedding, prompts, logits)
        if self.fault == "writes into the prompts":
            for prompt in prompts:
                prompt.points_xy[...] = 0
            if len(prompts) > 1:
                raise ValueError("one at a time")
        if self.fault == "one answer too few":
            return answers[:-1]
        if self.fault == "no list":
            return None  # type: ignore[return-value]
        if self.fault == "leaves":
            os._exit(0)
        if self.fault == "exits":
            raise SystemExit(0)
        if self.fault == "interrupts":
            raise KeyboardInterrupt
        return [self._spoil(answer) for answer in answers]

    def _spoil(self, answer: Candidates) -> Any:  # noqa: ANN401 - that is the fault
        masks, count = answer.masks, len(answer.masks)
        changed: dict[str, dict[str, Any]] = {
            "float masks": {"masks": masks.astype(np.float32)},
            "byte masks": {"masks": masks.astype(np.uint8) * 255},
            "half size": {"masks": masks[:, ::2]},
            "flat masks": {"masks": masks[0]},
            "no mask": {"masks": masks[:0], "predicted_iou": answer.predicted_iou[:0]},
            "list of masks": {"masks": list(masks)},
            "one estimate too few": {"predicted_iou": answer.predicted_iou[:-1]},
            "estimates in a column": {"predicted_iou": answer.predicted_iou[:, None]},
            "list of estimates": {"predicted_iou": answer.predicted_iou.tolist()},
            "words for estimates": {"predicted_iou": np.array(["good"] * count)},
            "all NaN": {"predicted_iou": np.full(count, np.nan, np.float32)},
            "NaN first": {"predicted_iou": np.array([np.nan, 0.8, np.inf], np.float32)},
            "NaN logits": {"logits": np.full((count, 8, 8), np.nan, np.float32)},
            "one logit too few": {"logits": np.zeros((count - 1, 8, 8), np.float32)},
            "all empty": {"masks": np.zeros_like(masks)},
            "Fortran order": {"masks": np.asfortranarray(masks)},
            "one mask without an estimate": {
                "masks": masks[:1],
                "predicted_iou": np.array([np.nan], np.float32),
                "logits": np.zeros((1, 8, 8), np.float32),
            },
        }
        if self.fault == "a dictionary":
            return {"masks": masks}
        return replace(answer, **changed.get(self.fault, {}))

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        found: Any = super().segment_everything(embedding)
        changed: dict[str, Any] = {
            "everything: a list": list(found.rles),
            "everything: one estimate too few": replace(found, predicted_iou=(0.9,)),
            "everything: masks": replace(found, rles=tuple(rle.decode() for rle in found.rles)),
            "everything: another size": replace(
                found, rles=tuple(Rle(rle.width, rle.height + 1, rle.counts) for rle in found.rles)
            ),
            "everything: text": replace(
                found, rles=tuple(replace(rle, counts="01") for rle in found.rles)
            ),
            "everything: too short": replace(
                found, rles=tuple(replace(rle, counts=b"01") for rle in found.rles)
            ),
            "everything: words": replace(found, predicted_iou=("good", "bad")),
            "everything: NaN": replace(found, predicted_iou=(np.nan, np.float32(0.8))),
        }
        answer: EverythingCandidates = changed.get(self.fault, found)
        return answer


class Reusing(Faulty):
    """Draws every batch into the same memory."""

    memory_of: dict[tuple[int, ...], NDArray[np.bool_]] = {}  # noqa: RUF012 - that is the fault

    @property
    def card(self) -> ModelCard:
        return replace(super().card, name="reusing", mask_input=False)

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        found = []
        for number, answer in enumerate(super().predict(embedding, prompts, logits)):
            buffer = self.memory_of.setdefault((number, *answer.masks.shape), answer.masks)
            buffer[...] = answer.masks
            found.append(replace(answer, masks=buffer))
        return found
