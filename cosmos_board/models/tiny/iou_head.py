"""How `cosmos-tiny` estimates the IoU of its candidates: from the masks themselves.

SAM's IoU head sees one token and no mask. On images unlike those it learnt from, that says little
about which candidate fits; what a mask encloses against the rim around it, how firm its border is
and how it lies in the drawn prompt carry over better.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SHAPE_NUMBERS = 6
"""Numbers per candidate beside the averages: `_measure_shape` gives them."""


class IouHead(nn.Module):
    """Estimates a correction to the predicted IoU of every candidate from its mask."""

    def __init__(self, fine: int, maps: int, hidden: int = 64) -> None:
        """Prepare for `fine` image features and `maps` planes of the drawn prompt, at stride 4."""
        super().__init__()
        channels = fine + maps
        self.weigh = nn.Sequential(
            nn.Linear(3 * channels + 2 * fine + _SHAPE_NUMBERS, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, 1),
        )
        self._fine = fine

    def forward(self, logits: Tensor, fine: Tensor, maps: Tensor) -> Tensor:
        """Return what to add to the predicted IoU, shape (P, K).

        Args:
            logits: Of the candidates, (P, K, 128, 128); no gradient flows into them.
            fine: Image features at stride 4, (P, fine, 64, 64), or (1, …) where all share them.
            maps: The drawn prompts, (P, maps, 64, 64).
        """
        logits = logits.detach()
        inside = functional.avg_pool2d(logits.clamp(-12, 12), 2).sigmoid()
        grown = _grow(inside)
        shrunk = -_grow(-inside)
        weights = torch.cat([shrunk, grown - inside, inside - shrunk], 1).flatten(2)
        total = weights.sum(-1, keepdim=True) + 1e-3
        means = [weights @ planes.flatten(2).transpose(1, 2) / total for planes in (fine, maps)]
        within, rim, border = torch.cat(means, -1).chunk(3, 1)
        image = slice(0, self._fine)
        gaps = [(within - rim)[..., image].abs(), (border - rim)[..., image].abs()]
        shape = _measure_shape(logits, inside, grown)
        correction: Tensor = self.weigh(torch.cat([within, rim, border, *gaps, shape], -1))[..., 0]
        return correction


def _grow(planes: Tensor) -> Tensor:
    """Return the largest value within two cells along y and x, axes (P, K, y, x).

    Two cells of stride 4 make a rim of 8 px at side 256. It is what `max_pool2d` returns, which
    takes a hundred times as long on a CPU.
    """
    for axis in (-1, -2):
        size = planes.shape[axis]
        around = (2, 2, 0, 0) if axis == -1 else (0, 0, 2, 2)
        padded = functional.pad(planes, around, value=float("-inf"))
        pairs = torch.maximum(padded.narrow(axis, 0, size + 3), padded.narrow(axis, 1, size + 3))
        fours = torch.maximum(pairs.narrow(axis, 0, size), pairs.narrow(axis, 2, size))
        planes = torch.maximum(fours, padded.narrow(axis, 4, size))
    return planes


def _measure_shape(logits: Tensor, inside: Tensor, grown: Tensor) -> Tensor:
    """Return six numbers per candidate, (P, K, 6): how large, how ragged, how sure."""
    high, mid, least = ((logits > level).float().sum((2, 3)) for level in (1.0, 0.0, -1.0))
    area = inside.flatten(2).sum(-1)
    sure = (inside * inside).flatten(2).sum(-1) / (area + 1e-3)
    ragged = (grown.flatten(2).sum(-1) - area) / (area + 1).sqrt()
    numbers = [
        (area + 1).log() / 4,
        (mid + 1).log() / 4,
        high / (least + 1),
        sure,
        ragged / 8,
        logits.flatten(2).amax(-1).clamp(-12, 12) / 4,
    ]
    return torch.stack(numbers, -1)
