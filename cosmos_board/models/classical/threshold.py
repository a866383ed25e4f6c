"""The baseline that thresholds grey: what an interactive threshold tool does within the prompt."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.classical.base import ClassicalSegmenter, first_positive
from cosmos_board.models.classical.box_prior import draw_start_disc
from cosmos_board.models.segmenter import Embedding


class Threshold(ClassicalSegmenter):
    """Splits the grey within the prompt in two by Otsu's threshold and keeps one piece."""

    name = "threshold"

    def embed(self, pixels: Pixels) -> Embedding:
        """Return the image in grey."""
        grey = to_grey(pixels)
        return Embedding(grey.shape[0], grey.shape[1], grey)

    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Return the piece that the prompt points at."""
        assert isinstance(embedding.payload, np.ndarray), "the embedding is another segmenter's"
        return cut_by_threshold(embedding.payload, prompt)


def to_grey(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the BT.601 luma of grey or RGB pixels, rounded half up, uint8, axes (Y, X)."""
    if pixels.ndim == 2:
        return pixels
    luma = pixels.astype(np.int64) @ np.array([299, 587, 114])
    grey: NDArray[np.uint8] = ((luma + 500) // 1000).astype(np.uint8)
    return grey


def cut_by_threshold(grey: NDArray[np.uint8], prompt: Prompt) -> Mask:
    """Return the thresholded piece that the prompt points at, bool, axes (Y, X).

    Otsu (1979) splits the grey of a region in two classes: of the box grown by 10 % or, without a
    box, of the disc of `box-prior`. Foreground is the class whose mean is nearer to the mean at
    the positive points, without points to that of the 3×3 pixels at the centre of the box; the
    brighter class of two that are equally near. Kept is its largest 8-connected piece that holds a
    positive point or the centre of the box, clipped to the box; nothing where none holds one.

    Args:
        grey: uint8, axes (Y, X).
        prompt: With a point or a box.
    """
    region = _mark_region(grey.shape[0], grey.shape[1], prompt)
    seeds = _list_seeds(prompt)
    piece = _keep_piece(_choose_class(grey, region, prompt), seeds)
    if prompt.box_xyxy is not None:
        left, top, right, bottom = prompt.box_xyxy
        inside = np.zeros_like(piece)
        inside[top : bottom + 1, left : right + 1] = True
        piece &= inside
    return piece


def _mark_region(height: int, width: int, prompt: Prompt) -> Mask:
    if prompt.box_xyxy is None:
        return draw_start_disc(height, width, first_positive(prompt))
    left, top, right, bottom = prompt.box_xyxy
    across, down = _find_reach(right - left + 1), _find_reach(bottom - top + 1)
    region = np.zeros((height, width), bool)
    region[max(0, top - down) : bottom + down + 1, max(0, left - across) : right + across + 1] = (
        True
    )
    return region


def _find_reach(side_px: int) -> int:
    """Return 10 % of a side, rounded half up, at least 1 px, as around a reference."""
    return max(1, (side_px + 5) // 10)


def _list_seeds(prompt: Prompt) -> list[tuple[int, int]]:
    """Return the positive points and the centre of the box, rounded half up, as (x, y)."""
    seeds = [(int(x), int(y)) for x, y in prompt.points_xy[prompt.labels == 1]]
    if prompt.box_xyxy is not None:
        seeds.append(_find_centre(prompt.box_xyxy))
    return seeds


def _find_centre(box_xyxy: tuple[int, int, int, int]) -> tuple[int, int]:
    left, top, right, bottom = box_xyxy
    return (left + right + 1) // 2, (top + bottom + 1) // 2


def _choose_class(grey: NDArray[np.uint8], region: Mask, prompt: Prompt) -> Mask:
    values = grey[region]
    threshold, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = region & (grey > threshold)
    dark = region & ~bright
    if not bright.any() or not dark.any():
        return region
    # Fractions, so that which of two means is nearer does not depend on rounding.
    wanted = _mean(_look_at(grey, prompt))
    away = [abs(_mean(grey[part]) - wanted) for part in (bright, dark)]
    return bright if away[0] <= away[1] else dark


def _look_at(grey: NDArray[np.uint8], prompt: Prompt) -> NDArray[np.uint8]:
    """Return the grey that shows what is meant: at the positive points, or the box's centre."""
    x, y = prompt.points_xy[prompt.labels == 1].T
    if len(x):
        values: NDArray[np.uint8] = grey[y, x]
        return values
    if prompt.box_xyxy is None:  # negative points alone: the first of them, as for the disc
        x0, y0 = first_positive(prompt)
        return grey[y0 : y0 + 1, x0 : x0 + 1]
    x0, y0 = _find_centre(prompt.box_xyxy)
    return grey[max(0, y0 - 1) : y0 + 2, max(0, x0 - 1) : x0 + 2]


def _mean(values: NDArray[np.uint8]) -> Fraction:
    return Fraction(int(values.sum(dtype=np.int64)), values.size)


def _keep_piece(foreground: Mask, seeds: list[tuple[int, int]]) -> Mask:
    """Return the largest 8-connected piece that holds a seed; nothing where none does."""
    _, labels = cv2.connectedComponents(foreground.view(np.uint8), connectivity=8)
    held = sorted({int(labels[y, x]) for x, y in seeds} - {0})
    if not held:
        return np.zeros_like(foreground)
    sizes = np.bincount(labels.ravel())
    piece: Mask = labels == max(held, key=lambda label: sizes[label])
    return piece
