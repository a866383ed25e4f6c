"""SAM-Med2D (Cheng et al. 2023): SAM at 256 px with an adapter in each block of its encoder.

Around the network it follows the script that its authors evaluate with: channels in the order
blue, green, red; an image smaller than the square on both sides is centred in it, any other is
squashed by nearest neighbours; a mask that is fed back is a probability, not a logit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from segment_anything.modeling.common import MLPBlock
from torch import Tensor, nn

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.candidates import Candidates
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.cards import CARDS
from cosmos_board.models.devices import prepare_device
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.segmenter import SAM_MEAN, SAM_STD, SamSegmenter
from cosmos_board.models.segmenter import Embedding, to_probability
from cosmos_board.models.weights.checkpoints import find_checkpoint
from cosmos_board.models.weights.state_dicts import fill_module, read_weights
from cosmos_board.models.weights.tuned_weights import describe_tuned

_PATCH_PX, _WINDOW, _HEADS = 16, 14, 8
_ADAPTER = re.compile(r"^(image_encoder\.blocks\.\d+\.)Adapter\.")


class Adapter(nn.Module):
    """Weighs channels by their means and mixes neighbours, beside a block's MLP."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = width // 4
        self.norm = nn.LayerNorm(width)
        self.channel = nn.Sequential(
            nn.Linear(width, narrow, bias=False),
            nn.ReLU(),
            nn.Linear(narrow, width, bias=False),
            nn.Sigmoid(),
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False),
            nn.ReLU(),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of the same shape, (B, y, x, C)."""
        planes = tokens.permute(0, 3, 1, 2)
        weighed = planes * self.channel(planes.mean(dim=(2, 3)))[..., None, None]
        mixed = planes + self.spatial(weighed)
        normed: Tensor = self.norm(mixed.permute(0, 2, 3, 1))
        return normed


class AdaptedMlp(MLPBlock):  # type: ignore[misc] # segment_anything ships no types
    """A block's MLP and its adapter, which see the same tokens and whose answers are added."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__(width, inner)
        self.adapter = Adapter(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of the same shape, (B, y, x, C)."""
        answer: Tensor = super().forward(tokens) + self.adapter(tokens)
        return answer


@dataclass(frozen=True, slots=True)
class CentredFrame(Frame):
    """Small images lie in the middle of the square as they are; others are squashed."""

    @property
    def content(self) -> tuple[int, int]:
        """Height and width that the image takes in the square."""
        side = self.input_size_px
        if self.height < side and self.width < side:
            return self.height, self.width
        return side, side

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the square where the image begins."""
        height, width = self.content
        return (self.input_size_px - height) // 2, (self.input_size_px - width) // 2


class SamMed2d(SamSegmenter):
    """Answers points, boxes and everything mode with three candidates each."""

    def to_input(self, pixels: Pixels) -> tuple[CentredFrame, Tensor]:
        """Return how an image lies in the input square, and what the encoder takes of it."""
        frame = self._frame(*pixels.shape[:2])
        rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        (top, left), (height, width) = frame.corner, frame.content
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        content = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_NEAREST)
        square = np.zeros((self._input_size_px, self._input_size_px, 3), np.float32)
        # The published order of statistics, though the channels are the other way round.
        square[top : top + height, left : left + width] = (content - SAM_MEAN) / np.array(SAM_STD)
        return frame, upload(square, self._device).permute(2, 0, 1)[None]

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return three candidates per prompt, in order; arguments as for any SAM."""
        given = None
        if logits is not None:
            given = [None if plane is None else to_probability(plane) for plane in logits]
        return super().predict(embedding, prompts, given)

    def to_own(self, prompt: Prompt) -> Prompt:
        """Return the prompt with a box that ends behind the last pixel, as it learnt them."""
        if prompt.box_xyxy is None:
            return prompt
        low_x, low_y, high_x, high_y = prompt.box_xyxy
        return replace(prompt, box_xyxy=(low_x, low_y, high_x + 1, high_y + 1))

    def _frame(self, height: int, width: int) -> CentredFrame:
        return CentredFrame(height, width, self._input_size_px)


def load(*, checkpoint: Path | None, device: str) -> SamMed2d:
    """Return SAM-Med2D, or the plain SAM at 256 px that its authors fine-tuned beside it."""
    chosen = prepare_device(device)
    path = checkpoint or find_checkpoint("sam-med2d")
    weights = {_ADAPTER.sub(r"\1mlp.adapter.", key): v for key, v in read_weights(path).items()}
    with torch.device("meta"):
        sam, side = build(weights, path)
    fill_module(sam, weights, path, "sam-med2d")
    card = describe_tuned(replace(CARDS["sam-med2d"], input_size_px=side), checkpoint)
    return SamMed2d(sam, card=card, device=chosen)


def build(weights: Mapping[str, Tensor], path: Path) -> tuple[nn.Module, int]:
    """Return an empty model of the size that the weights have, and the side of its input.

    Raises:
        InputError: If they are not a SAM's.
    """
    try:
        return _build(weights)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise InputError(path, "", "holds no SAM", got=repr(error)) from error


def _build(weights: Mapping[str, Tensor]) -> tuple[nn.Module, int]:
    def shape(name: str) -> torch.Size:
        return weights[name].shape

    _, grid, _, width = shape("image_encoder.pos_embed")
    blocks = [
        f"image_encoder.blocks.{index}"
        for index in range(sum(key.endswith(".norm1.bias") for key in weights))
        if f"image_encoder.blocks.{index}.norm1.bias" in weights
    ]
    reach = [len(weights[f"{block}.attn.rel_pos_h"]) for block in blocks]
    inner = len(weights[f"{blocks[0]}.mlp.lin1.bias"])
    _, dim = shape("mask_decoder.iou_token.weight")
    side = grid * _PATCH_PX
    sam = Sam(
        image_encoder=ImageEncoderViT(
            img_size=side,
            patch_size=_PATCH_PX,
            embed_dim=width,
            depth=len(blocks),
            num_heads=width // shape(f"{blocks[0]}.attn.rel_pos_h")[1],
            mlp_ratio=inner / width,
            out_chans=dim,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=_WINDOW,
            global_attn_indexes=tuple(i for i, n in enumerate(reach) if n != 2 * _WINDOW - 1),
        ),
        prompt_encoder=PromptEncoder(dim, (grid, grid), (side, side), 16),
        mask_decoder=MaskDecoder(
            transformer_dim=dim,
            transformer=TwoWayTransformer(
                depth=2,
                embedding_dim=dim,
                num_heads=_HEADS,
                mlp_dim=len(weights["mask_decoder.transformer.layers.0.mlp.lin1.bias"]),
            ),
            iou_head_depth=3,
            iou_head_hidden_dim=len(weights["mask_decoder.iou_prediction_head.layers.0.bias"]),
        ),
    )
    if any(".adapter." in key for key in weights):
        for block in sam.image_encoder.blocks:
            block.mlp = AdaptedMlp(width, inner)
    return sam, side
