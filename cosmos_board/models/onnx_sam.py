"""Loads `onnx:<folder>`: a SAM or SAM 2 as an encoder and a decoder in ONNX files.

The files are those of `samexporter` and of SAM's own export script: the encoder takes a padded,
normalised square or a resized picture, the decoder points and boxes as labelled points.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.cards import POINTS_AND_BOXES
from cosmos_board.models.classical import refuse_everything
from cosmos_board.models.exported import (
    Arrays,
    ExportNotes,
    OnnxNetwork,
    fixed_length,
    read_notes,
)
from cosmos_board.models.sam_geometry import Fit, Frame
from cosmos_board.models.segmenter import Embedding, pair_logits

NOTES = "card.json"
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_PATCH_PX = 16
_LEFT_TOP, _RIGHT_BOTTOM, _PADDING = 2, 3, -1
"""Labels that make points of a box's corners, and of no point at all."""

_ASKED = ("point_coords", "point_labels", "mask_input", "has_mask_input")
_ALL_TOKENS = 4


class OnnxSam:
    """Answers points and boxes with the candidates that the decoder was exported with.

    Three where it was exported for several masks, one otherwise. There is no everything mode: a
    thousand calls of a decoder that answers one prompt at a time.
    """

    def __init__(
        self, encoder: OnnxNetwork, decoder: OnnxNetwork, notes: ExportNotes, where: Path
    ) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._is_sam2 = "high_res_feats_0" in decoder.inputs
        self._low = "masks" if self._is_sam2 else "low_res_masks"
        _check(encoder, decoder, self._low, where)
        (self._input_name, self._input_shape), *_ = encoder.inputs.items()
        self._fit: Fit = notes.fit or ("squash" if self._is_sam2 else "pad")
        self._mean = np.array(notes.pixel_mean or _MEAN, np.float32)
        self._std = np.array(notes.pixel_std or _STD, np.float32)
        self._mask_side = fixed_length(decoder.inputs["mask_input"], 2) or 256
        fixed = fixed_length(self._input_shape, 2) if len(self._input_shape) == 4 else None
        self._side = fixed or notes.input_size_px or self._mask_side // 4 * _PATCH_PX
        self._card = notes.describe(
            f"onnx-{where.resolve().name}",
            family="sam2" if self._is_sam2 else "sam",
            prompts=POINTS_AND_BOXES,
            clicks=True,
            mask_input=True,
            input_size_px=self._side,
        )

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return self._card

    def embed(self, pixels: Pixels) -> Embedding:
        """Return what the encoder makes of one image.

        Args:
            pixels: uint8, axes (Y, X) grey or (Y, X, 3) RGB, native size.
        """
        height, width = pixels.shape[:2]
        content = self._frame(height, width).resize(pixels).astype(np.float32)
        if len(self._input_shape) == 4:
            square = np.zeros((self._side, self._side, 3), np.float32)
            square[: content.shape[0], : content.shape[1]] = (content - self._mean) / self._std
            content = np.ascontiguousarray(square.transpose(2, 0, 1)[None])
        return Embedding(height, width, self._encoder.run({self._input_name: content}))

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return the candidates for each prompt, in order.

        Args:
            embedding: From `embed`.
            prompts: Native pixels (x, y).
            logits: Per prompt the logits of the click before, axes (y, x), or None.

        Raises:
            InputError: If a prompt has neither points nor box.
        """
        frame = self._frame(embedding.height, embedding.width)
        return [
            self._answer(embedding, frame, prompt, earlier)
            for prompt, earlier in pair_logits(prompts, logits)
        ]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Raise: the card does not list it."""
        raise refuse_everything(self.card)

    def _answer(
        self,
        embedding: Embedding,
        frame: Frame,
        prompt: Prompt,
        earlier: NDArray[np.float32] | None,
    ) -> Candidates:
        points, labels = self._to_points(frame, prompt)
        mask = np.zeros((1, 1, self._mask_side, self._mask_side), np.float32)
        if earlier is not None:
            mask[0, 0] = earlier
        asked: Arrays = {
            "point_coords": points[None],
            "point_labels": labels[None],
            "mask_input": mask,
            "has_mask_input": np.array([earlier is not None], np.float32),
        }
        if "orig_im_size" in self._decoder.inputs:
            asked["orig_im_size"] = np.array([frame.height, frame.width], np.float32)
        assert isinstance(embedding.payload, dict), "the embedding is another segmenter's"
        found = self._decoder.run({**embedding.payload, **asked})
        low, iou = found[self._low][0], found["iou_predictions"][0]
        if len(low) == _ALL_TOKENS:  # the first token is for a model with one answer
            low, iou = low[1:], iou[1:]
        masks = np.stack([_to_native(frame, plane) > 0 for plane in low])
        return Candidates(masks, iou.astype(np.float32), low.astype(np.float32))

    def _to_points(
        self, frame: Frame, prompt: Prompt
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        places, labels = [prompt.points_xy.astype(np.float64)], [prompt.labels.astype(np.float32)]
        if prompt.box_xyxy is not None:
            places.append(np.array(prompt.box_xyxy, np.float64).reshape(2, 2))
            labels.append(np.array([_LEFT_TOP, _RIGHT_BOTTOM], np.float32))
        elif not len(prompt.labels):
            raise InputError("prompt", "", "has neither points nor a box")
        elif not self._is_sam2:  # whose decoder adds one by itself
            places.append(np.zeros((1, 2)))
            labels.append(np.array([_PADDING], np.float32))
        points = frame.to_input(np.concatenate(places)).astype(np.float32)
        return points, np.concatenate(labels)

    def _frame(self, height: int, width: int) -> Frame:
        return Frame(height, width, self._side, self._fit)


def load(address: str, *, checkpoint: Path | None, device: str) -> OnnxSam:
    """Return the segmenter in the folder `address`; it always runs on the CPU.

    Raises:
        InputError: If the folder holds no such pair, or `checkpoint` is given.
    """
    folder = Path(address)
    if checkpoint is not None:
        raise InputError(f"onnx:{address}", "--checkpoint", "is not taken by this segmenter")
    if not folder.is_dir():
        raise InputError(folder, "", "is no folder", want="one with *encoder*.onnx, *decoder*.onnx")
    encoder, decoder = (OnnxNetwork(_find(folder, part)) for part in ("encoder", "decoder"))
    return OnnxSam(encoder, decoder, read_notes(folder / NOTES), folder)


def _find(folder: Path, part: str) -> Path:
    found = sorted(path for path in folder.glob("*.onnx") if part in path.name.lower())
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(folder, f"*{part}*.onnx", "is not one file", got=names, want="one")
    return found[0]


def _check(encoder: OnnxNetwork, decoder: OnnxNetwork, low: str, where: Path) -> None:
    needed = {*_ASKED, "iou_predictions", low}
    missing = sorted(needed - {*decoder.inputs, *decoder.outputs})
    unknown = sorted({*decoder.inputs} - {*_ASKED, "orig_im_size", *encoder.outputs})
    if missing or unknown:
        raise InputError(
            where,
            "decoder",
            "is not as samexporter writes it",
            got=f"missing {missing}, unknown {unknown}",
        )
    if len(encoder.inputs) != 1 or len(next(iter(encoder.inputs.values()))) not in (3, 4):
        raise InputError(
            where,
            "encoder",
            "takes no image",
            got=encoder.inputs,
            want="(1, 3, S, S) or (height, width, 3)",
        )


def _to_native(frame: Frame, low: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one plane of logits at native size, by the steps of `Frame.to_native`."""
    plane = low
    if frame.fit == "pad":
        height, width = frame.content
        side = frame.input_size_px
        plane = cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR)[:height, :width]
    size = (frame.width, frame.height)
    native: NDArray[np.float32] = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
    return native
