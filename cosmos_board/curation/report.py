"""What an import has to say when it is done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cosmos_board.data.pack.info import PackInfo


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What is counted while images are read and curated."""

    dropped: Counter[str] = field(default_factory=Counter)
    """Number left out by rule, in the words of the rule."""

    notes: Counter[str] = field(default_factory=Counter)
    """Images by how their files were understood: orientation, plane, bits, what was left aside."""

    warnings: Counter[str] = field(default_factory=Counter)
    """Images by the warnings to which they give rise, and all of them under `images`."""

    def add(self, other: ImportCounts) -> None:
        """Add other counts to these."""
        self.dropped.update(other.dropped)
        self.notes.update(other.notes)
        self.warnings.update(other.warnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was kept, what was left out by which rule, and what could not be read."""

    info: PackInfo
    """The facts of the finished pack, with its counts and hashes."""

    units: int
    """Source units that were looked at."""

    counts: ImportCounts
    quarantined: tuple[tuple[str, str], ...]
    """(origin, reason) of each unit that could not be read, in the order of origin."""

    joined_clusters: int
    """Clusters that turned out to share an image with another, and became one with it."""

    shared_images: tuple[tuple[str, str], ...]
    """Origins of the two equal images, for each time that two clusters became one."""

    unchanged: bool
    """Whether the pack was there already with the same content."""
