"""Procedural images with references, for tests, training, planted effects and large packs."""

from cosmos_board.phantoms.controlled import (
    DEMO_SPECS,
    PhantomImage,
    PhantomSpec,
    draw_phantom,
    phantom_pack_images,
)
from cosmos_board.phantoms.scene import make_phantom

__all__ = [
    "DEMO_SPECS",
    "PhantomImage",
    "PhantomSpec",
    "draw_phantom",
    "make_phantom",
    "phantom_pack_images",
]
