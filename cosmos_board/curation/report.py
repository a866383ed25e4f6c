"""What an import has to say when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosmos_board.data.pack.info import PackInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was kept, what was left out by which rule, and what could not be read."""

    info: PackInfo
    """The facts of the finished pack, with its counts and hashes."""

    units: int
    """Source units that were looked at."""

    dropped: Mapping[str, int]
    """Number left out by rule, in the words of the rule."""

    notes: Mapping[str, int]
    """Images by how their files were understood: orientation, plane, bits, what was left aside."""

    quarantined: tuple[tuple[str, str], ...]
    """(origin, reason) of each unit that could not be read, in the order of origin."""

    joined_clusters: int
    """Clusters that turned out to share an image with another, and became one with it."""

    shared_images: tuple[tuple[str, str], ...]
    """Origins of the two equal images, for each time that two clusters became one."""

    signs: Mapping[str, int]
    """Images by the warnings to which they give rise, and all of them under `images`."""

    unchanged: bool
    """Whether the pack was there already with the same content."""
