"""How the tensors of `cosmos-tiny` are laid out, so that its parts fit together.

Fine features travel inside the tensors that official code passes around: an image embedding has the
128 channels of SAM, then the fine ones folded to 16 × 16 (`pixel_unshuffle`); a dense prompt
embedding likewise. Code written for SAM's interface therefore runs unchanged.
"""

from __future__ import annotations

SIDE_PX = 256
WIDTH = 128
GRID = 16

QUARTER, HALF, MAPS = 16, 4, 5
"""Channels of the fine features at stride 4 and 2, and of the drawn prompt."""

QUARTER_FOLD, HALF_FOLD = SIDE_PX // 4 // GRID, SIDE_PX // 2 // GRID
QUARTER_CHANNELS = QUARTER * QUARTER_FOLD**2
MAP_CHANNELS = MAPS * QUARTER_FOLD**2
BOX_CHANNELS = 4
"""Planes that hold one number each: the sides of the box, as min x, min y, max x, max y."""

NO_BOX = (0.0, 0.0, -1.0, -1.0)
"""What stands there where the prompt has none."""

HALF_CHANNELS = HALF * HALF_FOLD**2
PARTS = (WIDTH, QUARTER_CHANNELS, MAP_CHANNELS, BOX_CHANNELS, HALF_CHANNELS)
CHANNELS = sum(PARTS)
"""Channels of an image embedding and of a dense prompt embedding, which are added."""
