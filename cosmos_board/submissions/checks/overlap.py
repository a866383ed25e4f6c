"""How much two submissions' masks have in common, computed on their runs: no pixel is drawn.

The masks that are compared lie one behind the other on one line of pixels, so that a few calls of
numpy measure hundreds of them at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCES_PX = (0, 1, 2)
"""How far a pixel of one mask may lie from the other to be found there."""

WITHIN = 0.99
"""Share of the pixels of both masks that must be found in the other for the two to be alike."""

FEW_PX = 2
"""Or all but so many: a small mask changes much by a few pixels."""

SMALLEST_PX = 50
"""Smaller masks are alike by chance; no reference is smaller."""

MOST_EDGES = 16_384
"""Masks with more ends of runs are mostly noise, and are not compared."""

KEPT_BYTES = 4 << 20
"""Of a submission's runs. Of a larger one some predictions are kept, by hash."""

_STRIDE = 1 << 27
"""Pixels of the line from one mask to the next: more than the largest image and a margin."""

_SECRET = os.urandom(16)
"""So that nobody can know beforehand which keys of a large submission are kept."""

_Positions = NDArray[np.int64]
_Spans = tuple[_Positions, _Positions]
"""First pixels of runs of a mask, and the pixels after their last ones, in the order of a line."""


@dataclass(frozen=True, slots=True)
class MaskEdges:
    """One mask."""

    size: tuple[int, int]
    """Height and width of its image."""

    edges: NDArray[np.uint32]
    """First pixel of each run of the mask and first pixel after it, down the columns; sorted."""

    order: tuple[float, int] = (0.0, 0)
    """The candidate with the highest is the one that the model itself would choose."""

    area: int = field(init=False)
    """Pixels of the mask."""

    def __post_init__(self) -> None:
        first, after = (self.edges[n::2].sum(dtype=np.int64) for n in (0, 1))
        object.__setattr__(self, "area", int(after - first))

    @property
    def tells(self) -> bool:
        """Whether it is large enough to say something of who drew it, and not the whole image."""
        return SMALLEST_PX <= self.area < self.size[0] * self.size[1]


_Groups = Mapping[bytes, Sequence[MaskEdges]]
"""Candidates by the hash of their reference and prompt."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the predictions of two submissions are."""

    compared: int
    """References and prompts of the first that were compared."""

    mean_iou: float
    alike: Mapping[int, float]
    """Share of them that are alike, by tolerance in pixels."""


