"""What is to be fetched: one file, its addresses, and what is known of its content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

Report: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes in all, where the server says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file to fetch."""

    path: str
    """Where it goes below the folder of the download, with `/`."""

    urls: tuple[str, ...]
    """Addresses in the order in which they are tried; empty where only a person may fetch it."""

    sha256: str = ""
    """In hex; empty where nobody published it."""

    md5: str = ""
    """In hex; empty where nobody published it, or the sha256 is known."""

    size_bytes: int | None = None
    """Exact size, where it is known."""

    varies: bool = False
    """Whether the server makes the file anew for every request, so that its bytes differ."""

    private: bool = False
    """Whether its addresses may lead to hosts of private networks, as a user's own may."""

    @property
    def is_pinned(self) -> bool:
        """Whether a published sum says what the file must hold."""
        return bool(self.sha256 or self.md5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long a server that fails is asked again."""

    attempts: int = 5
    """Attempts in a row that bring nothing, after which an address is given up."""

    first_wait_s: float = 1.0
    """Wait after the first failure; it doubles with each one that follows."""

    longest_wait_s: float = 60.0
    longest_asked_wait_s: float = 600.0
    """Longest wait that a server may ask for (`Retry-After`); beyond it the file is given up."""

    stall_s: float = 60.0
    """Seconds without a byte after which a connection is given up."""


def is_safe_path(path: str) -> bool:
    r"""Return whether a path with `/` stays in the folder that it is put into and can be listed.

    Example:
        >>> [is_safe_path(path) for path in ("a/b.zip", "../b.zip", "/b.zip", "a\\b", ".b", "a//b")]
        [True, False, False, False, False, False]
    """
    parts = path.split("/")
    return (
        PurePosixPath(path).as_posix() == path
        and path.isprintable()
        and not {"\\", ":"} & set(path)
        and all(part and not part.startswith(".") for part in parts)
    )
