"""Progress on stderr; stdout is for the report of the command."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cosmos_board.core.errors import InputError

if TYPE_CHECKING:
    from cosmos_board.runner.settings import Callbacks

_QUIET_S = 15.0
"""Seconds between lines where there is no terminal."""


@contextmanager
def show_progress(stop: Callable[[], bool]) -> Iterator[Callbacks]:
    """Yield what a run reports to; images, images a second and time left are shown."""
    from cosmos_board.runner.settings import Callbacks

    with _open_display() as show:
        counter = _ImageCounter(show)
        yield Callbacks(
            on_total=counter.set_total,
            on_model=counter.set_model,
            on_image=counter.add_image,
            stop=stop,
        )


@contextmanager
def show_steps(unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """Yield what a training reports to: steps done, steps in all, and how it goes."""
    with _open_display() as show:
        yield lambda done, total, note: show(
            _State(done, total, note, unit, f"{done} of {total} {unit}, {note}"), done >= total
        )


class _State(NamedTuple):
    """How far something is."""

    done: int
    total: int | None
    title: str
    """Before the bar."""

    unit: str
    """Behind the numbers."""

    line: str
    """Where there is no bar."""


_Show: TypeAlias = Callable[[_State, bool], None]
"""Shows a state; where it is True, its line is printed however short a time ago the last was."""


@contextmanager
def _open_display() -> Iterator[_Show]:
    """Yield what shows a state: by a bar on a terminal, elsewhere by a line now and then."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    last_line_s = -_QUIET_S

    def print_line(state: _State, now: bool) -> None:
        nonlocal last_line_s
        if now or time.monotonic() - last_line_s > _QUIET_S:
            last_line_s = time.monotonic()
            console.print(state.line, highlight=False)

    if not console.is_terminal:
        yield print_line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=None, unit="")
        yield lambda state, now: progress.update(
            task,
            completed=state.done,
            total=state.total,
            description=state.title,
            unit=state.unit,
        )


class _ImageCounter:
    """Counts the images of a run, and those evaluated now for the rate."""

    def __init__(self, show: _Show) -> None:
        self._show_state = show
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
        unit = f"images · {rate:.2f}/s"
        self._show_state(_State(self._done, self._total, self._model, unit, line), now)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM or SIGINT sets, to stop after a batch; a second stops now."""
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

    Models print as they like; a script that reads the report must not find that on stdout.
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
