"""Volume references as rows of the 2-D study: the references whose boxes make up `each-box`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from cosmos_board.core.masks import Rle
from cosmos_board.core.volumes import SMALLEST_SLICE_PX


class BoxReferences:
    """Finds references of the 2-D study by their image, object and mask."""

    def __init__(self) -> None:
        self._ids: dict[bytes, str] = {}

    def add(self, reference_id: str, image_id: str, name: str, counts: bytes) -> None:
        """Take in a reference of the 2-D study: the object `name`, run lengths `counts`."""
        self._ids[_hash(image_id, name, counts)] = reference_id

    def find(self, name: str, slices: Iterable[tuple[str, Rle]]) -> tuple[str, ...]:
        """Return the reference of each slice of at least `SMALLEST_SLICE_PX` pixels, in order.

        Args:
            name: The object.
            slices: (image id, mask) of each slice of a volume reference.

        Returns:
            Reference ids; none where one of these slices has no reference of the same mask, as
            happens where pieces that are connected through the volume are several on a slice.
        """
        large = [(image_id, rle) for image_id, rle in slices if rle.area_px >= SMALLEST_SLICE_PX]
        found = [self._ids.get(_hash(image_id, name, rle.counts)) for image_id, rle in large]
        known = tuple(reference_id for reference_id in found if reference_id)
        return known if len(known) == len(large) else ()


def _hash(image_id: str, name: str, counts: bytes) -> bytes:
    words = b"\x1f".join((image_id.encode(), name.encode(), counts))
    return hashlib.blake2b(words, digest_size=16).digest()
