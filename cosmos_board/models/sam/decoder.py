"""SAM's prompt encoder and mask decoder for many prompts of many images in one call.

The official decoder repeats one image's embedding for every prompt; here each prompt names
its image. Nothing is padded: prompts of one call have the same number of tokens, because a
padding token would take part in attention and change the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from segment_anything.modeling import TwoWayTransformer
from torch import Tensor, nn

from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.prompt_encoder import AsyncPromptEncoder, fold_prompt_encoder
from cosmos_board.models.sam.relative_attention import fold_attention
from cosmos_board.models.sam.two_way import FoldedTwoWay, ImageProjections
from cosmos_board.models.sam.upscaling import TokenUpscaling, is_official_upscaling


class SamModules(Protocol):
    """The three parts of a model of the SAM family, as `segment_anything` names them."""

    # Any: torch types a submodule as "Tensor or Module", which cannot be called.
    image_encoder: Any
    prompt_encoder: Any
    mask_decoder: Any


@dataclass(slots=True, eq=False)
class FoldedSam:
    """A faster, equivalent model; it shares all weights with the original."""

    image_encoder: Any
    prompt_encoder: Any
    mask_decoder: Any


@runtime_checkable
class CachedDecoder(Protocol):
    """A decoder of another architecture, with what all prompts of an image share precomputed."""

    def decode(
        self, image_index: Tensor, sparse: Tensor, dense: object, mask_tokens: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Return what the function `decode` does, of prompts that the encoder embedded."""
        ...


Cache: TypeAlias = ImageProjections | CachedDecoder


@dataclass(frozen=True, slots=True, eq=False)
class TransformerOutput:
    """Output of the transformer for P prompts, from which masks and estimates are computed."""

    tokens: Tensor
    """Shape (P, tokens, C): the IoU token, four mask tokens, then the prompt's own."""

    pixels: Tensor
    """Image tokens in row order, shape (P, y x, C)."""

    grid: tuple[int, int]
    """Rows y and columns x of the image tokens."""


def fold(sam: SamModules) -> FoldedSam:
    """Return `sam` for inference: what is official in it runs faster and waits for no device.

    Nothing is copied, so that weights which change in `sam` change here too.
    """
    decoder = _replace(sam.mask_decoder, _fold_transformer)
    if is_official_upscaling(sam.mask_decoder.output_upscaling):
        upscaling = TokenUpscaling(sam.mask_decoder.output_upscaling)
        decoder = _with_children(decoder, {"output_upscaling": upscaling})
    return FoldedSam(
        _replace(sam.image_encoder, fold_attention).eval(),
        fold_prompt_encoder(sam.prompt_encoder),
        decoder.eval(),
    )


def _fold_transformer(module: nn.Module) -> nn.Module | None:
    return FoldedTwoWay(module) if type(module) is TwoWayTransformer else None


def _replace(module: nn.Module, fold_one: Callable[[nn.Module], nn.Module | None]) -> nn.Module:
    """Return `module` with what `fold_one` has instead of it, or of modules within it."""
    if (folded := fold_one(module)) is not None:
        return folded
    children = {name: _replace(child, fold_one) for name, child in module.named_children()}
    changed = {name: new for name, new in children.items() if new is not getattr(module, name)}
    return _with_children(module, changed) if changed else module


def _with_children(module: nn.Module, children: dict[str, nn.Module]) -> nn.Module:
    """Return `module` with other children; everything else is shared with the original."""
    twin = copy(module)
    twin._modules = {**module._modules, **children}
    return twin


MULTIMASK = (1, 2, 3)
"""The mask tokens that answer an ambiguous prompt; token 0 is for a model with one answer."""


def decode(
    sam: SamModules,
    features: Tensor,
    prompts: PromptBatch,
    cache: Cache | None = None,
    mask_tokens: Sequence[int] = MULTIMASK,
) -> tuple[Tensor, Tensor]:
    """Return the candidates of each prompt, one per mask token.

    Differentiable; by default equal to the official decoder with `multimask_output=True` run
    per image.

    Args:
        sam: A model with SAM's prompt encoder and mask decoder.
        features: What its image encoder gave, axes (images, C, y, x).
        prompts: P prompts.
        cache: What `precompute` made of the features, where it did.
        mask_tokens: The K tokens that answer.

    Returns:
        Low-resolution logits, axes (P, K, 4 y, 4 x), and predicted IoU, shape (P, K).
    """
    if has_own_decoder(sam):
        cache = cache or precompute(sam, features)
    if isinstance(cache, CachedDecoder):
        return cache.decode(prompts.image_index, *_embed_prompts(sam, prompts), mask_tokens)
    attended = attend(sam, features, prompts, cache)
    return mask_logits(sam, attended, mask_tokens), predicted_iou(sam, attended, mask_tokens)


