"""What a running command says on stderr, while stdout belongs to what it reports."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from cosmos_board.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from cosmos_board.runner.settings import Callbacks

_QUIET_S = 15.0
"""Seconds between lines where there is no terminal."""


@contextmanager
def show_progress(stop: Callable[[], bool]) -> Iterator[Callbacks]:
    """Yield what a run reports to; images, images a second and time left are shown."""
    from cosmos_board.runner.settings import Callbacks

    with _open_display() as display:
        counter = _ImageCounter(display)
        yield Callbacks(
            on_total=counter.set_total,
            on_model=counter.set_model,
            on_image=counter.add_image,
            stop=stop,
        )


@contextmanager
def show_steps(unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """Yield what a training reports to: steps done, steps in all, and how it goes."""
    with _open_display() as display:

        def show(done: int, total: int, note: str) -> None:
            line = f"{done} of {total} {unit}, {note}"
            display.show(done, total, (note, unit), line, now=done >= total)

        yield show


@contextmanager
def show_download(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Yield what a download reports to: bytes so far and in all."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class _Display:
    """A progress bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console, self._progress = console, progress
        if progress is not None:
            self._task = progress.add_task("starting", total=None, unit="")
        self._last_line_s = -_QUIET_S

    def show(
        self, done: int, total: int | None, texts: tuple[str, str], line: str, *, now: bool
    ) -> None:
        """Show how far it is.

        Args:
            done: Items done.
            total: Items in all; None where nobody knows yet.
            texts: What stands before the bar, and behind the numbers.
            line: What is printed where there is no bar.
            now: Whether the line is printed although another was a moment ago.
        """
        if self._progress is not None:
            before, unit = texts
            self._progress.update(
                self._task, completed=done, total=total, description=before, unit=unit
            )
        elif now or time.monotonic() - self._last_line_s > _QUIET_S:
            self._last_line_s = time.monotonic()
            self._console.print(line, highlight=False)


@contextmanager
def _open_display() -> Iterator[_Display]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Display(console, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Display(console, progress)


class _ImageCounter:
    """Counts the images of a run, and those evaluated now for the rate."""

    def __init__(self, display: _Display) -> None:
        self._display = display
        self._total = self._done = self._evaluated = 0
        self._model = "starting"
        self._began_s = time.monotonic()

    def set_total(self, images: int) -> None:
        self._total = images

    def set_model(self, model: str) -> None:
        self._model = model
        self._show(now=True)

    def add_image(self, references: int) -> None:
        self._done += 1
        self._evaluated += references > 0
        self._show(now=False)

    def _show(self, *, now: bool) -> None:
        rate = self._evaluated / max(time.monotonic() - self._began_s, 1e-9)
        left = f", {(self._total - self._done) / rate:.0f} s left" if rate else ""
        line = f"{self._model}: {self._done} of {self._total} images, {rate:.2f} images/s{left}"
        texts = (self._model, f"images · {rate:.2f}/s")
        self._display.show(self._done, self._total, texts, line, now=now)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into a wish to stop after the current batch; a second stops now."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def send_prints_to_stderr() -> Iterator[None]:
    """Send to stderr what is printed within, also by compiled code and by new processes.

    Models print as they like; a script that reads the report must not meet it on stdout.
    """
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)


@contextmanager
def require_torch(command: str) -> Iterator[None]:
    """Refuse a command within which an import fails: the extra `sam` is not installed.

    Raises:
        InputError: If a module is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        from cosmos_board.models.factories import name_install

        want = name_install("sam")
        raise InputError(command, "", f"needs {error.name}", want=want) from error
