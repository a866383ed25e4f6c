"""The mask decoder of `cosmos-tiny`: SAM's, with fine paths and a look at its own masks."""

from __future__ import annotations

from typing import Any

import torch
from segment_anything.modeling import MaskDecoder, TwoWayTransformer
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.tiny.box_crop import NEAR, Closeup
from cosmos_board.models.tiny.cached_decoder import TinySight
from cosmos_board.models.tiny.iou_head import Judge, Outline, outline
from cosmos_board.models.tiny.layout import (
    CHANNELS,
    GRID,
    HALF,
    HALF_FOLD,
    MAP_CHANNELS,
    MAPS,
    PARTS,
    QUARTER,
    QUARTER_CHANNELS,
    QUARTER_FOLD,
    WIDTH,
)

_FINE = 16
_POINT_TOKENS = 2
"""A single point is followed by the one that pads it."""

_PRIOR = (1.0, 0.0, 0.0, 0.0, 4.0, 0.0, 4.0, -4.0, 2.0)
"""What the close-up and the drawn prompt add to the logits at first, by channel."""


class PassingTransformer(nn.Module):
    """SAM's two-way transformer on the first 128 channels; the fine ones pass by untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=256, num_heads=4)

    def forward(self, image: Tensor, image_pe: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (B, N, 128) and pixels (B, 256, CHANNELS).

        Args:
            image: (B, CHANNELS, 16, 16).
            image_pe: (B or 1, 128, 16, 16).
            tokens: (B, N, 128).
        """
        coarse, fine = torch.split(image, [WIDTH, CHANNELS - WIDTH], 1)
        answered, pixels = self.inner(coarse, image_pe.expand(len(image), -1, -1, -1), tokens)
        return answered, torch.cat([pixels, fine.flatten(2).transpose(1, 2)], 2)


class Likeness(nn.Module):
    """Compares every place with what the prompt points at and with what surrounds it.

    Features are averaged under the drawn prompt, inside and outside; squared differences to both
    averages, channel by channel, tell which of the two a place is more like. The idea is GrabCut's,
    with features that learn.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(QUARTER, width, 1)
        self.judge = nn.Conv2d(2 * width, _FINE, 1)

    def forward(self, fine: Tensor, maps: Tensor) -> Tensor:
        """Return (B, 16, y, x).

        Args:
            fine: Image features at stride 4, (B, 16, y, x).
            maps: The drawn prompt, (B, 5, y, x).
        """
        return self.compare(self.choose_features(fine), maps)

    def choose_features(self, fine: Tensor) -> Tensor:
        """Return what is compared: the image itself and what was learnt, (B, 16, y, x)."""
        return torch.cat([fine[:, :3], self.embed(fine)[:, 3:]], 1)

    def compare(self, features: Tensor, maps: Tensor) -> Tensor:
        """Return what `forward` does, from what `choose_features` gave."""
        gaps = []
        for weight in self.weigh_places(maps):
            total = weight.sum((2, 3), keepdim=True) + 1e-6
            typical = (features * weight).sum((2, 3), keepdim=True) / total
            gap = (features - typical).square()
            gaps.append(gap / (1 + gap))
        judged: Tensor = self.judge(torch.cat(gaps, 1))
        return judged

    def weigh_places(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much each place counts for what is inside and outside, (B, 1, y, x) each."""
        ellipse, box, near, far, mask = (maps[:, i : i + 1] for i in range(MAPS))
        inside = ellipse.relu() + near.relu() + mask.sigmoid() * (mask != 0)
        outside = (-box).relu() * (box > -1) + far.relu() + 1e-3
        return inside, outside


