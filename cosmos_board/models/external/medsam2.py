"""Loads MedSAM2 (Ma et al. 2025) from a file of weights that its authors publish.

It is SAM 2.1 tiny at 512 px, in their layout: a `.pt` file with the weights under `model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from torch import Tensor

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.models.cards import CARDS, KNOWN
from cosmos_board.models.devices import CPU, Device, prepare_device
from cosmos_board.models.external.hf_memory import HfMemorySegmenter
from cosmos_board.models.external.sam2_names import rename_sam2
from cosmos_board.models.weights.state_dicts import fill_module, read_weights

SIDE_PX = 512
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet, for channels in [0, 1]."""

_STRIDES = (4, 8, 16)
"""Pixels of the square for each place of the encoder's three outputs."""


class MedSam2(HfMemorySegmenter):
    """Squares made as its authors make them, and one mask for a box, as it was trained."""

    multimask = False

    def to_input(self, pixels: Pixels) -> Tensor:
        """Return grey or RGB pixels as a square that was resized in 8 bit, axes (1, 3, y, x)."""
        picture = Image.fromarray(pixels).convert("RGB")
        small = picture.resize((self._input_size_px,) * 2, Image.Resampling.BICUBIC)
        scaled = (np.asarray(small, np.float32) / 255 - _MEAN) / _STD
        return torch.from_numpy(scaled).permute(2, 0, 1)[None]


def load(*, checkpoint: Path | None = None, device: str = "cpu") -> MedSam2:
    """Return MedSAM2 with the weights of a file, which people get by hand.

    Raises:
        InputError: If there is no file, or it holds other weights than those of SAM 2.1 tiny.
    """
    if checkpoint is None:
        want = f"a file of {KNOWN['medsam2'].checkpoint} that was got by hand"
        raise InputError("medsam2", "--checkpoint", "is needed", want=want)
    chosen = prepare_device(device)
    if chosen.compiled:
        raise InputError("--device", "+compile", "is taken by SAM only", got="medsam2")
    return build(read_weights(checkpoint), checkpoint, chosen)


def build(
    official: Mapping[str, Tensor], path: Path, device: Device = CPU, side_px: int = SIDE_PX
) -> MedSam2:
    """Return MedSAM2 with weights under the names of SAM 2's own package, from the file `path`.

    Raises:
        InputError: If names or shapes are not those of SAM 2.1 tiny.
    """
    weights, config = rename_sam2(official), describe_network(side_px)
    video = transformers.Sam2VideoModel(config)
    fill_module(video, weights, path, "SAM 2.1 tiny")
    return MedSam2(
        _build_image_model(config, weights, path),
        transformers.Sam2ImageProcessor(size={"height": side_px, "width": side_px}),
        load_video=lambda: video,
        card=replace(CARDS["medsam2"], input_size_px=side_px),
        device=device,
        volume_prompts=KNOWN["medsam2"].volume_prompts,
    )


def describe_network(side_px: int = SIDE_PX) -> Any:  # noqa: ANN401 (transformers is untyped)
    """Return the configuration of SAM 2.1 tiny, the library's default, for squares of `side_px`."""
    sides = [[side_px // stride] * 2 for stride in _STRIDES]
    hiera = {"model_type": "sam2_hiera_det_model", "image_size": [side_px, side_px]}
    return transformers.Sam2VideoConfig(
        vision_config={"backbone_config": hiera, "backbone_feature_sizes": sides},
        prompt_encoder_config={"image_size": side_px},
        image_size=side_px,
        memory_attention_rope_feat_sizes=sides[-1],
    )


def _build_image_model(config: Any, weights: Mapping[str, Tensor], path: Path) -> Any:  # noqa: ANN401
    """Return the model of single images that the video model contains; no weight is copied."""
    with torch.device("meta"):
        image = transformers.Sam2Model(
            transformers.Sam2Config(
                vision_config=config.vision_config,
                prompt_encoder_config=config.prompt_encoder_config.to_dict(),
                mask_decoder_config=config.mask_decoder_config.to_dict(),
            )
        )
    shared = {name: weights[name] for name in image.state_dict()}
    fill_module(image, shared, path, "SAM 2.1 tiny")
    return image
