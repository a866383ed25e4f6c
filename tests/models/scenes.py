"""Pictures for tests of models."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.masks import Pixels


def draw_scene(height: int, width: int, seed: int = 0) -> Pixels:
    """Return an RGB image of discs on noise, uint8, axes (Y, X, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[:height, :width]
    scene = rng.normal(60, 8, (height, width, 3))
    for _ in range(6):
        centre_y, centre_x = rng.uniform(0, height), rng.uniform(0, width)
        radius = rng.uniform(0.08, 0.25) * min(height, width)
        inside = np.hypot(y - centre_y, x - centre_x) < radius
        scene[inside] += rng.uniform(-60, 120, 3)
    return np.clip(scene, 0, 255).astype(np.uint8)
