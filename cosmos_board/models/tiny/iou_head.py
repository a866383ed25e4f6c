"""How `cosmos-tiny` estimates the IoU of its candidates: by looking at the masks themselves.

SAM's IoU head sees one token and no mask. On images unlike those it learnt from, that says little
about which candidate fits; what a mask encloses against the rim around it, how firm its border is
and how it lies in the drawn prompt carry over better.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_SUMS = 6
"""Numbers per candidate beside the averages: `_firmness` gives them."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What is seen of P × K masks; no gradient flows into them."""

    small: Tensor
    """Logits clipped to ±12, mean over 2 × 2, (P, K, 64, 64)."""

    counts: Tensor
    """How many logits exceed 1, 0 and −1, (P, K, 3)."""

    peak: Tensor
    """The largest logit, (P, K)."""


def outline(logits: Tensor) -> Outline:
    """Return what is seen of masks, from their logits (P, K, 128, 128)."""
    fixed = logits.detach()
    counts = [(fixed > level).flatten(2).sum(-1).float() for level in (1.0, 0.0, -1.0)]
    small = functional.avg_pool2d(fixed.clamp(-12, 12), 2)
    return Outline(small, torch.stack(counts, -1), fixed.flatten(2).amax(-1))


class Judge(nn.Module):
    """Estimates a correction to the predicted IoU of every candidate from its mask."""

    def __init__(self, fine: int, maps: int, hidden: int = 64) -> None:
        """Prepare for `fine` image features and `maps` planes of the drawn prompt, at stride 4."""
        super().__init__()
        channels = fine + maps
        self.weigh = nn.Sequential(
            nn.Linear(3 * channels + 2 * fine + _SUMS, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, 1),
        )
        self._fine = fine

    def forward(self, outline: Outline, fine: Tensor, maps: Tensor) -> Tensor:
        """Return what to add to the predicted IoU, shape (P, K).

        Args:
            outline: Of the candidates.
            fine: Image features at stride 4, (P, fine, 64, 64), or (1, …) where all share them.
            maps: The drawn prompts, (P, maps, 64, 64).
        """
        inside = outline.small.sigmoid()
        grown = _grow(inside)
        shrunk = -_grow(-inside)
        weights = torch.cat([shrunk, grown - inside, inside - shrunk], 1).flatten(2)
        spread = weights.sum(-1, keepdim=True) + 1e-3
        means = [_sum_up(weights, planes) / spread for planes in (fine, maps)]
        within, rim, border = torch.cat(means, -1).chunk(3, 1)
        image = slice(0, self._fine)
        gaps = [(within - rim)[..., image].abs(), (border - rim)[..., image].abs()]
        seen = torch.cat([within, rim, border, *gaps, _firmness(outline, inside, grown)], -1)
        answer: Tensor = self.weigh(seen)[..., 0]
        return answer


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


def _sum_up(weights: Tensor, planes: Tensor) -> Tensor:
    """Return weighted sums, (P, K, C), from weights (P, K, y x) and planes (P or 1, C, y, x)."""
    rows = planes.flatten(2).transpose(1, 2)
    return weights @ (rows[0] if len(rows) == 1 else rows)


def _firmness(outline: Outline, inside: Tensor, grown: Tensor) -> Tensor:
    """Return six numbers per candidate, (P, K, 6): how large, how ragged, how sure."""
    high, mid, least = outline.counts.unbind(-1)
    area = inside.flatten(2).sum(-1)
    sure = (inside * inside).flatten(2).sum(-1) / (area + 1e-3)
    ragged = (grown.flatten(2).sum(-1) - area) / (area + 1).sqrt()
    numbers = [
        (area + 1).log() / 4,
        (mid + 1).log() / 4,
        high / (least + 1),
        sure,
        ragged / 8,
        outline.peak.clamp(-12, 12) / 4,
    ]
    return torch.stack(numbers, -1)