def has_own_decoder(sam: SamModules) -> bool:
    """Return whether the mask decoder has another architecture than SAM's.

    It then has a method `cache`, and its predicted IoU may depend on the masks.
    """
    return hasattr(sam.mask_decoder, "cache")


def precompute(sam: SamModules, features: Tensor) -> Cache | None:
    """Return what the prompts of images share, from their features, axes (images, C, y, x).

    None where the architecture has no such thing.
    """
    transformer, encoder = sam.mask_decoder.transformer, sam.prompt_encoder
    positions = _encode_grid(sam, features)
    if has_own_decoder(sam):
        cached: CachedDecoder = sam.mask_decoder.cache(features, positions)
        return cached
    if not isinstance(transformer, FoldedTwoWay) or type(encoder) is not AsyncPromptEncoder:
        return None
    no_mask = encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
    return transformer.project(features + no_mask, positions)


def _embed_prompts(sam: SamModules, prompts: PromptBatch) -> tuple[Tensor, Any]:
    """Return sparse embeddings (P, N, C), and dense ones as the architecture has them.

    In float32 whatever the precision of the model: bfloat16 has eight bits for a coordinate, too
    few to tell neighbouring pixels of 1,024 apart.
    """
    points = None if prompts.points_xy is None else (prompts.points_xy, prompts.labels)
    with _in_float32(prompts.image_index):
        sparse, dense = sam.prompt_encoder(
            points=points, boxes=prompts.boxes_xyxy, masks=prompts.mask_logits
        )
    return sparse, dense


def _encode_grid(sam: SamModules, features: Tensor) -> Tensor:
    """Return the position encoding of the image tokens, (1, C, y, x), in float32."""
    with _in_float32(features):
        positions: Tensor = sam.prompt_encoder.get_dense_pe()
    return positions


def _in_float32(like: Tensor) -> torch.autocast:
    """Return a context without autocast on the device of a tensor."""
    return torch.autocast(like.device.type, enabled=False)


def attend(
    sam: SamModules, features: Tensor, prompts: PromptBatch, cache: Cache | None = None
) -> TransformerOutput:
    """Return tokens and image after the two-way transformer; arguments as for `decode`."""
    decoder = sam.mask_decoder
    sparse, dense = _embed_prompts(sam, prompts)
    outputs = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([outputs.expand(len(prompts), -1, -1), sparse], dim=1)
    height, width = features.shape[-2:]
    if isinstance(cache, ImageProjections) and prompts.mask_logits is None:
        seen = cache.select(prompts.image_index)
        attended, pixels = decoder.transformer.run(tokens, seen.pixels, seen.positions, seen)
    else:
        source = features[prompts.image_index] + dense
        attended, pixels = decoder.transformer(source, _encode_grid(sam, features), tokens)
    return TransformerOutput(attended, pixels, (height, width))


def predicted_iou(
    sam: SamModules, attended: TransformerOutput, mask_tokens: Sequence[int] = MULTIMASK
) -> Tensor:
    """Return the decoder's estimate of the IoU of each candidate, shape (P, K)."""
    estimate: Tensor = sam.mask_decoder.iou_prediction_head(attended.tokens[:, 0])
    return torch.stack([estimate[:, token] for token in mask_tokens], dim=1)


def mask_logits(
    sam: SamModules, attended: TransformerOutput, mask_tokens: Sequence[int] = MULTIMASK
) -> Tensor:
    """Return the low-resolution logits of each candidate, axes (P, K, 4 y, 4 x)."""
    decoder, (height, width) = sam.mask_decoder, attended.grid
    weights = torch.stack(
        [
            decoder.output_hypernetworks_mlps[token](attended.tokens[:, 1 + token])
            for token in mask_tokens
        ],
        dim=1,
    )
    upscaling = decoder.output_upscaling
    if isinstance(upscaling, TokenUpscaling):
        low: Tensor = upscaling(attended.pixels, weights, attended.grid)
        return low
    count, _, channels = attended.pixels.shape
    planes = attended.pixels.transpose(1, 2).reshape(count, channels, height, width)
    upscaled: Tensor = upscaling(planes)
    flat = weights @ upscaled.flatten(2)
    return flat.view(count, -1, *upscaled.shape[2:])
