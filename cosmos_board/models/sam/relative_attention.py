"""The attention of SAM's image encoder without waiting for the device."""

from __future__ import annotations

from typing import Any

import torch
from segment_anything.modeling.image_encoder import Attention
from torch import Tensor, nn


class RelativeAttention(nn.Module):
    """The official attention, whose answers it gives bit for bit.

    The official one makes the index of its relative positions on the host for every image, which
    then waits for a GPU twice in each block. Weights are read from `official` at each call, so that
    layers which are replaced there, such as by LoRA, count here too.
    """

    def __init__(self, official: Attention) -> None:
        super().__init__()
        self.official: Any = official
        self.rows = _make_index(official.rel_pos_h)
        self.columns = _make_index(official.rel_pos_w)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of the same shape, (B, y, x, C)."""
        attention = self.official
        count, height, width, _ = tokens.shape
        if (height, width) != (len(self.rows), len(self.columns)):  # its tables are interpolated
            interpolated: Tensor = attention(tokens)
            return interpolated
        heads = attention.num_heads
        parts = attention.qkv(tokens).reshape(count, height * width, 3, heads, -1)
        queries, keys, values = (
            part.reshape(count * heads, height * width, -1)
            for part in parts.permute(2, 0, 3, 1, 4).unbind(0)
        )
        logits = (queries * attention.scale) @ keys.transpose(-2, -1)
        grid = queries.reshape(count * heads, height, width, -1)
        down = torch.einsum("bhwc,hkc->bhwk", grid, attention.rel_pos_h[self.rows])
        across = torch.einsum("bhwc,wkc->bhwk", grid, attention.rel_pos_w[self.columns])
        cells = logits.view(count * heads, height, width, height, width)
        logits = (cells + down[..., None] + across[..., None, :]).view(logits.shape)
        mixed = (logits.softmax(dim=-1) @ values).view(count, heads, height, width, -1)
        answer: Tensor = attention.proj(
            mixed.permute(0, 2, 3, 1, 4).reshape(count, height, width, -1)
        )
        return answer


def fold_attention(module: nn.Module) -> nn.Module | None:
    """Return what stands in for a module; None where it is no official attention of positions."""
    if type(module) is Attention and module.use_rel_pos:
        return RelativeAttention(module)
    return None


def _make_index(table: Tensor) -> Tensor:
    """Return which row of `table` (2 n − 1, C) belongs to each query and key, int64, (n, n)."""
    size = (len(table) + 1) // 2
    places = torch.arange(size, device=table.device)
    return places[:, None] - places[None] + (size - 1)
