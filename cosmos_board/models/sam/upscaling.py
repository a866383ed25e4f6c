"""SAM's mask upscaling on rows of tokens, where no image has to be turned around in memory.

A transposed convolution of size and stride 2 is a linear layer whose outputs are the four
pixels that a token becomes. All steps work on rows of channels, up to the masks themselves;
only those, three numbers a pixel, are laid out as images.
"""

from __future__ import annotations

from typing import Any

from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional

_OFFICIAL = (nn.ConvTranspose2d, LayerNorm2d, nn.GELU, nn.ConvTranspose2d, nn.GELU)


class TokenUpscaling(nn.Module):
    """Shares the weights of an official upscaling; for inference."""

    def __init__(self, official: nn.Sequential) -> None:
        super().__init__()
        self.first: Any = official[0]
        self.norm: Any = official[1]
        self.second: Any = official[3]

    def forward(self, pixels: Tensor, weights: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return mask logits, axes (P, K, 4 y, 4 x), from image tokens, shape (P, y x, C).

        `weights` are what the hypernetworks made of K mask tokens, (P, K, C / 8); `grid` is (y, x).
        """
        count, tokens, _ = pixels.shape
        norm = self.norm
        doubled = _double(self.first, pixels).view(count, tokens * 4, -1)
        doubled = functional.layer_norm(
            doubled, doubled.shape[-1:], norm.weight, norm.bias, norm.eps
        )
        fourfold = _double(self.second, functional.gelu(doubled)).view(count, tokens * 16, -1)
        logits = weights @ functional.gelu(fourfold).transpose(1, 2)
        # y, x, then the row and column of each doubling
        cells = logits.view(count, -1, *grid, 2, 2, 2, 2).permute(0, 1, 2, 4, 6, 3, 5, 7)
        return cells.reshape(count, -1, 4 * grid[0], 4 * grid[1])


def is_official_upscaling(module: nn.Module) -> bool:
    """Return whether `TokenUpscaling` can stand in for a module."""
    return (
        isinstance(module, nn.Sequential)
        and tuple(type(step) for step in module) == _OFFICIAL
        and all(
            step.kernel_size == step.stride == (2, 2)
            for step in module
            if isinstance(step, nn.ConvTranspose2d)
        )
    )


def _double(convolution: nn.ConvTranspose2d, tokens: Tensor) -> Tensor:
    """Return the four pixels of each token, shape (P, N, 4 out): row, column, channel."""
    weight = convolution.weight  # axes (in, out, row, column)
    assert convolution.bias is not None
    rows = weight.permute(2, 3, 1, 0).reshape(-1, weight.shape[0])
    return functional.linear(tokens, rows, convolution.bias.repeat(4))
