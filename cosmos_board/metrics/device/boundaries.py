"""Boundaries and inner bands of many masks at once, and the distances between boundaries.

Squared distances come from one matrix product per pair of masks. It is exact: coordinates are
integers counted from the middle of the image, so up to 2 × 2048 a side they survive even TF32's
eleven bits, and a squared distance stays below 2²⁴ (the largest integer that float32 holds
exactly) up to sides of 2,896 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cosmos_board.metrics.boundaries import BAND_PASSES
from cosmos_board.metrics.definitions import SUM_SCALE, TOLERANCE_PX

SIDE_LIMIT_PX = 2896
"""Images must be smaller than this for float32 to hold squared distances exactly."""

_MATRIX_BYTES = 256 << 20
"""How much memory one block of distances may take."""

_ABSENT = float(1 << 28)
"""Squared norm of a place in a list that holds no pixel: further away than any that does."""


@dataclass(frozen=True, slots=True, eq=False)
class PointLists:
    """Boundary pixels of several masks, in lists of one length."""

    yx: Tensor
    """Coordinates from the middle of the image, float32, (B, L, 2); 0 where there is no pixel."""

    norm_sq: Tensor
    """Squared length of each, float32, (B, L); `_ABSENT` where there is no pixel."""

    count: Tensor
    """Pixels of each boundary, int64, (B,); more than L where the list was too short."""

    def select(self, which: Tensor) -> PointLists:
        """Return the lists of some of the masks, by index."""
        return PointLists(self.yx[which], self.norm_sq[which], self.count[which])


def list_points(masks: Tensor, length: int) -> PointLists:
    """Return the boundaries of `masks` (bool, (B, Y, X)), cut at `length` pixels.

    The host does not wait for the device, so that the number of pixels stays unknown to it.
    """
    batch, height, width = masks.shape
    boundary = (masks & ~_erode(masks, square=False)).flatten(1)
    rank = boundary.cumsum(1) - 1
    # Every pixel is written: boundary pixels to their rank, all others to a place that is cut off.
    place = torch.where(boundary, rank, length).clamp_(max=length)
    pixel = torch.arange(height * width, device=masks.device).expand(batch, -1)
    listed = torch.zeros(batch, length + 1, dtype=torch.int64, device=masks.device)
    listed = listed.scatter_(1, place, pixel)[:, :length]
    count = boundary.sum(dim=1)
    present = torch.arange(length, device=masks.device) < count[:, None]
    y = torch.div(listed, width, rounding_mode="floor") - height // 2
    x = listed % width - width // 2
    yx = (torch.stack([y, x], dim=2) * present[..., None]).float()
    norm_sq = torch.where(present, yx.square().sum(dim=2), _ABSENT)
    return PointLists(yx, norm_sq, count)


def find_bands(masks: Tensor) -> Tensor:
    """Return the inner bands of `masks`, bool, (B, Y, X)."""
    core = masks
    for _ in range(BAND_PASSES):
        core = _erode(core, square=True)
    return masks & ~core


def measure_distances(first: PointLists, second: PointLists) -> tuple[Tensor, Tensor]:
    """Return squared distances from each point to the other list, int64, (B, L) and (B, M)."""
    dtype = torch.float32 if _holds_coordinates(first.yx.device) else torch.float64
    to_second = torch.full_like(first.norm_sq, torch.inf, dtype=dtype)
    to_first = torch.full_like(second.norm_sq, torch.inf, dtype=dtype)
    with torch.autocast(first.yx.device.type, enabled=False):
        for pairs, points in _iterate_blocks(first, second):
            a, b = first.yx[pairs, points].to(dtype), second.yx[pairs].to(dtype)
            a_sq, b_sq = first.norm_sq[pairs, points].to(dtype), second.norm_sq[pairs].to(dtype)
            # |a − b|² = |b|² − 2 a·b + |a|²
            squared = torch.baddbmm(b_sq[:, None], a, b.transpose(1, 2), alpha=-2)
            squared += a_sq[:, :, None]
            to_second[pairs, points] = squared.amin(dim=2)
            to_first[pairs] = torch.minimum(to_first[pairs], squared.amin(dim=1))
    return to_second.long(), to_first.long()


def summarise(squared: Tensor, count: Tensor, relative_sq: Tensor) -> list[Tensor]:
    """Return the seven fields of `DirectedDistances`, each int64, (B,).

    Args:
        squared: Squared distances of each boundary, int64, (B, L).
        count: Pixels of each boundary, int64, (B,).
        relative_sq: `PreparedReference.relative_sq` of each pair, int64, (B,).
    """
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
        (present & (squared <= relative_sq[:, None])).sum(dim=1),
        (exact * SUM_SCALE).round().long().sum(dim=1),
    ]


def _iterate_blocks(first: PointLists, second: PointLists) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of pairs and of points of `first` whose distances fit `_MATRIX_BYTES`."""
    batch, length = first.norm_sq.shape
    rows = max(1, _MATRIX_BYTES // (8 * second.norm_sq.shape[1]))
    pair_step, point_step = max(1, rows // length), min(rows, length)
    for pair in range(0, batch, pair_step):
        for point in range(0, length, point_step):
            yield slice(pair, pair + pair_step), slice(point, point + point_step)


def _holds_coordinates(device: torch.device) -> bool:
    """Return whether products of float32 keep eleven bits, as TF32 does and bfloat16 does not."""
    try:
        return torch.get_float32_matmul_precision() != "medium"
    except RuntimeError:  # set by torch's newer names, which know bfloat16 for CPUs alone
        return device.type == "cuda"


def _erode(masks: Tensor, *, square: bool) -> Tensor:
    """Return one pass by the 3×3 square or the cross; beyond the image is outside."""
    padded = torch.nn.functional.pad(masks, (1, 1, 1, 1))
    across = padded[..., :-2] & padded[..., 1:-1] & padded[..., 2:]
    if square:
        return across[:, :-2] & across[:, 1:-1] & across[:, 2:]
    return across[:, 1:-1] & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]
