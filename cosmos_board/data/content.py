"""The hash of what a pack says, whatever the files it is spread over."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


class ContentHash:
    """A sha256 over the rows of a pack in their order: images and references, then observers.

    Factors are left out: they follow from the rest, and their last digit may differ between
    machines. So is the PNG file, whose bytes depend on the version of a compressor: the hash of
    the decoded pixels stands for it.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._observers = hashlib.sha256()

    def add_image(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `images/`."""
        self._add(
            self._digest, row, "image_id", "cluster_id", "modality", "height", "width", "sha256"
        )

    def add_reference(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `references/`."""
        self._add(self._digest, row, "reference_id", "object", "instance", "box", "rle")

    def add_observer(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `observers/`."""
        self._add(self._observers, row, "observer", "reference_id", "rle")

    def hexdigest(self) -> str:
        """Return the hash of all rows so far, in hexadecimal."""
        both = f"{self._digest.hexdigest()}\n{self._observers.hexdigest()}"
        return hashlib.sha256(both.encode()).hexdigest()

    @staticmethod
    def _add(digest: hashlib._Hash, row: Mapping[str, Any], *names: str) -> None:
        digest.update(("\x1f".join(_spell(row[name]) for name in names) + "\n").encode())


def _spell(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)
