"""Low-rank adaptation of an image encoder's attention (Hu et al. 2022)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cosmos_board.core.errors import InputError


class LoraLinear(nn.Module):
    """A frozen linear layer plus scale · B A; only A and B are trained, and B starts at zero."""

    def __init__(self, frozen: nn.Linear, rank: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.frozen = frozen.requires_grad_(False)
        like = frozen.weight
        down = torch.empty(rank, frozen.in_features, dtype=like.dtype)
        down.normal_(0, 1 / math.sqrt(frozen.in_features), generator=generator)
        self.down = nn.Parameter(down.to(like.device))
        self.up = nn.Parameter(like.new_zeros(frozen.out_features, rank))
        self.scale = 2.0

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output with the correction."""
        base: Tensor = self.frozen(x)
        return base + self.scale * nn.functional.linear(nn.functional.linear(x, self.down), self.up)

    def merged(self) -> nn.Linear:
        """Return the plain layer with the correction added to its weights."""
        with torch.no_grad():
            self.frozen.weight += self.scale * (self.up @ self.down)
        return self.frozen


def add_lora(encoder: nn.Module, rank: int, *, seed: int = 0) -> list[nn.Parameter]:
    """Add LoRA to the `qkv` and `proj` layers of every attention; return the new weights.

    Raises:
        InputError: If the rank is not positive or the encoder has no such layers.
    """
    if rank < 1:
        raise InputError("--rank", "", "is not positive", got=rank, want="1 or more")
    generator = torch.Generator().manual_seed(seed)
    trained: list[nn.Parameter] = []
    for parent in list(encoder.modules()):
        for name in ("qkv", "proj"):
            layer = getattr(parent, name, None)
            if isinstance(layer, nn.Linear) and hasattr(parent, "qkv"):
                wrapped = LoraLinear(layer, rank, generator=generator)
                setattr(parent, name, wrapped)
                trained += [wrapped.down, wrapped.up]
    if not trained:
        raise InputError("--method", "lora", "needs attention in the image encoder")
    return trained


def merge_lora(encoder: nn.Module) -> None:
    """Merge every correction into its layer, so that the encoder has its own architecture again."""
    for parent in list(encoder.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLinear):
                setattr(parent, name, child.merged())
