"""Politeness: few connections to a host, and pauses that it asks for or that failures suggest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

MOST_CONNECTIONS = 2
"""Connections to one host at a time."""


class StoppedTransferError(Exception):
    """The transfer was told to stop."""


class Hosts:
    """Counts the connections to each host and remembers how long it wants to be left alone.

    Args:
        stopped: Event that ends every wait.
        say: Called with a line of text before a pause that a server asked for.
    """

    def __init__(
        self, stopped: threading.Event | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        self.stopped = stopped or threading.Event()
        self._say = say or (lambda line: None)
        self._lock = threading.Lock()
        self._connections: dict[str, threading.Semaphore] = {}
        self._free_at_s: dict[str, float] = {}

    @contextmanager
    def connect(self, url: str) -> Iterator[None]:
        """Wait until the host of `url` may be asked, and count a connection meanwhile.

        Raises:
            StoppedTransferError: If the transfer was told to stop.
        """
        host = urlsplit(url).netloc
        with self._lock:
            slot = self._connections.setdefault(host, threading.Semaphore(MOST_CONNECTIONS))
        while not slot.acquire(timeout=0.1):
            self.check()
        try:
            while (left_s := self._free_at_s.get(host, 0.0) - time.monotonic()) > 0:
                self.wait(left_s)
            self.check()
            yield
        finally:
            slot.release()

    def pause(self, url: str, wait_s: float, reason: str) -> None:
        """Have nobody ask the host of `url` for so many seconds."""
        host = urlsplit(url).netloc
        with self._lock:
            self._free_at_s[host] = max(self._free_at_s.get(host, 0.0), time.monotonic() + wait_s)
        if wait_s >= 1:
            self._say(f"{host}: {reason}, waiting {wait_s:.0f} s")

    def wait(self, wait_s: float) -> None:
        """Wait; StoppedTransferError if the transfer is told to stop meanwhile."""
        self.stopped.wait(wait_s)
        self.check()

    def check(self) -> None:
        """Raise StoppedTransferError if the transfer was told to stop."""
        if self.stopped.is_set():
            raise StoppedTransferError


def parse_retry_after(text: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3); None if none.

    Example:
        >>> parse_retry_after("120"), parse_retry_after("soon"), parse_retry_after(None)
        (120.0, None, None)
    """
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)
