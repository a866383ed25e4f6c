"""Source units: the pieces in which raw files are read, one worker each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cosmos_board.data.source import SourceImage


@dataclass(frozen=True, slots=True, eq=False)
class SourceUnit:
    """What is read in one go: a picture with its masks, or a volume with all its slices."""

    key: str
    """Changes whenever what `read` yields would change (files, their size and time, options):
    an interrupted import takes up finished units by it. Never leaves this machine."""

    origin: str
    """What a person calls it, for the report: usually a path."""

    read: Callable[[], Iterable[SourceImage]]
    """Reads it. Sent to another process, so a function of a module or a `partial` of one.

    Raises InputError for what must be quarantined; the whole unit is then left out."""
