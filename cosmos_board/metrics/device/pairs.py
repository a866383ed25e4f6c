"""The same integers on a torch device, for many predictions at once.

Boundary pixels are packed into lists of one fixed length, squared distances come from one matrix
product per pair, and everything is reduced on the device: nothing waits for the host until the
finished integers are copied over. A pair with a boundary that does not fit its list is scored on
the CPU, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cosmos_board.core.scores import Counts, Scores
from cosmos_board.metrics.device.distances import measure_distances, summarise
from cosmos_board.metrics.device.outlines import find_bands, list_points
from cosmos_board.metrics.device.references import DeviceReferences
from cosmos_board.metrics.integers import Directed, PairIntegers, penalise, to_scores
from cosmos_board.metrics.surface import score


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


def read_scores(
    rows: Sequence[Sequence[int]],
    predictions: Tensor,
    references: DeviceReferences,
    which: Sequence[int],
    capacity: int,
) -> list[Scores]:
    """Return the scores of each row of `measure_batch`, whose arguments are given once more.

    Only a prediction with a boundary that does not fit is looked at again, on the CPU.
    """
    listed = references.points.yx.shape[1]
    scores = []
    for prediction, place, row in zip(predictions, which, rows, strict=True):
        reference = references.prepared[place]
        if not row[0] + row[1]:
            scores.append(penalise(reference))
        elif row[3] > capacity or row[9] > listed:
            scores.append(score(prediction.cpu().numpy(), reference))
        else:
            scores.append(to_scores(_to_integers(row)))
    return scores


def _to_integers(row: Sequence[int]) -> PairIntegers:
    return PairIntegers(Counts(*row[:3]), Directed(*row[3:9]), Directed(*row[9:15]), *row[15:17])


def _count(masks: Tensor) -> Tensor:
    return masks.flatten(1).sum(dim=1)
