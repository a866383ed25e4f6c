"""Connected pieces of a volume, joined while its slices pass one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import cv2
import numpy as np

from cosmos_board.core.arrays import Int32s
from cosmos_board.core.masks import Mask, Rle, encode_mask


class PieceJoiner:
    """Finds which pixels of a mask are connected through its volume (26 neighbours).

    Of a slice that has passed, its pieces are held as run lengths, and only the last one as pixels.
    """

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._pieces: list[tuple[int, Rle]] = []
        self._last: tuple[int, Int32s] | None = None

    def add(self, index: int, mask: Mask) -> None:
        """Take in a slice (bool, axes (row, column)); indices rise."""
        count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
        numbers = np.where(labels > 0, labels + len(self._parents), 0).astype(np.int32)
        self._parents += range(len(self._parents), len(self._parents) + count - 1)
        self._pieces += [(index, encode_mask(labels == piece)) for piece in range(1, count)]
        if self._last is not None and self._last[0] == index - 1:
            for one, other in _find_touching(self._last[1], numbers):
                self._parents[self._find(other - 1)] = self._find(one - 1)
        self._last = index, numbers

    def list_joined(self) -> list[dict[int, Rle]]:
        """Return each connected piece of the volume as masks by slice index."""
        joined: dict[int, dict[int, Rle]] = defaultdict(dict)
        for piece, (index, rle) in enumerate(self._pieces):
            masks = joined[self._find(piece)]
            # A piece of the volume may be several on a slice, as the legs of an arch are.
            known = masks.get(index)
            masks[index] = encode_mask(known.decode() | rle.decode()) if known else rle
        return list(joined.values())

    def _find(self, piece: int) -> int:
        while self._parents[piece] != piece:
            self._parents[piece] = self._parents[self._parents[piece]]
            piece = self._parents[piece]
        return piece


def _find_touching(below: Int32s, above: Int32s) -> Iterator[tuple[int, int]]:
    """Yield pairs of numbers of which a pixel lies on or diagonally beside one of the other."""
    padded = np.pad(below, 1)
    rows, columns = above.shape
    for dy in range(3):
        for dx in range(3):
            moved = padded[dy : dy + rows, dx : dx + columns]
            touching = (moved > 0) & (above > 0)
            pairs = np.unique(np.stack([moved[touching], above[touching]], axis=1), axis=0)
            yield from ((int(one), int(other)) for one, other in pairs)