class FineUpscaling(nn.Module):
    """From packed 16 × 16 features to 13 channels at 128 × 128."""

    def __init__(self) -> None:
        super().__init__()
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(WIDTH, 32, 2, stride=2),
            LayerNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, _FINE, 2, stride=2),
        )
        self.join_quarter = nn.Conv2d(QUARTER + MAPS, _FINE, 1)
        self.likeness = Likeness(_FINE)
        self.refine = nn.Sequential(
            nn.Conv2d(_FINE, _FINE, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_FINE, _FINE, 3, padding=3, dilation=3),
            nn.ReLU(),
        )
        self.last = nn.ConvTranspose2d(_FINE, _FINE // 2, 2, stride=2)
        self.join_half = nn.Conv2d(HALF, _FINE // 2, 1)
        self.closeup = Closeup(_FINE + QUARTER + MAPS + HALF)

    def forward(self, packed: Tensor) -> Tensor:
        """Return (B, 17, 128, 128) from (B, CHANNELS, 16, 16).

        Four channels come from the close-up of a box; the last five draw the prompt.
        """
        coarse, quarter, drawn, sides, half = torch.split(packed, list(PARTS), 1)
        fine = functional.pixel_shuffle(quarter, QUARTER_FOLD)
        maps = functional.pixel_shuffle(drawn, QUARTER_FOLD)
        joined = torch.cat([fine, maps], 1)
        grown = self.grow(coarse) + self.join_quarter(joined) + self.likeness(fine, maps)
        grown, folded = grown.relu(), functional.pixel_shuffle(half, HALF_FOLD)
        near = self.closeup((grown, fine, maps, folded), sides[:, :, 0, 0])
        grown = functional.relu(self.last(self.refine(grown)) + self.join_half(folded))
        drawn = functional.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([grown, near, drawn], 1)


class TinyMaskDecoder(MaskDecoder):  # type: ignore[misc]
    """SAM's mask decoder with fine paths, whose predicted IoU follows from the mask it is about."""

    calibration: Tensor

    def __init__(self) -> None:
        super().__init__(
            transformer_dim=WIDTH,
            transformer=PassingTransformer(),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=128,
        )
        self.output_upscaling = FineUpscaling()
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(WIDTH, WIDTH, _FINE // 2 + NEAR + MAPS, 3) for _ in range(self.num_mask_tokens)
        )
        for head in self.output_hypernetworks_mlps:
            layers: Any = head.layers
            with torch.no_grad():
                layers[-1].bias[-NEAR - MAPS :] = torch.tensor(_PRIOR)
        self.judge = Judge(QUARTER, MAPS)
        self.register_buffer("calibration", torch.tensor([[1.0, 0.0], [1.0, 0.0]]))

    def look(self, encoder: nn.Module, features: Tensor) -> TinySight:
        """Return one image as this decoder sees it before any prompt; for inference.

        Args:
            encoder: The prompt encoder beside this decoder.
            features: Of one image, (1, CHANNELS, 16, 16).
        """
        return TinySight(encoder, self, features)

    def correct_iou(
        self, estimate: Tensor, logits: Tensor, pixels: Tensor, prompt_tokens: int
    ) -> Tensor:
        """Return what `judge_masks` does, of what the transformer passed on.

        Args:
            estimate: What the IoU head makes of its token, (P, K).
            logits: Of the same candidates, (P, K, 128, 128).
            pixels: What the transformer passed on, (P, 256, CHANNELS).
            prompt_tokens: How many tokens each prompt has.
        """
        planes = pixels[..., WIDTH : WIDTH + QUARTER_CHANNELS + MAP_CHANNELS].transpose(1, 2)
        square = planes.reshape(len(pixels), -1, GRID, GRID)
        drawn = functional.pixel_shuffle(square, QUARTER_FOLD)
        fine, maps = torch.split(drawn, [QUARTER, MAPS], 1)
        return self.judge_masks(estimate, outline(logits), fine, maps, prompt_tokens)

    def judge_masks(
        self, estimate: Tensor, seen: Outline, fine: Tensor, maps: Tensor, prompt_tokens: int
    ) -> Tensor:
        """Return predicted IoU, (P, K), after a look at the masks.

        What it learnt from is harder than what it is asked about; the last step, a straight line
        for a single point and one for all else, takes that back (`training.calibration`).

        Args:
            estimate: What the IoU head makes of its token, (P, K).
            seen: What is seen of the same candidates.
            fine: Image features at stride 4, (P or 1, 16, 64, 64).
            maps: The drawn prompts, (P, 5, 64, 64).
            prompt_tokens: How many tokens each prompt has.
        """
        raw = estimate + self.judge(seen, fine, maps)
        clear = maps[:, 1].flatten(1).any(1) | (prompt_tokens > _POINT_TOKENS)
        slope, offset = self.calibration[clear.long()].unbind(1)
        corrected: Tensor = slope[:, None] * raw + offset[:, None]
        return corrected

    def predict_masks(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return all four masks and predicted IoUs, as the official method does for one image."""
        outputs = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        prompts = len(sparse_prompt_embeddings)
        tokens = torch.cat([outputs.expand(prompts, -1, -1), sparse_prompt_embeddings], 1)
        source = image_embeddings.expand(prompts, -1, -1, -1) + dense_prompt_embeddings
        attended, pixels = self.transformer(source, image_pe, tokens)
        upscaled = self.output_upscaling(pixels.transpose(1, 2).reshape(source.shape))
        weights = torch.stack(
            [
                head(attended[:, 1 + token])
                for token, head in enumerate(self.output_hypernetworks_mlps)
            ],
            1,
        )
        masks = (weights @ upscaled.flatten(2)).view(prompts, -1, *upscaled.shape[2:])
        estimate = self.iou_prediction_head(attended[:, 0])
        count = sparse_prompt_embeddings.shape[1]
        return masks, self.correct_iou(estimate, masks, pixels, count)
