"""Between native pixels and the square that a SAM image encoder sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.masks import Pixels

if TYPE_CHECKING:  # what needs no tensors here serves models that come without torch
    from torch import Tensor

Fit: TypeAlias = Literal["pad", "squash"]
"""`pad`: the long side fills the square, zeros fill the rest; `squash`: both sides fill it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How an image of one size lies in the input square of a model."""

    height: int
    """Native, in pixels."""

    width: int
    input_size_px: int
    """Side of the square."""

    fit: Fit = "pad"

    @property
    def content(self) -> tuple[int, int]:
        """Height and width that the image takes in the square.

        Example:
            >>> Frame(300, 400, 1024).content
            (768, 1024)
        """
        if self.fit == "squash":
            return self.input_size_px, self.input_size_px
        scale = self.input_size_px / max(self.height, self.width)
        return int(self.height * scale + 0.5), int(self.width * scale + 0.5)

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the square where the image begins."""
        return 0, 0

    def to_input(self, points_xy: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return native coordinates (…, 2) as coordinates in the square, both (x, y)."""
        height, width = self.content
        scale = (width / self.width, height / self.height)
        scaled: NDArray[np.float64] = np.multiply(points_xy, scale, dtype=np.float64)
        return scaled + self.corner[::-1]

    def resize(self, pixels: Pixels) -> Pixels:
        """Return `pixels` as RGB in the size of `content`, uint8, axes (Y, X, 3)."""
        height, width = self.content
        image = Image.fromarray(np.ascontiguousarray(pixels))
        resized = np.array(image.resize((width, height), Image.Resampling.BILINEAR))
        # Channels are resized one by one, so that of three equal ones, one is enough.
        return resized if resized.ndim == 3 else cv2.merge([resized] * 3)

    def to_native(self, logits: Tensor) -> Tensor:
        """Return low-resolution logits (P, K, y, x) as native ones (P, K, Y, X), float32.

        Where the square is padded, in two bilinear steps with the padding cut off between them,
        as SAM does: one step would give other masks in sizes that do not divide the square.
        Where it is squashed, in one step, as SAM 2 does.
        """
        from torch.nn import functional

        content = logits.float()
        if self.fit == "pad":
            side = (self.input_size_px, self.input_size_px)
            square = functional.interpolate(content, side, mode="bilinear", align_corners=False)
            (height, width), (top, left) = self.content, self.corner
            content = square[..., top : top + height, left : left + width]
        native = (self.height, self.width)
        return functional.interpolate(content, native, mode="bilinear", align_corners=False)


def to_input_tensor(content: Pixels, input_size_px: int, mean: Tensor, std: Tensor) -> Tensor:
    """Return resized pixels (uint8, (Y, X, 3)) normalised and padded, float32, (1, 3, y, x).

    Mean and deviation are per channel in grey levels, shape (3, 1, 1), on the model's device.
    """
    from torch.nn import functional

    from cosmos_board.accelerators.transfers import upload

    channels_first = upload(content, mean.device).permute(2, 0, 1).contiguous()
    normalised = (channels_first[None] - mean) / std
    below = input_size_px - normalised.shape[-2]
    right = input_size_px - normalised.shape[-1]
    return functional.pad(normalised, (0, right, 0, below))
