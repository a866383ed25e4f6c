"""Which candidates both selections take, and their scores, where the candidates lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cosmos_board.core.scores import Scores
from cosmos_board.metrics.device.pairs import measure_batch, read_scores
from cosmos_board.metrics.device.references import CAPACITY_LIMIT, DeviceReferences
from cosmos_board.metrics.overlap import check_size

_LEAST_CAPACITY = 256
_PIXELS_AT_ONCE = 1 << 25
"""Finding boundaries takes some twenty bytes a pixel: 0.7 GB at a time, whatever the batch."""


@dataclass(frozen=True, slots=True)
class DeviceSelection:
    """What is chosen of the candidates for one prompt."""

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
        candidates: Of each prompt, bool, axes (K, Y, X), on the device of the references; K is
            the same for all.
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
        index, rated = (torch.as_tensor(one, device=masks.device) for one in (which, predicted))
        oracle = _find_best(masks, references.masks[index])
        prompt = torch.arange(len(masks), device=masks.device)
        chosen = torch.cat([masks[prompt, oracle], masks[prompt, rated]])
        rows = _measure_in_parts(chosen, references, index.repeat(2), longest)
        table = torch.cat([rows, oracle.repeat(2)[:, None]], dim=1).tolist()
        scores = read_scores(table, chosen, references, [*which, *which], longest)
    pairs = zip(table, scores, scores[len(masks) :], strict=False)
    return [DeviceSelection(row[-1], *both) for row, *both in pairs]


def _find_best(masks: Tensor, references: Tensor) -> Tensor:
    """Return for each prompt the candidate of the best Dice, int64, (P,)."""
    shared = (masks & references[:, None]).flatten(2).sum(dim=2)
    summed = masks.flatten(2).sum(dim=2) + references.flatten(1).sum(dim=1)[:, None]
    # In float64, where a quotient of whole numbers is rounded as `Counts.dice` rounds it.
    return (2 * shared.double() / summed.double()).argmax(dim=1)


def _measure_in_parts(
    predictions: Tensor, references: DeviceReferences, which: Tensor, capacity: int
) -> Tensor:
    size = max(1, _PIXELS_AT_ONCE // predictions[0].numel())
    parts = zip(torch.split(predictions, size), torch.split(which, size), strict=True)
    return torch.cat([measure_batch(part, references, index, capacity) for part, index in parts])
