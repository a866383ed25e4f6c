"""GrabCut (Rother, Kolmogorov, Blake 2004) as the protocol freezes it, through OpenCV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.classical.base import ClassicalSegmenter, first_positive
from cosmos_board.models.classical.box_prior import draw_start_disc
from cosmos_board.models.segmenter import Embedding

ITERATIONS = 5
_SEED = 0
_COLOUR_MODEL_COMPONENTS = 5


class GrabCut(ClassicalSegmenter):
    """Separates two colour mixtures by a minimal cut, five times."""

    name = "grabcut"

    def embed(self, pixels: Pixels) -> Embedding:
        """Return the image with three channels, which OpenCV insists on."""
        three = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        return Embedding(three.shape[0], three.shape[1], np.ascontiguousarray(three))

    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Return the foreground that the prompt points at."""
        assert isinstance(embedding.payload, np.ndarray), "the embedding is another segmenter's"
        with _one_thread():
            return cut(embedding.payload, prompt)


def cut(pixels: Pixels, prompt: Prompt) -> Mask:
    """Return the foreground of `pixels` (uint8, axes (Y, X, 3)), bool, axes (Y, X).

    Where one side has fewer pixels than a colour mixture has components, nothing can be
    learnt about it, and the starting guess is the answer.
    """
    start = mark_start(pixels.shape[0], pixels.shape[1], prompt)
    inside = _find_inside(start)
    foreground = int(inside.sum())
    if min(foreground, inside.size - foreground) < _COLOUR_MODEL_COMPONENTS:
        return inside
    cv2.setRNGSeed(_SEED)
    cv2.grabCut(pixels, start, None, None, None, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return _find_inside(start)


def mark_start(height: int, width: int, prompt: Prompt) -> NDArray[np.uint8]:
    """Return OpenCV's four-valued guess: what is certain or probable, inside or outside.

    A box is probable foreground and everything outside it certain background. Without one the
    disc around point 1 is probable foreground, the rest probable background. Points are certain.
    """
    if prompt.box_xyxy is not None:
        left, top, right, bottom = prompt.box_xyxy
        start = np.full((height, width), cv2.GC_BGD, np.uint8)
        start[top : bottom + 1, left : right + 1] = cv2.GC_PR_FGD
    else:
        disc = draw_start_disc(height, width, first_positive(prompt))
        start = np.where(disc, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    x, y = prompt.points_xy.T
    start[y, x] = np.where(prompt.labels == 1, cv2.GC_FGD, cv2.GC_BGD)
    return start


def _find_inside(guess: NDArray[np.uint8]) -> Mask:
    inside: Mask = (guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)
    return inside


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
