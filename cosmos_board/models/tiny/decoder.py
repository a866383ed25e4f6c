"""The mask decoder of `cosmos-tiny`: SAM's, with paths for fine features.

A small net learns where an edge lies far faster when it need not squeeze it through 16 × 16 tokens:
features of stride 4 and 2, the drawn prompt and a crop of the box join the upscaling. What depends
on an image alone is worked out once for all its prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from segment_anything.modeling import MaskDecoder, TwoWayTransformer
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.tiny.box_crop import CROP_CHANNELS, BoxCrop
from cosmos_board.models.tiny.encoder import HALF, QUARTER, WIDTH, split_embedding
from cosmos_board.models.tiny.iou_head import IouHead
from cosmos_board.models.tiny.prompt_encoder import MAPS, DensePrompt

_FINE, _DETAIL = 16, 8
"""Channels of the upscaling at stride 4 and 2."""

_POINT_TOKENS = 2
"""A single point is followed by the one that pads it."""

_PRIOR = (1.0, 0.0, 0.0, 0.0, 4.0, 0.0, 4.0, -4.0, 2.0)
"""What the box crop and the drawn prompt add to the logits at first, by channel."""


class Likeness(nn.Module):
    """Compares every place with what the prompt points at and with what surrounds it.

    Features are averaged under the drawn prompt, inside and outside; squared differences to both
    averages, channel by channel, tell which of the two a place is more like. The idea is GrabCut's,
    with features that learn.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(QUARTER, width, 1)
        self.combine = nn.Conv2d(2 * width, _FINE, 1)

    def choose_features(self, fine: Tensor) -> Tensor:
        """Return what is compared: the image itself and what was learnt, (I, 16, 64, 64)."""
        return torch.cat([fine[:, :3], self.embed(fine)[:, 3:]], 1)

    def compare(self, features: Tensor, maps: Tensor) -> Tensor:
        """Return 1 / (1 + squared difference) to both averages, (P, 32, 64, 64).

        Of features from `choose_features`, one for all prompts or one each, and the drawn prompts.
        """
        ellipse, box, near, far, mask = (maps[:, i : i + 1] for i in range(MAPS))
        inside = ellipse.relu() + near.relu() + mask.sigmoid() * (mask != 0)
        outside = (-box).relu() * (box > -1) + far.relu() + 1e-3
        weights = torch.cat([inside, outside], 1).flatten(2)
        total = weights.sum(2, keepdim=True) + 1e-6
        typical = weights @ features.flatten(2).transpose(1, 2) / total
        gaps = features[:, None] - typical[..., None, None]
        return gaps.square().add_(1).reciprocal_().flatten(1, 2)


class FineUpscaling(nn.Module):
    """The layers between image tokens at 16 × 16 and masks at 128 × 128; `CachedDecoder` runs them.

    `grow` brings tokens to stride 4, where features of the image, the drawn prompt and its likeness
    join; `refine` works there; `last` brings the result to stride 2, where finer features and the
    crop of the box join.
    """

    def __init__(self) -> None:
        super().__init__()
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(WIDTH, 32, 2, stride=2),
            LayerNorm2d(32),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(32, _FINE, 2, stride=2),
        )
        self.join_quarter = nn.Conv2d(QUARTER + MAPS, _FINE, 1)
        self.likeness = Likeness(_FINE)
        self.refine = nn.Sequential(
            nn.Conv2d(_FINE, _FINE, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_FINE, _FINE, 3, padding=3, dilation=3),
            nn.ReLU(inplace=True),
        )
        self.last = nn.ConvTranspose2d(_FINE, _DETAIL, 2, stride=2)
        self.join_half = nn.Conv2d(HALF, _DETAIL, 1)
        self.box_crop = BoxCrop(_FINE + QUARTER + MAPS + HALF)


