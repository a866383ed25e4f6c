"""Progress of downloads on stderr: bytes, rate and time left over all files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_QUIET_S = 15.0
"""Seconds between lines where there is no terminal."""


@contextmanager
def show_transfers(title: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield what downloads report to: a file's path, its bytes so far and in all.

    It may be called from several threads. What was here before does not count for the rate.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(title, lambda line: console.print(line, highlight=False)).report
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}
        lock = threading.Lock()

        def report(path: str, done: int, total: int | None) -> None:
            with lock:
                if path not in tasks:
                    tasks[path] = progress.add_task(path, completed=done, total=total)
            progress.update(tasks[path], completed=done, total=total, visible=done != total)

        yield report


class _Lines:
    """Sums over the files and prints a line now and then."""

    def __init__(self, title: str, show: Callable[[str], None]) -> None:
        self._title = title
        self._show = show
        self._lock = threading.Lock()
        self._sizes: dict[str, tuple[int, int | None]] = {}
        self._here_before = 0
        self._began_s = self._last_line_s = time.monotonic()

    def report(self, path: str, done: int, total: int | None) -> None:
        with self._lock:
            if path not in self._sizes:
                self._here_before += done
            self._sizes[path] = (done, total)
            now_s = time.monotonic()
            if now_s - self._last_line_s > _QUIET_S:
                self._last_line_s = now_s
                self._show(self._describe(now_s))

    def _describe(self, now_s: float) -> str:
        done = sum(part for part, _ in self._sizes.values())
        totals = [total for _, total in self._sizes.values()]
        rate = (done - self._here_before) / max(now_s - self._began_s, 1e-9)
        whole = None if None in totals else sum(total or 0 for total in totals)
        of = "" if whole is None else f" of {whole / 1e6:.1f}"
        left = f", {(whole - done) / rate:.0f} s left" if whole is not None and rate > 0 else ""
        return f"{self._title}: {done / 1e6:.1f}{of} MB, {rate / 1e6:.2f} MB/s{left}"
