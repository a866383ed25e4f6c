"""The baseline that uses the prompt alone and never the image: a useful model scores higher."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.classical.base import ClassicalSegmenter, first_positive
from cosmos_board.models.segmenter import Embedding


class BoxPrior(ClassicalSegmenter):
    """Draws the ellipse of the box, or a disc around point 1 where there is no box."""

    name = "box-prior"

    def embed(self, pixels: Pixels) -> Embedding:
        """Return the size of the image, which is all that is used of it."""
        return Embedding(int(pixels.shape[0]), int(pixels.shape[1]), None)

    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Return what the prompt alone says about the object."""
        return draw_prior(embedding.height, embedding.width, prompt)


def draw_prior(height: int, width: int, prompt: Prompt) -> Mask:
    """Return what the prompt alone says about the object, bool, axes (Y, X).

    Example:
        >>> from cosmos_board.core.prompts import make_prompt
        >>> draw_prior(3, 5, make_prompt(box_xyxy=(1, 0, 3, 2))).astype(int).tolist()
        [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0]]
    """
    if prompt.box_xyxy is not None:
        return draw_ellipse(height, width, prompt.box_xyxy)
    return draw_start_disc(height, width, first_positive(prompt))


def draw_ellipse(height: int, width: int, box_xyxy: tuple[int, int, int, int]) -> Mask:
    """Return ((x − cx) / (w/2))² + ((y − cy) / (h/2))² ≤ 1, where w and h count both edges."""
    left, top, right, bottom = box_xyxy
    box_width, box_height = right - left + 1, bottom - top + 1
    y, x = np.ogrid[:height, :width]
    # All terms times w²h², so that a pixel on the edge does not depend on rounding.
    across = ((2 * x - left - right) * box_height) ** 2
    down = ((2 * y - top - bottom) * box_width) ** 2
    inside: Mask = across + down <= (box_width * box_height) ** 2
    return inside


def draw_start_disc(height: int, width: int, centre_xy: tuple[int, int]) -> Mask:
    """Return the disc whose radius is an eighth of the image's short side."""
    x0, y0 = centre_xy
    y, x = np.ogrid[:height, :width]
    inside: Mask = 64 * ((x - x0) ** 2 + (y - y0) ** 2) <= min(height, width) ** 2
    return inside
