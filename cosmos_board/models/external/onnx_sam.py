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
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.cards import ALL_PROMPTS
from cosmos_board.models.external.exported import (
    Arrays,
    ExportNotes,
    OnnxNetwork,
    fixed_length,
    read_notes,
)
from cosmos_board.models.sam.everything_grid import (
    Draw,
    EverythingSettings,
    is_stable,
    search_grid,
)
from cosmos_board.models.sam.geometry import Fit, Frame
from cosmos_board.models.segmenter import Embedding, limit_logits, pair_logits

NOTES = "card.json"
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_PATCH_PX = 16

_LEFT_TOP, _RIGHT_BOTTOM = 2, 3
"""Labels that make points of a box's corners."""

_PADDING = -1
"""Label of no point at all."""

_ASKED = ("point_coords", "point_labels", "mask_input", "has_mask_input")
_ALL_TOKENS = 4


class OnnxSam:
    """Answers points, boxes and everything mode with the candidates the decoder was exported with.

    Three where it was exported for several masks, one otherwise. The decoder answers one prompt at
    a time, so that everything mode is a thousand calls.

    Args:
        folder: Holds `*encoder*.onnx` and `*decoder*.onnx`, one of each.
        notes: What stands beside them.

    Raises:
        InputError: If the folder does not, or they are not as `samexporter` writes them.
    """

    def __init__(self, folder: Path, notes: ExportNotes) -> None:
        self._encoder, self._decoder = (
            OnnxNetwork(_find(folder, part)) for part in ("encoder", "decoder")
        )
        self._is_sam2 = "high_res_feats_0" in self._decoder.inputs
        self._low = "masks" if self._is_sam2 else "low_res_masks"
        _check(self._encoder, self._decoder, self._low, folder)
        (self._input_name, shape), *_ = self._encoder.inputs.items()
        # A picture (y, x, 3), where it is not a normalised square, whose side the file may fix.
        self._takes_picture = len(shape) == 3
        input_side = None if self._takes_picture else fixed_length(shape, 2)
        self._mask_side = fixed_length(self._decoder.inputs["mask_input"], 2) or 256
        self._everything = EverythingSettings()
        self._fit: Fit = notes.fit or ("squash" if self._is_sam2 else "pad")
        self._mean = np.array(notes.pixel_mean or _MEAN, np.float32)
        self._std = np.array(notes.pixel_std or _STD, np.float32)
        self._side = input_side or notes.input_size_px or self._mask_side // 4 * _PATCH_PX
        self._card = notes.describe(
            f"onnx-{folder.resolve().name}",
            family="sam2" if self._is_sam2 else "sam",
            prompts=ALL_PROMPTS,
            clicks=True,
            mask_input=True,
            input_size_px=self._side,
        )

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return self._card

    def embed(self, pixels: Pixels) -> Embedding:
        """Return what the encoder makes of one image."""
        height, width = pixels.shape[:2]
        content = self._frame(height, width).resize(pixels).astype(np.float32)
        if not self._takes_picture:
            square = np.zeros((self._side, self._side, 3), np.float32)
            square[: content.shape[0], : content.shape[1]] = (content - self._mean) / self._std
            content = np.ascontiguousarray(square.transpose(2, 0, 1)[None])
        features = self._encoder.run({self._input_name: content})
        return Embedding(height, width, features)

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return the candidates for each prompt, in order.

        Raises:
            InputError: If a prompt has neither points nor box.
        """
        frame = self._frame(embedding.height, embedding.width)
        return [
            self._answer(embedding, frame, prompt, earlier)
            for prompt, earlier in pair_logits(prompts, logits)
        ]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Return the masks of everything mode, best predicted IoU first."""
        frame, settings = self._frame(embedding.height, embedding.width), self._everything

        def ask(points_xy: NDArray[np.float64]) -> tuple[NDArray[np.float32], Draw]:
            low, iou = self._decode(embedding, points_xy, np.ones(1, np.float32), None)

            def draw(wanted: Mask) -> tuple[list[Mask], Mask]:
                return _find_stable(frame, low[wanted[0]], settings)

            return iou[None], draw

        return search_grid(ask, frame, settings, prompts_per_call=1)

    def _answer(
        self,
        embedding: Embedding,
        frame: Frame,
        prompt: Prompt,
        earlier: NDArray[np.float32] | None,
    ) -> Candidates:
        native, labels = _to_points(prompt)
        low, iou = self._decode(embedding, frame.to_input(native), labels, earlier)
        masks = np.stack([_to_native(frame, plane) > 0 for plane in low])
        return Candidates(masks, iou, limit_logits(low) if self._is_sam2 else low)

    def _decode(
        self,
        embedding: Embedding,
        points_xy: NDArray[np.float64],
        labels: NDArray[np.float32],
        earlier: NDArray[np.float32] | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return low-resolution logits, axes (K, y, x), and predicted IoU, shape (K,).

        Points are in the pixels of the input square, shape (n, 2), and a label is 1 inside, 0
        outside, or a corner of a box.
        """
        assert isinstance(embedding.payload, dict), "the embedding is another segmenter's"
        if _LEFT_TOP not in labels and not self._is_sam2:  # whose decoder adds one by itself
            points_xy = np.concatenate([points_xy, np.zeros((1, 2))])
            labels = np.append(labels, np.float32(_PADDING))
        mask = np.zeros((1, 1, self._mask_side, self._mask_side), np.float32)
        if earlier is not None:
            mask[0, 0] = earlier
        inputs: Arrays = {
            "point_coords": points_xy.astype(np.float32)[None],
            "point_labels": labels[None],
            "mask_input": mask,
            "has_mask_input": np.array([earlier is not None], np.float32),
        }
        if "orig_im_size" in self._decoder.inputs:  # it draws masks, too
            inputs["orig_im_size"] = np.array((embedding.height, embedding.width), np.float32)
        outputs = self._decoder.run({**embedding.payload, **inputs})
        low, iou = outputs[self._low][0], outputs["iou_predictions"][0]
        if len(low) == _ALL_TOKENS:  # the first token is for a model with one answer
            low, iou = low[1:], iou[1:]
        return low.astype(np.float32), iou.astype(np.float32)

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
    return OnnxSam(folder, read_notes(folder / NOTES))


def _to_points(prompt: Prompt) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return points and corners of the box as points with labels, in native pixels."""
    places, labels = [prompt.points_xy.astype(np.float64)], [prompt.labels.astype(np.float32)]
    if prompt.box_xyxy is not None:
        places.append(np.array(prompt.box_xyxy, np.float64).reshape(2, 2))
        labels.append(np.array([_LEFT_TOP, _RIGHT_BOTTOM], np.float32))
    elif not len(prompt.labels):
        raise InputError("prompt", "", "has neither points nor a box")
    return np.concatenate(places), np.concatenate(labels)


def _find_stable(
    frame: Frame, low: NDArray[np.float32], settings: EverythingSettings
) -> tuple[list[Mask], Mask]:
    planes = [_to_native(frame, plane) for plane in low]
    strict, lax = (
        np.array([np.count_nonzero(plane > level) for plane in planes], np.int32)
        for level in (settings.stability_offset, -settings.stability_offset)
    )
    kept = is_stable(strict, lax, settings.stability)
    return [planes[index] > 0 for index in np.flatnonzero(kept)], kept


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


def _find(folder: Path, part: str) -> Path:
    paths = sorted(path for path in folder.glob("*.onnx") if part in path.name.lower())
    if len(paths) != 1:
        names = ", ".join(path.name for path in paths) or "none"
        raise InputError(folder, f"*{part}*.onnx", "is not one file", got=names, want="one")
    return paths[0]


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