@dataclass(slots=True)
class KeptMasks:
    """The masks of a submission that are kept to be compared, by hash of reference and prompt."""

    groups: dict[bytes, tuple[str, list[MaskEdges]]] = field(default_factory=dict)
    """Prompt and candidates."""

    unlisted: int = 0
    """Masks with more than `MOST_EDGES`."""

    last: bytes = b"\xff" * 8
    """Nothing with a higher hash is kept."""

    _bytes: int = 0

    def add(self, row: Mapping[str, Any], runs: NDArray[np.int64]) -> None:
        """Take in the mask of a row of predictions, as runs down the columns, background first."""
        name, prompt, height = row["reference_id"], row["prompt"], row["height"]
        key = hashlib.blake2b(f"{name}\x1f{prompt}".encode(), digest_size=8, key=_SECRET).digest()
        edges = np.cumsum(runs)[: len(runs) // 2 * 2].astype(np.uint32)
        if len(edges) > MOST_EDGES:
            self.unlisted += 1
            return
        if key <= self.last:
            order = (row["predicted_iou"] or 0.0, -row["candidate"])
            mask = MaskEdges((height, int(runs.sum()) // height), edges, order)
            self.groups.setdefault(key, (prompt, []))[1].append(mask)
            self._bytes += edges.nbytes
            if self._bytes > 2 * KEPT_BYTES:
                self._drop_some()

    def _drop_some(self) -> None:
        """Forget the groups with the highest hashes."""
        for key in sorted(self.groups, reverse=True):
            self.last = key
            if self._bytes <= KEPT_BYTES:
                break
            _, dropped = self.groups.pop(key)
            self._bytes -= sum(mask.edges.nbytes for mask in dropped)

    def compare(self, other: KeptMasks) -> dict[str, Likeness]:
        """Return how alike the predictions for each prompt are, and all of them under "all".

        IoU and tolerance 0 take the two candidates that have most in common: what is put beside a
        copy does not hide it. Other tolerances take those that the models choose: of nine pairs of
        two good models one is close by chance. What has no mask that tells does not count.
        """
        last = min(self.last, other.last)
        telling = {
            key: [mask for mask in masks if mask.tells]
            for key, (_, masks) in self.groups.items() if key <= last
        }  # fmt: skip
        mine = {key: masks for key, masks in telling.items() if masks}
        keys = list(mine)
        theirs = {key: [mask for mask in other.groups[key][1] if mask.tells]
                  for key in keys if key in other.groups}  # fmt: skip
        best, equal = np.zeros(len(keys)), np.zeros(len(keys), np.bool_)
        for rows, first, second in _pair(keys, mine, theirs):
            iou, same = _measure(first, second, 0)
            best[rows] = np.maximum(best[rows], iou)
            equal[rows] |= same
        alike = {tolerance: equal.copy() for tolerance in TOLERANCES_PX}
        for rows, first, second in _pair(keys, _choose(mine), _choose(theirs)):
            for tolerance in TOLERANCES_PX[1:]:
                alike[tolerance][rows] |= _measure(first, second, tolerance)[1]
        prompts = np.array([self.groups[key][0] for key in keys], object)
        chosen = {"all": np.ones(len(keys), np.bool_)}
        chosen |= {name: prompts == name for name in sorted(set(prompts))}
        return {
            name: Likeness(
                int(rows.sum()),
                float(best[rows].mean()),
                {tolerance: float(values[rows].mean()) for tolerance, values in alike.items()},
            )
            for name, rows in chosen.items()
            if rows.any()
        }


def _choose(groups: _Groups) -> _Groups:
    """Return the candidate of each group that the model itself would choose."""
    return {key: sorted(masks, key=lambda mask: mask.order)[-1:] for key, masks in groups.items()}


def _pair(
    keys: Sequence[bytes], mine: _Groups, theirs: _Groups
) -> Iterator[tuple[list[int], list[MaskEdges], list[MaskEdges]]]:
    """Yield the rows that have an n-th mask here and an m-th one there, with these, by n and m."""
    most = max((len(masks) for masks in (*mine.values(), *theirs.values())), default=0)
    for n, m in product(range(most), repeat=2):
        rows = [
            row for row, key in enumerate(keys)
            if len(mine[key]) > n and len(theirs.get(key, ())) > m
            and mine[key][n].size == theirs[key][m].size
        ]  # fmt: skip
        if rows:
            yield rows, [mine[keys[row]][n] for row in rows], [theirs[keys[row]][m] for row in rows]


def _measure(
    first: Sequence[MaskEdges], second: Sequence[MaskEdges], tolerance: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return IoU at tolerance 0, and whether each of two masks lies within it of the other."""
    alike, areas = np.ones(len(first), np.bool_), np.zeros(len(first))
    for masks, others in ((first, second), (second, first)):
        inside = _intersect(_lay_out(masks), _grow(others, tolerance), len(masks))
        area = np.array([mask.area for mask in masks], np.float64)
        alike &= area - inside <= np.maximum((1 - WITHIN) * area, FEW_PX)
        areas += area
    return inside / (areas - inside), alike


def _lay_out(masks: Sequence[MaskEdges]) -> _Spans:
    """Return the runs of masks on one line of pixels."""
    edges = np.concatenate([mask.edges for mask in masks]).astype(np.int64)
    edges += np.repeat(np.arange(len(masks)) * _STRIDE, [len(mask.edges) for mask in masks])
    return edges[::2], edges[1::2]


def _grow(masks: Sequence[MaskEdges], tolerance: int) -> _Spans:
    """Return masks with every pixel within the tolerance of them, in any of 8 directions.

    What grows over the upper or lower edge of an image comes back in the next column.
    """
    first, after = _lay_out(masks)
    heights = np.repeat([mask.size[0] for mask in masks], [len(mask.edges) // 2 for mask in masks])
    moves = [column * heights for column in range(-tolerance, tolerance + 1)]
    starts = np.concatenate([first - tolerance + move for move in moves])
    ends = np.concatenate([after + tolerance + move for move in moves])
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    gaps = starts[1:] > ends[:-1]
    return starts[np.append(True, gaps)], ends[np.append(gaps, True)]


def _intersect(masks: _Spans, others: _Spans, count: int) -> NDArray[np.float64]:
    """Return the pixels of each of `count` masks that `others` have too."""
    starts, ends = others
    before = np.concatenate([[0], np.cumsum(ends - starts)])

    def reach(places: _Positions) -> _Positions:
        """Return how many pixels of the others lie before each place."""
        run = np.searchsorted(starts, places, "right") - 1
        inside = np.minimum(places, ends[run]) - starts[run]
        return np.where(run < 0, 0, before[np.maximum(run, 0)] + inside)

    shared = reach(masks[1]) - reach(masks[0])
    return np.bincount(masks[0] // _STRIDE, shared, minlength=count).astype(np.float64)
