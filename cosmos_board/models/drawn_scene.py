"""Small drawn scenes that a slip in an adapter cannot pass.

The scene is wider than high. A bright disc lies where x > y, and a fainter one where the first
would be if x and y were swapped, so that the common slips answer with the wrong disc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt, make_prompt

HEIGHT, WIDTH, RADIUS = 96, 144, 12
"""Of the scene and its discs at the base size, in pixels."""

BRIGHT_XY, FAINT_XY = (80, 24), (24, 80)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """An image and its two discs, `scale` times the base size."""

    scale: int = 1

    @property
    def pixels(self) -> Pixels:
        """uint8, axes (Y, X, 3)."""
        noise = np.random.default_rng(0).integers(0, 16, (HEIGHT, WIDTH), np.uint8)
        small = noise + 32
        for centre, step in ((BRIGHT_XY, 150), (FAINT_XY, 60)):
            small[_draw_disc(centre, 1)] += np.uint8(step)
        large = small.repeat(self.scale, axis=0).repeat(self.scale, axis=1)
        return np.repeat(large[..., None], 3, axis=2)

    def disc(self, centre_xy: tuple[int, int]) -> Mask:
        """Return one disc, bool, axes (Y, X)."""
        return _draw_disc(centre_xy, self.scale)

    def prompts(self, centre_xy: tuple[int, int]) -> dict[str, Prompt]:
        """Return each of the protocol's prompts but `everything`, for one disc."""
        x, y = (self.scale * value for value in centre_xy)
        half, far = self.scale * RADIUS // 2, self.scale * (RADIUS + 4)
        inside = [(x, y), (x - half, y), (x + half, y), (x, y - half), (x, y + half)]
        outside = [(x - far, y), (x + far, y), (x, y - far), (x, y + far), (x - far, y - far)]
        height, width = self.scale * HEIGHT, self.scale * WIDTH
        outside = [p for p in outside if 0 <= p[0] < width and 0 <= p[1] < height]
        ys, xs = np.nonzero(self.disc(centre_xy))
        box = (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max()))
        return {
            "point": make_prompt(inside[:1]),
            "points-5": make_prompt(inside),
            "points-5-5": make_prompt(inside, outside),
            "box": make_prompt(box_xyxy=box),
            "box-point": make_prompt(inside[:1], box_xyxy=box),
        }


def _draw_disc(centre_xy: tuple[int, int], scale: int) -> Mask:
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    disc: Mask = (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= RADIUS**2
    return disc.repeat(scale, axis=0).repeat(scale, axis=1)
