"""The same integers on a torch device, for many predictions at once.

Boundary pixels are packed into lists of one fixed length, squared distances come from one matrix
product per pair, and everything is reduced on the device: nothing waits for the host until the
finished integers are copied over. A pair with a boundary that does not fit its list is scored on
the CPU, with the same result.

Why the product is exact: coordinates are whole numbers counted from the middle of the image, so
up to 2 × 2048 a side they survive even TF32's eleven bits, and a squared distance stays below 2²⁴
(what float32 counts exactly) up to sides of 2,896 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cosmos_board.core.errors import InputError
from cosmos_board.core.scores import Counts, Scores
from cosmos_board.metrics.boundaries import BAND_PASSES
from cosmos_board.metrics.integers import (
    SUM_SCALE,
    TOLERANCE_PX,
    Directed,
    PairIntegers,
    penalise,
    to_scores,
)
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.surface import score

SIDE_LIMIT_PX = 2896
"""Images must be smaller than this for float32 to count squared distances exactly."""

CAPACITY_LIMIT = 8192
"""Boundary pixels beyond which run lengths on the CPU are the better way."""

_ABSENT = float(1 << 28)
"""Squared norm of a place in a list that holds no pixel: further away than any that does."""

_MATRIX_BYTES = 256 << 20
"""How much memory one block of distances may take."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceReferences:
    """References of one image, or of images of one size, on a device."""

    prepared: tuple[PreparedReference, ...]
    masks: Tensor
    """bool, (R, Y, X)."""

    bands: Tensor
    """Inner bands, bool, (R, Y, X)."""

    points: _PointLists


@dataclass(frozen=True, slots=True, eq=False)
class _PointLists:
    """Boundary pixels of several masks, in lists of one length."""

    yx: Tensor
    """Coordinates from the middle of the image, float32, (B, L, 2); 0 where there is no pixel."""

    norm_sq: Tensor
    """Squared length of each, float32, (B, L); `_ABSENT` where there is no pixel."""

    count: Tensor
    """Pixels of each boundary, int64, (B,); more than L where the list was too short."""

    def select(self, which: Tensor) -> _PointLists:
        return _PointLists(self.yx[which], self.norm_sq[which], self.count[which])


def upload_references(
    references: Sequence[PreparedReference], device: torch.device | str
) -> DeviceReferences:
    """Return references of one size on `device`, with boundaries and bands.

    Raises:
        InputError: If there are none, their sizes differ, or a side is 2,896 px or more.
    """
    if not references:
        raise InputError("references", "number", "there are none", got=0, want="at least 1")
    shape = references[0].mask.shape
    for reference in references:
        check_size(reference.mask.shape, shape)
    if max(shape) >= SIDE_LIMIT_PX:
        raise InputError(
            "references", "size", "is too large", got=shape, want=f"below {SIDE_LIMIT_PX} px"
        )
    masks = torch.from_numpy(np.stack([reference.mask for reference in references])).to(device)
    longest = max(len(reference.boundary_yx) for reference in references)
    points = _list_points(masks, min(longest, CAPACITY_LIMIT))
    return DeviceReferences(tuple(references), masks, _find_bands(masks), points)


def score_batch(
    predictions: Tensor,
    references: DeviceReferences,
    which: Sequence[int],
    *,
    capacity: int | None = None,
) -> list[Scores]:
    """Return every score of each prediction against its reference.

    Args:
        predictions: bool, axes (B, Y, X), on the device of the references.
        references: From `upload_references`.
        which: For each prediction the index of its reference.
        capacity: Longest boundary of a prediction that the device handles; by default twice the
            longest of the references.

    Raises:
        InputError: If predictions and references differ in size.
    """
    check_size(tuple(predictions.shape[1:]), tuple(references.masks.shape[1:]))
    if not len(predictions):
        return []
    listed = references.points.yx.shape[1]
    length = capacity or min(max(256, 2 * listed), CAPACITY_LIMIT)
    index = torch.as_tensor(which, device=predictions.device)
    rows = measure_batch(predictions, references, index, length).tolist()
    scores = []
    for prediction, place, row in zip(predictions, which, rows, strict=True):
        reference = references.prepared[place]
        if not row[0] + row[1]:
            scores.append(penalise(reference))
        elif row[3] > length or row[9] > listed:
            scores.append(score(prediction.cpu().numpy(), reference))
        else:
            scores.append(to_scores(_to_integers(row)))
    return scores


def measure_batch(
    predictions: Tensor, references: DeviceReferences, which: Tensor, capacity: int
) -> Tensor:
    """Return what is counted of each pair, int64, (B, 17), without waiting for the device.

    Columns: tp, fp, fn; then for the prediction's and for the reference's boundary each: points,
    largest squared distance, both order statistics at the 95th percentile, points within the
    tolerance, summed distance; then shared and joined band pixels. Distances are meaningless
    where a prediction is empty or a boundary does not fit its list.
    """
    masks, bands = references.masks[which], _find_bands(predictions)
    reference_bands = references.bands[which]
    tp = _count(predictions & masks)
    columns = [tp, _count(predictions) - tp, _count(masks) - tp]
    points = _list_points(predictions, capacity)
    there, back = _measure_distances(points, references.points.select(which))
    columns += _summarise(there, points.count) + _summarise(back, references.points.count[which])
    columns += [_count(bands & reference_bands), _count(bands | reference_bands)]
    return torch.stack(columns, dim=1)


def _to_integers(row: list[int]) -> PairIntegers:
    return PairIntegers(Counts(*row[:3]), Directed(*row[3:9]), Directed(*row[9:15]), *row[15:])


def _count(masks: Tensor) -> Tensor:
    return masks.flatten(1).sum(dim=1)


def _erode(masks: Tensor, *, square: bool) -> Tensor:
    """Return one pass by the 3×3 square or the cross; beyond the image is outside."""
    padded = torch.nn.functional.pad(masks, (1, 1, 1, 1))
    across = padded[..., :-2] & padded[..., 1:-1] & padded[..., 2:]
    if square:
        return across[:, :-2] & across[:, 1:-1] & across[:, 2:]
    return across[:, 1:-1] & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]


def _find_bands(masks: Tensor) -> Tensor:
    core = masks
    for _ in range(BAND_PASSES):
        core = _erode(core, square=True)
    return masks & ~core


def _list_points(masks: Tensor, length: int) -> _PointLists:
    """Return the boundaries of `masks`, cut at `length` pixels, without asking how many."""
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
    return _PointLists(yx, norm_sq, count)


def _measure_distances(one: _PointLists, other: _PointLists) -> tuple[Tensor, Tensor]:
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


def _iterate_blocks(one: _PointLists, other: _PointLists) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of pairs and of points of `one` whose distances fit `_MATRIX_BYTES`."""
    batch, length = one.norm_sq.shape
    rows = max(1, _MATRIX_BYTES // (8 * other.norm_sq.shape[1]))
    pair_step, point_step = max(1, rows // length), min(rows, length)
    for pair in range(0, batch, pair_step):
        for point in range(0, length, point_step):
            yield slice(pair, pair + pair_step), slice(point, point + point_step)


def _summarise(squared: Tensor, count: Tensor) -> list[Tensor]:
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
