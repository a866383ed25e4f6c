"""SAM's two-way transformer with fewer multiplications and the same answers.

The official module projects all image tokens to keys, values or queries in each of its five
attentions, though only about seven prompt tokens are on the other side. Projections are linear,
so here they are applied to those few: (q W)·k for q·(W k), and (Σ a v) W for Σ a (v W).
Only the first block has the image as it came, so what it projects of it serves all prompts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from segment_anything.modeling import TwoWayTransformer
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class ImageProjections:
    """What the first block projects of I images, for all their prompts; heads H of width c."""

    pixels: Tensor
    """Image tokens, shape (I, N, C)."""

    positions: Tensor
    """Their position encoding, shape (1, N, C)."""

    keys: Tensor
    """For tokens that attend to the image, shape (I, H, c, N)."""

    values: Tensor
    """Likewise, shape (I, H, N, c)."""

    queries: Tensor
    """Of the image that attends to tokens, shape (I, H, c, N)."""

    def select(self, image_index: Tensor) -> ImageProjections:
        """Return those of the image of each prompt, int64, (P,); of one image, they serve all."""
        if len(self.pixels) == 1:
            return self
        rows = (each[image_index] for each in (self.keys, self.values, self.queries))
        return ImageProjections(self.pixels[image_index], self.positions, *rows)


class FoldedTwoWay(nn.Module):
    """Shares the weights of an official transformer; for inference."""

    def __init__(self, official: TwoWayTransformer) -> None:
        super().__init__()
        self.layers = official.layers
        self.final_attn_token_to_image = official.final_attn_token_to_image
        self.norm_final_attn = official.norm_final_attn

    def forward(
        self, image_embedding: Tensor, image_pe: Tensor, point_embedding: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return prompt tokens (P, T, C) and image tokens (P, N, C).

        Args:
            image_embedding: Axes (P, C, y, x), or (1, C, y, x) where all prompts share it.
            image_pe: Position encoding, axes (1, C, y, x) or the same for each prompt.
            point_embedding: Prompt tokens, shape (P, T, C).
        """
        pixels, positions = _to_tokens(image_embedding), _to_tokens(image_pe[:1])
        return self.run(point_embedding, pixels, positions)

    def project(self, image_embedding: Tensor, image_pe: Tensor) -> ImageProjections:
        """Return what prompts share: of an embedding (I, C, y, x) and its encoding (1, C, y, x)."""
        pixels, positions = _to_tokens(image_embedding), _to_tokens(image_pe)
        positioned, first = pixels + positions, self.layers[0]
        to_tokens, to_image = first.cross_attn_token_to_image, first.cross_attn_image_to_token
        keys, queries = to_tokens.k_proj(positioned), to_image.q_proj(positioned)
        return ImageProjections(
            pixels,
            positions,
            _split_heads(keys, to_tokens.num_heads).transpose(2, 3).contiguous(),
            _split_heads(to_tokens.v_proj(pixels), to_tokens.num_heads).contiguous(),
            _split_heads(queries, to_image.num_heads).transpose(2, 3).contiguous(),
        )

    def run(
        self,
        points: Tensor,
        pixels: Tensor,
        positions: Tensor,
        projected: ImageProjections | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return what `forward` does, of image tokens and their positions, (P or 1, N, C)."""
        queries = points
        for layer in self.layers:
            queries, pixels = _run_block(layer, queries, pixels, points, positions, projected)
            projected = None
        to_tokens = self.final_attn_token_to_image
        attended = _attend_to_image(to_tokens, queries + points, pixels + positions, pixels)
        return self.norm_final_attn(queries + attended), pixels


def _run_block(
    layer: Any,  # noqa: ANN401 (an official block, which has no type stubs)
    queries: Tensor,
    keys: Tensor,
    query_positions: Tensor,
    key_positions: Tensor,
    projected: ImageProjections | None,
) -> tuple[Tensor, Tensor]:
    """Run one official block: tokens among themselves, tokens ← image, image ← tokens."""
    if layer.skip_first_layer_pe:
        queries = layer.self_attn(q=queries, k=queries, v=queries)
    else:
        positioned = queries + query_positions
        queries = queries + layer.self_attn(q=positioned, k=positioned, v=queries)
    queries = layer.norm1(queries)
    to_tokens, to_image = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
    positioned = queries + query_positions
    positioned_keys = keys if projected else keys + key_positions
    if projected is None:
        attended = _attend_to_image(to_tokens, positioned, positioned_keys, keys)
    else:
        attended = _attend_to_projected(to_tokens, positioned, projected)
    queries = layer.norm2(queries + attended)
    queries = layer.norm3(queries + layer.mlp(queries))
    positioned = queries + query_positions
    k, v = _make_keys_and_values(to_image, positioned, queries)
    logits = k @ projected.queries if projected else _image_logits(to_image, positioned_keys, k)
    updates = _update_image(to_image, torch.softmax(logits, dim=2), v)
    return queries, layer.norm4(updates + keys)


def _attend_to_image(
    attention: Any,  # noqa: ANN401
    positioned: Tensor,
    keys: Tensor,
    values: Tensor,
) -> Tensor:
    """Return what each prompt token takes from the image, shape (P, T, C)."""
    heads, (count, tokens, _) = attention.num_heads, positioned.shape
    q = _split_heads(attention.q_proj(positioned), heads)
    # The bias of the keys adds the same to all logits of a token and leaves the softmax alone.
    logits = _fold(q / math.sqrt(q.shape[-1]), attention.k_proj.weight) @ keys.transpose(1, 2)
    weights = torch.softmax(logits, dim=-1)
    mixed = (weights @ values).view(count, heads, tokens, -1)
    projection = attention.v_proj.weight.view(heads, -1, mixed.shape[-1])
    projected = _join_heads(mixed @ projection.transpose(1, 2)) + attention.v_proj.bias
    attended: Tensor = attention.out_proj(projected)
    return attended


def _attend_to_projected(attention: Any, positioned: Tensor, projected: ImageProjections) -> Tensor:  # noqa: ANN401
    """Return what `_attend_to_image` does, from the projections of its image."""
    q = _split_heads(attention.q_proj(positioned), attention.num_heads)
    logits = (q / math.sqrt(q.shape[-1])) @ projected.keys
    attended: Tensor = attention.out_proj(
        _join_heads(torch.softmax(logits, dim=-1) @ projected.values)
    )
    return attended


def _make_keys_and_values(
    attention: Any,  # noqa: ANN401
    positioned: Tensor,
    tokens: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return scaled keys and values of the prompt tokens, each (P, H, T, c)."""
    k = _split_heads(attention.k_proj(positioned), attention.num_heads)
    v = _split_heads(attention.v_proj(tokens), attention.num_heads)
    return k / math.sqrt(k.shape[-1]), v


def _image_logits(attention: Any, positioned: Tensor, keys: Tensor) -> Tensor:  # noqa: ANN401
    """Return the logits of image tokens for prompt tokens.

    As (P, H, T, N), though the softmax goes over T: over seven neighbours in memory it is slow.
    """
    offsets = keys @ attention.q_proj.bias.view(keys.shape[1], -1, 1)
    folded = _fold(keys, attention.q_proj.weight)
    logits: Tensor = (folded @ positioned.transpose(1, 2)).view(*keys.shape[:3], -1) + offsets
    return logits


def _update_image(attention: Any, weights: Tensor, values: Tensor) -> Tensor:  # noqa: ANN401
    """Return what each image token takes from the prompt tokens, shape (P, N, C)."""
    heads, width = values.shape[1], values.shape[3]
    output = attention.out_proj.weight.view(-1, heads, width).permute(1, 2, 0)
    # The weights of a head add up to one, so that each value may carry a share of the bias.
    updates = (values @ output).flatten(1, 2) + attention.out_proj.bias / heads
    attended: Tensor = weights.flatten(1, 2).transpose(1, 2) @ updates
    return attended


def _fold(rows: Tensor, weight: Tensor) -> Tensor:
    """Return rows (P, H, T, c) times each head's part of `weight` (H c, C), as (P, H T, C)."""
    heads, width = rows.shape[1], rows.shape[3]
    return (rows @ weight.view(heads, width, -1)).flatten(1, 2)


def _to_tokens(image: Tensor) -> Tensor:
    return image.flatten(2).transpose(1, 2).contiguous()


def _split_heads(x: Tensor, heads: int) -> Tensor:
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def _join_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)
