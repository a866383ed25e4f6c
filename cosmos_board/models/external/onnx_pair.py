"""The two networks of an exported SAM or SAM 2: an encoder and a decoder in ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.models.external.exported import Arrays, OnnxNetwork, fixed_length

LEFT_TOP, RIGHT_BOTTOM = 2, 3
"""Labels that make points of a box's corners."""

_PADDING = -1
"""Label of no point at all."""

_ASKED = ("point_coords", "point_labels", "mask_input", "has_mask_input")
_ALL_TOKENS = 4


class OnnxPair:
    """Runs the encoder once an image and the decoder once a prompt, which is all it takes.

    Args:
        folder: Holds `*encoder*.onnx` and `*decoder*.onnx`, one of each.

    Raises:
        InputError: If it does not, or they are not as `samexporter` writes them.
    """

    def __init__(self, folder: Path) -> None:
        self._encoder, self._decoder = (
            OnnxNetwork(_find(folder, part)) for part in ("encoder", "decoder")
        )
        self.is_sam2 = "high_res_feats_0" in self._decoder.inputs
        self._low = "masks" if self.is_sam2 else "low_res_masks"
        _check(self._encoder, self._decoder, self._low, folder)
        (self._input_name, shape), *_ = self._encoder.inputs.items()
        self.takes_picture = len(shape) == 3
        """Whether the encoder takes a picture (y, x, 3) and not a normalised square."""
        self.input_side: int | None = None if self.takes_picture else fixed_length(shape, 2)
        """Of the square that the encoder takes; None where the file does not fix it."""
        self.mask_side: int = fixed_length(self._decoder.inputs["mask_input"], 2) or 256

    def encode(self, content: NDArray[np.float32]) -> Arrays:
        """Return the features of one image, (1, 3, S, S) or (y, x, 3)."""
        return self._encoder.run({self._input_name: content})

    def decode(
        self,
        features: Arrays,
        points_xy: NDArray[np.float64],
        labels: NDArray[np.float32],
        earlier: NDArray[np.float32] | None,
        size: tuple[int, int],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return low-resolution logits, axes (K, y, x), and predicted IoU, shape (K,).

        Args:
            features: From `encode`.
            points_xy: In the pixels of the input square, shape (n, 2).
            labels: 1 inside, 0 outside, or a corner of a box, shape (n,).
            earlier: Logits of the click before, or None.
            size: Native height and width, which a decoder asks for that draws masks, too.
        """
        if LEFT_TOP not in labels and not self.is_sam2:  # whose decoder adds one by itself
            points_xy = np.concatenate([points_xy, np.zeros((1, 2))])
            labels = np.append(labels, np.float32(_PADDING))
        mask = np.zeros((1, 1, self.mask_side, self.mask_side), np.float32)
        if earlier is not None:
            mask[0, 0] = earlier
        asked: Arrays = {
            "point_coords": points_xy.astype(np.float32)[None],
            "point_labels": labels[None],
            "mask_input": mask,
            "has_mask_input": np.array([earlier is not None], np.float32),
        }
        if "orig_im_size" in self._decoder.inputs:
            asked["orig_im_size"] = np.array(size, np.float32)
        found = self._decoder.run({**features, **asked})
        low, iou = found[self._low][0], found["iou_predictions"][0]
        if len(low) == _ALL_TOKENS:  # the first token is for a model with one answer
            low, iou = low[1:], iou[1:]
        return low.astype(np.float32), iou.astype(np.float32)


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
