"""Training images with their objects, drawn by number: the same number gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.phantoms.scene import make_phantom
from cosmos_board.phantoms.textures import curve, scan, to_pixels
from cosmos_board.training.tiny.composites import compose
from cosmos_board.training.tiny.regions import Partitioned, crop_regions, read_partitioned

SIDE_PX = 256
_MIN_PX = 24


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A square image and the objects in it."""

    pixels: Pixels
    """uint8, axes (Y, X, 3)."""

    content: tuple[int, int]
    """Height and width of the image proper; the rest is padding, as beside a non-square image."""

    masks: tuple[Mask, ...]


@dataclass(slots=True)
class ExampleSource:
    """Draws examples: phantoms, phantoms painted on real images, and regions of real images."""

    real: Sequence[Partitioned] = field(default_factory=tuple)
    regions_share: float = 0.22
    backdrop_share: float = 0.15
    composite_share: float = 0.0
    """Share of phantoms with composite objects."""

    @classmethod
    def with_real_images(
        cls, *, held_out: bool = False, cache: Path | None = None
    ) -> ExampleSource:
        """Return a source that has the real images of the recipe (or those held out)."""
        return cls(read_partitioned(held_out=held_out, cache=cache), composite_share=0.4)

    def draw(self, key: int, side: int = SIDE_PX) -> Example:
        """Return example number `key` at `side` pixels; it has at least one object."""
        for attempt in range(100):
            rng = np.random.Generator(np.random.Philox(key=(key << 8) + attempt))
            pixels, masks = self._scene(rng, side)
            pixels, masks = _mirror(rng, pixels, masks)
            content = _content(rng, side)
            masks = [mask for mask in (_cut(mask, content) for mask in masks) if mask is not None]
            if masks:
                rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)
                return Example(np.ascontiguousarray(rgb), content, tuple(masks))
        raise AssertionError("a hundred scenes in a row without an object")

    def _scene(self, rng: np.random.Generator, side: int) -> tuple[Pixels, list[Mask]]:
        seed, kind = int(rng.integers(2**62)), rng.random()
        if not self.real or kind > self.regions_share + self.backdrop_share:
            return self._phantom(rng, *make_phantom(seed, side))
        on_regions = kind < self.regions_share
        images = [image for image in self.real if image.partitions or not on_regions]
        pixels, masks = crop_regions(images[int(rng.integers(len(images)))], rng, side)
        if not on_regions:
            return self._phantom(rng, *make_phantom(seed, side, backdrop=pixels))
        return _change_appearance(rng, pixels), masks

    def _phantom(
        self, rng: np.random.Generator, pixels: Pixels, references: Sequence[tuple[str, Mask]]
    ) -> tuple[Pixels, list[Mask]]:
        own = np.random.Generator(np.random.Philox(key=int(rng.integers(2**62))))
        masks = [mask for _, mask in references]
        if own.random() < self.composite_share:
            pixels = compose(own, pixels, masks)
        return pixels, masks


def _change_appearance(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Return a photograph with other colours, gamma and noise."""
    planes = pixels.astype(np.float32)
    planes = planes[..., None] if planes.ndim == 2 else planes
    if planes.shape[2] == 3 and rng.random() < 0.5:
        planes = planes @ rng.dirichlet([1, 1, 1]).astype(np.float32)[:, None]
    elif planes.shape[2] == 3:
        planes = planes[..., rng.permutation(3)]
    if rng.random() < 0.7:
        planes = curve(rng, planes)
    if rng.random() < 0.5:
        planes = scan(rng, planes)
    return to_pixels(planes, colour=planes.shape[2] == 3)


def _mirror(
    rng: np.random.Generator, pixels: Pixels, masks: list[Mask]
) -> tuple[Pixels, list[Mask]]:
    turns, flip = int(rng.integers(4)), rng.random() < 0.5

    def move(plane: NDArray[Any]) -> NDArray[Any]:
        turned = np.rot90(plane, turns)
        return turned[:, ::-1] if flip else turned

    return move(pixels), [move(mask) for mask in masks]


def _content(rng: np.random.Generator, side: int) -> tuple[int, int]:
    if rng.random() < 0.7:
        return side, side
    short = int(rng.integers(side // 2, side))
    return (short, side) if rng.random() < 0.7 else (side, short)


def _cut(mask: Mask, content: tuple[int, int]) -> Mask | None:
    visible = np.zeros_like(mask)
    height, width = content
    visible[:height, :width] = mask[:height, :width]
    if visible.sum() < _MIN_PX:
        return None
    _, _, w, h = cv2.boundingRect(visible.view(np.uint8))
    return visible if min(w, h) >= 2 else None
