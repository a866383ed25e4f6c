"""Squared distances between boundaries from one matrix product per pair, and what is told of them.

Why the product is exact: coordinates are whole numbers counted from the middle of the image, so
up to 2 × 2048 a side they survive even TF32's eleven bits, and a squared distance stays below 2²⁴
(what float32 counts exactly) up to sides of 2,896 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from cosmos_board.metrics.device.outlines import PointLists
from cosmos_board.metrics.integers import SUM_SCALE, TOLERANCE_PX

SIDE_LIMIT_PX = 2896
"""Images must be smaller than this for float32 to count squared distances exactly."""

_MATRIX_BYTES = 256 << 20
"""How much memory one block of distances may take."""


def measure_distances(one: PointLists, other: PointLists) -> tuple[Tensor, Tensor]:
    """Return squared distances from each point to the other list, int64, (B, L) and (B, M)."""
    # "medium" multiplies in bfloat16, which cannot hold a coordinate.
    medium = torch.get_float32_matmul_precision() == "medium"
    dtype = torch.float64 if medium else torch.float32
    there = torch.full_like(one.norm_sq, torch.inf, dtype=dtype)
    back = torch.full_like(other.norm_sq, torch.inf, dtype=dtype)
    with torch.autocast(one.yx.device.type, enabled=False):
        for pairs, points in _iterate_blocks(one, other):
            a, b = one.yx[pairs, points].to(dtype), other.yx[pairs].to(dtype)
            a_sq, b_sq = one.norm_sq[pairs, points].to(dtype), other.norm_sq[pairs].to(dtype)
            # |a − b|² = |b|² − 2 a·b + |a|²
            squared = torch.baddbmm(b_sq[:, None], a, b.transpose(1, 2), alpha=-2)
            squared += a_sq[:, :, None]
            there[pairs, points] = squared.amin(dim=2)
            back[pairs] = torch.minimum(back[pairs], squared.amin(dim=1))
    return there.long(), back.long()


def summarise(squared: Tensor, count: Tensor) -> list[Tensor]:
    """Return the six numbers of `Directed`, each int64, (B,)."""
    length = squared.shape[1]
    present = torch.arange(length, device=squared.device) < count[:, None]
    largest = torch.where(present, squared, 0).amax(dim=1)
    ordered = torch.where(present, squared, torch.iinfo(torch.int64).max).sort(dim=1).values
    last = (count - 1).clamp(min=0, max=length - 1)
    low = ((count - 1).double() * 0.95).floor().long().clamp(min=0, max=length - 1)
    high = torch.minimum(low + 1, last)
    exact = torch.where(present, squared, 0).double().sqrt()
    return [
        count,
        largest,
        ordered.gather(1, low[:, None])[:, 0],
        ordered.gather(1, high[:, None])[:, 0],
        (present & (squared <= TOLERANCE_PX**2)).sum(dim=1),
        (exact * SUM_SCALE).round().long().sum(dim=1),
    ]


def _iterate_blocks(one: PointLists, other: PointLists) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of pairs and of points of `one` whose distances fit `_MATRIX_BYTES`."""
    batch, length = one.norm_sq.shape
    rows = max(1, _MATRIX_BYTES // (8 * other.norm_sq.shape[1]))
    pair_step, point_step = max(1, rows // length), min(rows, length)
    for pair in range(0, batch, pair_step):
        for point in range(0, length, point_step):
            yield slice(pair, pair + pair_step), slice(point, point + point_step)
