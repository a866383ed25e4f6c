"""The part of a file that is here already, and which version of what it is a part of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cosmos_board.core.errors import describe_os_error


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """What was fetched in part."""

    url: str
    mark: str
    """As `OpenedSource.mark`."""

    total: int | None
    """Size of the whole in bytes, where the server said so."""


class Partial:
    """A file that grows under a hidden name beside its place; killed at any byte, it is a prefix.

    Args:
        target: Where the whole file will lie.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.partial")
        self._facts_path = target.with_name(f".{target.name}.partial.json")

    @property
    def size_bytes(self) -> int:
        """Number of bytes that are here."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def read_facts(self) -> PartFacts | None:
        """Return what it is a part of; None if nothing is here, or nobody knows."""
        try:
            facts = PartFacts(**json.loads(self._facts_path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return facts if self.path.exists() else None

    def begin(self, facts: PartFacts) -> None:
        """Start over, as a part of another file."""
        try:
            # In this order: a kill between the two leaves no byte of one file under another's name.
            self.path.write_bytes(b"")
            self._facts_path.write_text(json.dumps(asdict(facts)), "utf-8")
        except OSError as error:
            raise describe_os_error(self.target, "write", error) from error

    def drop(self) -> None:
        """Forget it."""
        try:
            self.path.unlink(missing_ok=True)
            self._facts_path.unlink(missing_ok=True)
        except OSError as error:
            raise describe_os_error(self.target, "write", error) from error

    def put_in_place(self) -> None:
        """Give the whole file its name."""
        try:
            self.path.replace(self.target)
            self._facts_path.unlink(missing_ok=True)
        except OSError as error:
            raise describe_os_error(self.target, "write", error) from error