class CachedDecoder:
    """The decoder with all that the prompts of its images share worked out.

    Args:
        decoder: With or without its transformer folded (see `sam.decoder.fold`).
        features: What the image encoder gave of I images, (I, CHANNELS, 16, 16).
        positions: Their position encoding, (1, 128, 16, 16).
    """

    def __init__(self, decoder: TinyMaskDecoder, features: Tensor, positions: Tensor) -> None:
        self._decoder: Any = decoder
        self._positions = positions
        self._coarse, self._fine, self._half = split_embedding(features)
        upscaling: Any = decoder.output_upscaling
        likeness = upscaling.likeness
        self._compared = likeness.choose_features(self._fine)
        # gap / (1 + gap) is 1 − 1 / (1 + gap), whose ones are the same everywhere.
        compare, join = likeness.combine.weight, upscaling.join_quarter
        constant = likeness.combine.bias + compare.sum((1, 2, 3)) + join.bias
        self._quarter = functional.conv2d(self._fine, join.weight[:, :QUARTER], constant)
        self._of_prompt = torch.cat([-compare, join.weight[:, QUARTER:]], 1).flatten(1)
        # A cell of stride 4 becomes four places of stride 2: axes (I, place, channel, cell).
        detail = upscaling.join_half(self._half) + upscaling.last.bias[:, None, None]
        self._detail = _to_places(detail).contiguous()

    def decode(
        self, image_index: Tensor, sparse: Tensor, dense: DensePrompt, mask_tokens: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Return logits (P, K, 128, 128) and predicted IoU (P, K).

        Of tokens of the prompts, (P, N, 128), each about one of the images (P,).
        """
        decoder = self._decoder
        outputs = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([outputs.expand(len(sparse), -1, -1), sparse], 1)
        source = self._gather(self._coarse, image_index) + dense.coarse
        positions = self._positions.expand(len(sparse), -1, -1, -1)
        attended, pixels = decoder.transformer(source, positions, tokens)
        heads = decoder.output_hypernetworks_mlps
        weights = torch.stack([heads[token](attended[:, 1 + token]) for token in mask_tokens], 1)
        planes = pixels.transpose(1, 2).reshape(source.shape)
        logits = self._draw(image_index, planes, dense, weights)
        rated = decoder.iou_prediction_head(attended[:, 0])
        estimate = torch.stack([rated[:, token] for token in mask_tokens], 1)
        fine = self._gather(self._fine, image_index)
        # What it learnt from is harder than what it is asked about; a straight line for a single
        # point and one for all else takes that back (`training.tiny.calibration`).
        clear = dense.boxes is not None or sparse.shape[1] > _POINT_TOKENS
        slope, offset = decoder.calibration[int(clear)]
        return logits, slope * (estimate + decoder.iou_head(logits, fine, dense.maps)) + offset

    def _draw(
        self, image_index: Tensor, planes: Tensor, dense: DensePrompt, weights: Tensor
    ) -> Tensor:
        """Return logits, (P, K, 128, 128), from image tokens after the transformer.

        `planes` are (P, 128, 16, 16), and the weights of K masks, (P, K, 17), are for the channels
        of details, box crop and maps.
        """
        upscaling, maps = self._decoder.output_upscaling, dense.maps
        compared = upscaling.likeness.compare(self._gather(self._compared, image_index), maps)
        rows = torch.cat([compared, maps], 1).flatten(2)
        joined = (self._of_prompt @ rows).view(len(maps), -1, *maps.shape[2:])
        fine = joined + upscaling.grow(planes) + self._gather(self._quarter, image_index)
        fine = fine.relu_()
        refined = upscaling.refine(fine).flatten(2)
        # A transposed convolution of size and stride 2 is a linear layer for each of four places.
        last = upscaling.last.weight.flatten(2).permute(2, 1, 0).flatten(0, 1)
        details = (last @ refined).view(len(maps), 4, _DETAIL, -1)
        details = (details + self._gather(self._detail, image_index)).relu_()
        of_details, of_crop, of_maps = torch.split(weights, [_DETAIL, CROP_CHANNELS, MAPS], 2)
        if dense.boxes is not None:
            seen = [
                self._gather(each, image_index).expand(len(maps), -1, -1, -1)
                for each in (self._fine, self._half)
            ]
            crop = upscaling.box_crop((fine, seen[0], maps, seen[1]), dense.boxes)
            details = torch.cat([details, _to_places(crop)], 2)
            of_details = torch.cat([of_details, of_crop], 2)
        side = maps.shape[-1]
        masks = (of_details[:, None] @ details).transpose(1, 2)  # (P, K, place, cell)
        masks = functional.pixel_shuffle(masks.reshape(len(maps), -1, side, side), 2)
        prior = (of_maps @ maps.flatten(2)).view(len(maps), -1, side, side)
        smooth = functional.interpolate(
            prior, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return masks + smooth

    @staticmethod
    def _gather(of_images: Tensor, image_index: Tensor) -> Tensor:
        """Return a row for each prompt, or the only one for all."""
        return of_images if len(of_images) == 1 else of_images[image_index]


class TinyMaskDecoder(MaskDecoder):  # type: ignore[misc]
    """SAM's mask decoder with fine paths, whose predicted IoU follows from the mask it is about."""

    calibration: Tensor

    def __init__(self) -> None:
        super().__init__(
            transformer_dim=WIDTH,
            transformer=TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=256, num_heads=4),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=128,
        )
        self.output_upscaling = FineUpscaling()
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(WIDTH, WIDTH, _DETAIL + CROP_CHANNELS + MAPS, 3)
            for _ in range(self.num_mask_tokens)
        )
        for head in self.output_hypernetworks_mlps:
            layers: Any = head.layers
            with torch.no_grad():
                layers[-1].bias[-CROP_CHANNELS - MAPS :] = torch.tensor(_PRIOR)
        self.iou_head = IouHead(QUARTER, MAPS)
        self.register_buffer("calibration", torch.tensor([[1.0, 0.0], [1.0, 0.0]]))

    def cache(self, features: Tensor, positions: Tensor) -> CachedDecoder:
        """Return this decoder with all that the prompts of some images share worked out."""
        return CachedDecoder(self, features, positions)

    def predict_masks(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: DensePrompt,
    ) -> tuple[Tensor, Tensor]:
        """Return all four masks and predicted IoUs, as the official method does for one image."""
        index = torch.zeros(len(sparse_prompt_embeddings), dtype=torch.int64)
        return self.cache(image_embeddings, image_pe).decode(
            index, sparse_prompt_embeddings, dense_prompt_embeddings, range(self.num_mask_tokens)
        )


def _to_places(planes: Tensor) -> Tensor:
    """Return planes (P, C, 2 y, 2 x) as (P, 4, C, y x): the four places of each cell."""
    count, channels, height, width = planes.shape
    cells = functional.pixel_unshuffle(planes, 2)
    return cells.view(count, channels, 4, height * width // 4).transpose(1, 2)
