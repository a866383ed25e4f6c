"""How similar the masks of two submissions are."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Rle
from cosmos_board.metrics.overlap import tabulate_rles

TOLERANCES_PX = (0, 1, 2)
"""How far a pixel of one mask may lie from the other to be found there, in any of 8 directions."""

WITHIN = 0.99
"""Share of the pixels of both masks that must be found in the other for the two to be alike."""

FEW_PX = 2
"""Or all but so many: a small mask changes much by a few pixels."""

SMALLEST_PX = 50
"""Smaller masks are alike by chance; no reference is smaller."""

MOST_RUNS = 8192
MOST_PIXELS = 1 << 24
"""Masks with more runs are mostly noise; they, and those of larger images, are not compared."""

KEPT_BYTES = 2 << 20
"""Of a submission's masks, as run lengths. Of a larger one some predictions are kept, by hash."""

_SECRET = os.urandom(16)
"""So that nobody can know beforehand which keys of a large submission are kept."""

_Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class KeptMask:
    """One mask, whose run lengths were checked."""

    rle: Rle
    order: tuple[float, int]
    """The candidate with the highest is the one that the model itself would choose."""


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
    """The masks of a submission that are kept to be compared.

    Those that say nothing of who drew them are left out: small ones and whole images.
    """

    groups: dict[bytes, tuple[str, list[KeptMask]]] = field(default_factory=dict)
    """Prompt and candidates, by hash of reference, prompt and size."""

    unlisted: int = 0
    """Masks that are not compared, for their runs or pixels."""

    last: bytes = b"\xff" * 8
    """Nothing with a higher hash is kept."""

    _bytes: int = 0

    def add(self, row: Mapping[str, Any], runs: NDArray[np.int64]) -> None:
        """Take in the mask of a row of predictions, as runs down the columns, background first."""
        size = (row["height"], row["width"])
        if len(runs) // 2 > MOST_RUNS or size[0] * size[1] > MOST_PIXELS:
            self.unlisted += 1
            return
        name = f"{row['reference_id']}\x1f{row['prompt']}\x1f{size}"
        key = hashlib.blake2b(name.encode(), digest_size=8, key=_SECRET).digest()
        area = int(runs[1::2].sum())
        if key <= self.last and SMALLEST_PX <= area < size[0] * size[1]:
            order = (row["predicted_iou"] or 0.0, -row["candidate"])
            mask = KeptMask(Rle(*size, row["rle"]), order)
            self.groups.setdefault(key, (row["prompt"], []))[1].append(mask)
            self._bytes += len(row["rle"])
            if self._bytes > 2 * KEPT_BYTES:
                self._drop_some()

    def _drop_some(self) -> None:
        """Forget the groups with the highest hashes."""
        for key in sorted(self.groups, reverse=True):
            self.last = key
            if self._bytes <= KEPT_BYTES:
                break
            _, dropped = self.groups.pop(key)
            self._bytes -= sum(len(mask.rle.counts) for mask in dropped)

    def compare(self, other: KeptMasks) -> dict[str, Likeness]:
        """Return how alike the predictions for each prompt are, and all of them under "all"."""
        last = min(self.last, other.last)
        found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
        for key, (prompt, masks) in self.groups.items():
            if key <= last:
                _, theirs = other.groups.get(key, ("", []))
                figures = _compare(masks, theirs)
                for name in ("all", prompt):
                    found[name].append(figures)
        means = {name: np.mean(rows, axis=0).tolist() for name, rows in sorted(found.items())}
        return {
            name: Likeness(len(found[name]), iou, dict(zip(TOLERANCES_PX, alike, strict=True)))
            for name, (iou, *alike) in means.items()
        }


def _compare(mine: Sequence[KeptMask], theirs: Sequence[KeptMask]) -> tuple[float, ...]:
    """Return the IoU of two answers to one prompt, and for each tolerance 1 if they are alike.

    IoU and tolerance 0 take the two candidates that have most in common: what is put beside a
    copy does not hide it. Other tolerances take those that the models choose: of nine pairs of
    two good models one is close by chance.
    """
    if not theirs:
        return 0.0, *(0.0 for _ in TOLERANCES_PX)
    table = tabulate_rles([mask.rle for mask in mine], [mask.rle for mask in theirs])
    areas = table.candidate_px[:, None], table.reference_px[None]
    iou = table.shared_px / (areas[0] + areas[1] - table.shared_px)
    few = [_are_few(area - table.shared_px, area) for area in areas]
    if (few[0] & few[1]).any():
        return float(iou.max()), *(1.0 for _ in TOLERANCES_PX)
    first, second = (max(masks, key=lambda mask: mask.order).rle for masks in (mine, theirs))
    chosen = _decode(first, second)
    return (
        float(iou.max()),
        0.0,
        *(_lie_within(*chosen, tolerance) for tolerance in TOLERANCES_PX[1:]),
    )


def _are_few(outside: Any, area: Any) -> Any:  # noqa: ANN401 - numbers and arrays alike
    """Return whether so few pixels of an area lie outside another mask that the two are alike."""
    return outside <= np.maximum((1 - WITHIN) * area, FEW_PX)


def _decode(first: Rle, second: Rle) -> tuple[_Pixels, _Pixels]:
    """Return two masks as pixels (0 or 1), cut to the part of the image that they fill."""
    pixels = [mask.decode().T.view(np.uint8) for mask in (first, second)]  # as they lie in memory
    x, y, width, height = cv2.boundingRect(np.maximum(*pixels))
    edge = TOLERANCES_PX[-1]
    part = np.s_[max(y - edge, 0) : y + height + edge, max(x - edge, 0) : x + width + edge]
    return pixels[0][part], pixels[1][part]


def _lie_within(first: _Pixels, second: _Pixels, tolerance: int) -> bool:
    """Return whether each of two masks lies within a tolerance of the other, in pixels."""
    reach = np.ones((2 * tolerance + 1, 2 * tolerance + 1), np.uint8)
    return all(
        _are_few(np.count_nonzero(mask > cv2.dilate(other, reach)), np.count_nonzero(mask))
        for mask, other in ((first, second), (second, first))
    )
