"""Overlap: how many pixels two masks share. Dice and IoU follow from these counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from pycocotools import mask as coco

from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Rle
from cosmos_board.core.scores import Counts
from cosmos_board.metrics.reference import PreparedReference


def count_overlap(prediction: Mask, reference: Mask) -> Counts:
    """Return the pixels that two masks (bool, axes (Y, X)) share and do not share.

    Raises:
        InputError: If the masks differ in size.

    Example:
        >>> ones = np.ones((2, 3), dtype=np.bool_)
        >>> count_overlap(ones, ones)
        Counts(tp=6, fp=0, fn=0)
    """
    check_size(prediction.shape, reference.shape)
    tp = int(np.count_nonzero(prediction & reference))
    fp = int(np.count_nonzero(prediction)) - tp
    return Counts(tp, fp, int(np.count_nonzero(reference)) - tp)


def count_candidate(prediction: Mask, reference: PreparedReference) -> Counts:
    """Return what `count_overlap` does; looks for shared pixels in the reference's box only."""
    check_size(prediction.shape, reference.mask.shape)
    inside = prediction.view(np.uint8)[reference.extent]
    tp = cv2.countNonZero(cv2.bitwise_and(inside, reference.mask.view(np.uint8)[reference.extent]))
    predicted = int(np.count_nonzero(prediction))
    return Counts(tp, predicted - tp, reference.area_px - tp)


def count_candidates(masks: Bools, reference: PreparedReference) -> list[Counts]:
    """Return the overlap of each of several masks (bool, axes (K, Y, X)) with one reference."""
    return [count_candidate(mask, reference) for mask in masks]


@dataclass(frozen=True, slots=True, eq=False)
class OverlapTable:
    """Overlaps of N candidates with M references."""

    shared_px: Ints
    """Shared pixels, shape (N, M)."""

    candidate_px: Ints
    """Areas of the candidates, shape (N,)."""

    reference_px: Ints
    """Areas of the references, shape (M,)."""

    def counts(self, candidate: int, reference: int) -> Counts:
        """Return the overlap of one pair."""
        tp = int(self.shared_px[candidate, reference])
        return Counts(
            tp, int(self.candidate_px[candidate]) - tp, int(self.reference_px[reference]) - tp
        )

    @property
    def dice(self) -> Floats:
        """Dice of every pair, shape (N, M)."""
        summed = self.candidate_px[:, None] + self.reference_px[None, :]
        return 2 * self.shared_px / summed

    def find_best(self) -> Ints:
        """Return for each reference the candidate of best Dice (the lower index on a tie).

        Raises:
            InputError: If there are no candidates.
        """
        if not len(self.candidate_px):
            raise InputError("overlap", "candidates", "there are none", got=0, want="at least 1")
        best: Ints = np.argmax(self.dice, axis=0)
        return best


def tabulate_rles(candidates: Sequence[Rle], references: Sequence[Rle]) -> OverlapTable:
    """Return the overlaps of all pairs, computed from their run lengths without decoding.

    Raises:
        InputError: If the masks differ in size.
    """
    sizes = [(rle.height, rle.width) for rle in (*references, *candidates)]
    for size in sizes:
        check_size(size, sizes[0])
    candidate_runs = [rle.as_coco() for rle in candidates]
    reference_runs = [rle.as_coco() for rle in references]
    candidate_px = np.array([rle.area_px for rle in candidates], np.int64)
    reference_px = np.array([rle.area_px for rle in references], np.int64)
    shared = np.zeros((len(candidates), len(references)), np.int64)
    if shared.size:
        # A "crowd" reference makes the quotient shared / candidate area; times the area and
        # rounded it is the whole number that the quotient was made of (areas are below 2^52).
        share = np.asarray(coco.iou(candidate_runs, reference_runs, [1] * len(references)))
        shared = np.rint(share * candidate_px[:, None]).astype(np.int64)
    return OverlapTable(shared, candidate_px, reference_px)


def check_size(prediction: tuple[int, ...], reference: tuple[int, ...]) -> None:
    """Refuse two masks of different size.

    Raises:
        InputError: If the shapes differ.
    """
    if prediction != reference:
        raise InputError(
            "prediction", "size", "differs from the reference", got=prediction, want=reference
        )
