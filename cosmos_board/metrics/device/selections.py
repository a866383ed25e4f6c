"""The candidates that both selections take, and their scores, computed on the candidates' device.

Boundary pixels are packed into lists of one fixed length and everything is reduced on the device:
the host waits once, for the finished counts. A pair with a boundary that does not fit its list is
scored on the CPU, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.scores import Counts, Scores
from cosmos_board.metrics.definitions import DirectedDistances, PairCounts
from cosmos_board.metrics.device.boundaries import (
    find_bands,
    list_points,
    measure_distances,
    summarise,
)
from cosmos_board.metrics.device.references import CAPACITY_LIMIT, DeviceReferences
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.score import penalise, score, to_scores

_LEAST_CAPACITY = 256
_PIXELS_AT_ONCE = 1 << 25
"""Finding boundaries takes some twenty bytes a pixel: 0.7 GB at a time, whatever the batch."""


@dataclass(frozen=True, slots=True)
class DeviceSelection:
    """The candidates that both selections take for one prompt, and their scores."""

    oracle: int
    """Index of the best Dice against the reference; the lower on a tie."""

    oracle_scores: Scores
    predicted_scores: Scores
    """Of the candidate that the model rates best."""


def score_selections(
    candidates: Sequence[Tensor],
    predicted: Sequence[int],
    references: DeviceReferences,
    which: Sequence[int],
    *,
    capacity: int | None = None,
) -> list[DeviceSelection]:
    """Return what both selections take of each prompt's candidates; waits for the device once.

    Args:
        candidates: Of each prompt, bool, axes (K, Y, X), on the device; K is the same for all.
        predicted: For each prompt the index of the candidate that the model rates best.
        references: From `upload_references`.
        which: For each prompt the index of its reference.
        capacity: Longest boundary of a candidate that the device handles; by default twice the
            longest of the references.

    Raises:
        InputError: If candidates and references differ in size.
    """
    if not len(candidates):
        return []
    check_size(tuple(candidates[0].shape[1:]), tuple(references.masks.shape[1:]))
    listed = references.points.yx.shape[1]
    longest = capacity or min(max(_LEAST_CAPACITY, 2 * listed), CAPACITY_LIMIT)
    with torch.inference_mode():
        masks = torch.stack(list(candidates))
        index, rated = upload(np.array([which, predicted], np.int64), masks.device)
        oracle = _find_best(masks, references.masks[index])
        prompt = torch.arange(len(masks), device=masks.device)
        chosen = torch.cat([masks[prompt, oracle], masks[prompt, rated]])
        size = max(1, _PIXELS_AT_ONCE // chosen[0].numel())
        parts = zip(torch.split(chosen, size), torch.split(index.repeat(2), size), strict=True)
        rows = torch.cat([measure_batch(part, references, of, longest) for part, of in parts])
        table = torch.cat([rows, oracle.repeat(2)[:, None]], dim=1).tolist()
        scores = _read_scores(table, chosen, references, [*which, *which], longest)
    pairs = zip(table, scores, scores[len(masks) :], strict=False)
    return [DeviceSelection(row[-1], *both) for row, *both in pairs]


def measure_batch(
    predictions: Tensor, references: DeviceReferences, which: Tensor, capacity: int
) -> Tensor:
    """Return what is counted of each pair, int64, (B, 19), without waiting for the device.

    Columns: tp, fp, fn; then for the prediction's and for the reference's boundary each: points,
    largest squared distance, both order statistics at the 95th percentile, points within
    either tolerance, summed distance; then shared and joined band pixels. Distances are meaningless
    where a prediction is empty or a boundary does not fit its list.
    """
    masks, bands = references.masks[which], find_bands(predictions)
    reference_bands = references.bands[which]
    tp = _count(predictions & masks)
    columns = [tp, _count(predictions) - tp, _count(masks) - tp]
    points = list_points(predictions, capacity)
    there, back = measure_distances(points, references.points.select(which))
    relative_sq = references.relative_sq[which]
    columns += summarise(there, points.count, relative_sq)
    columns += summarise(back, references.points.count[which], relative_sq)
    columns += [_count(bands & reference_bands), _count(bands | reference_bands)]
    return torch.stack(columns, dim=1)


def _find_best(masks: Tensor, references: Tensor) -> Tensor:
    """Return for each prompt the candidate of the best Dice, int64, (P,)."""
    shared = (masks & references[:, None]).flatten(2).sum(dim=2)
    summed = masks.flatten(2).sum(dim=2) + references.flatten(1).sum(dim=1)[:, None]
    # In float64, where a quotient of whole numbers is rounded as `Counts.dice` rounds it.
    return (2 * shared.double() / summed.double()).argmax(dim=1)


def _read_scores(
    rows: Sequence[Sequence[int]],
    predictions: Tensor,
    references: DeviceReferences,
    which: Sequence[int],
    capacity: int,
) -> list[Scores]:
    """Return the scores of each row of `measure_batch`, which had the same other arguments.

    A prediction with a boundary that does not fit its list is scored on the CPU.
    """
    listed = references.points.yx.shape[1]
    scores = []
    for prediction, place, row in zip(predictions, which, rows, strict=True):
        reference = references.prepared[place]
        if not row[0] + row[1]:
            scores.append(penalise(reference))
        elif row[3] > capacity or row[10] > listed:
            scores.append(score(prediction.cpu().numpy(), reference))
        else:
            there, back = DirectedDistances(*row[3:10]), DirectedDistances(*row[10:17])
            scores.append(to_scores(PairCounts(Counts(*row[:3]), there, back, *row[17:19])))
    return scores


def _count(masks: Tensor) -> Tensor:
    return masks.flatten(1).sum(dim=1)
