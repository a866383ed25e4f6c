"""The image encoder of `cosmos-tiny`: residual convolutions, attention at the coarsest scale.

Features of stride 16, 4 and 2 are kept. They are packed into one tensor, the finer ones folded to
16 × 16 (`pixel_unshuffle`), so that code for SAM's image embedding takes it.
"""

from __future__ import annotations

import torch
from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional

SIDE_PX, GRID = 256, 16
"""Sides of the input square, and of the coarsest features."""

WIDTH, QUARTER, HALF = 128, 16, 4
"""Channels of the features at stride 16, 4 and 2."""

_FOLD_QUARTER, _FOLD_HALF = SIDE_PX // 4 // GRID, SIDE_PX // 2 // GRID
_PARTS = (WIDTH, QUARTER * _FOLD_QUARTER**2, HALF * _FOLD_HALF**2)
CHANNELS = sum(_PARTS)
"""Channels of an image embedding."""


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(width, width),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            _norm(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return functional.gelu(x + self.body(x))


class Attention(nn.Module):
    """Self-attention over all positions, then a perceptron; both with a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens, shape (B, N, C), as they came."""
        b, n, c = tokens.shape
        qkv = self.qkv(self.norm1(tokens)).view(b, n, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c)
        tokens = tokens + self.proj(mixed)
        answered: Tensor = tokens + self.mlp(self.norm2(tokens))
        return answered


class TinyEncoder(nn.Module):
    """Image encoder: (B, 3, 256, 256) → (B, CHANNELS, 16, 16)."""

    img_size = SIDE_PX

    def __init__(self) -> None:
        super().__init__()
        self.stride2 = nn.Sequential(*_conv(3, 16, stride=2), nn.GELU())
        self.stride4 = nn.Sequential(*_conv(16, 32, stride=2), nn.GELU(), Residual(32))
        self.stride8 = nn.Sequential(*_conv(32, 64, stride=2), nn.GELU(), Residual(64))
        self.stride16 = nn.Sequential(
            *_conv(64, WIDTH, stride=2), nn.GELU(), Residual(WIDTH), Residual(WIDTH)
        )
        self.position = nn.Parameter(torch.zeros(1, GRID * GRID, WIDTH))
        self.attention = nn.Sequential(Attention(WIDTH, 4), Attention(WIDTH, 4))
        self.neck = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, bias=False), LayerNorm2d(WIDTH))
        self.keep_half = nn.Conv2d(16, HALF - 1, 1)
        self.lift_eighth = nn.Conv2d(64, 32, 1)
        self.keep_quarter = nn.Conv2d(32, QUARTER - 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the image embedding; every image is first brought to mean 0 and deviation 1."""
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) / (x.std((1, 2, 3), keepdim=True) + 0.02)
        half = self.stride2(x)
        quarter = self.stride4(half)
        eighth = self.stride8(quarter)
        coarse = self.stride16(eighth)
        tokens = self.attention(coarse.flatten(2).transpose(1, 2) + self.position)
        coarse = self.neck(tokens.transpose(1, 2).reshape(coarse.shape))
        above = functional.interpolate(self.lift_eighth(eighth), scale_factor=2.0, mode="nearest")
        # A few channels are the image itself: what is alike in grey level need not be learnt.
        fine = torch.cat([functional.avg_pool2d(x, 4), self.keep_quarter(quarter + above)], 1)
        grey = functional.avg_pool2d(x.mean(1, keepdim=True), 2)
        finest = torch.cat([grey, self.keep_half(half)], 1)
        folded = (
            functional.pixel_unshuffle(fine, _FOLD_QUARTER),
            functional.pixel_unshuffle(finest, _FOLD_HALF),
        )
        return torch.cat([coarse, *folded], 1)


def split_embedding(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return features at stride 16, 4 and 2 from an image embedding, (B, CHANNELS, 16, 16).

    Their shapes are (B, 128, 16, 16), (B, 16, 64, 64) and (B, 4, 128, 128).
    """
    coarse, quarter, half = torch.split(features, list(_PARTS), 1)
    return (
        coarse,
        functional.pixel_shuffle(quarter, _FOLD_QUARTER),
        functional.pixel_shuffle(half, _FOLD_HALF),
    )


def _conv(wide_in: int, wide_out: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return (
        nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False),
        _norm(wide_out),
    )


def _norm(width: int) -> nn.Module:
    """Return a norm within each image: batches of few images have unreliable statistics."""
    return nn.GroupNorm(min(8, width // 4), width)
