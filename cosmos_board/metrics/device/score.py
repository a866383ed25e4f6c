"""The same integers on a torch device, for many predictions at once.

Boundary pixels are packed into lists of one fixed length, squared distances come from one matrix
product per pair, and everything is reduced on the device: nothing waits for the host until the
finished integers are copied over. A pair with a boundary that does not fit its list is scored on
the CPU, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cosmos_board.core.errors import InputError
from cosmos_board.core.scores import Counts, Scores
from cosmos_board.metrics.device.distances import SIDE_LIMIT_PX, measure_distances, summarise
from cosmos_board.metrics.device.outlines import PointLists, find_bands, list_points
from cosmos_board.metrics.integers import Directed, PairIntegers, penalise, to_scores
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.surface import score

CAPACITY_LIMIT = 8192
"""Boundary pixels beyond which run lengths on the CPU are the better way."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceReferences:
    """References of one image, or of images of one size, on a device."""

    prepared: tuple[PreparedReference, ...]
    masks: Tensor
    """bool, (R, Y, X)."""

    bands: Tensor
    """Inner bands, bool, (R, Y, X)."""

    points: PointLists


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
    points = list_points(masks, min(longest, CAPACITY_LIMIT))
    return DeviceReferences(tuple(references), masks, find_bands(masks), points)


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
    masks, bands = references.masks[which], find_bands(predictions)
    reference_bands = references.bands[which]
    tp = _count(predictions & masks)
    columns = [tp, _count(predictions) - tp, _count(masks) - tp]
    points = list_points(predictions, capacity)
    there, back = measure_distances(points, references.points.select(which))
    columns += summarise(there, points.count) + summarise(back, references.points.count[which])
    columns += [_count(bands & reference_bands), _count(bands | reference_bands)]
    return torch.stack(columns, dim=1)


def _to_integers(row: list[int]) -> PairIntegers:
    return PairIntegers(Counts(*row[:3]), Directed(*row[3:9]), Directed(*row[9:15]), *row[15:])


def _count(masks: Tensor) -> Tensor:
    return masks.flatten(1).sum(dim=1)
