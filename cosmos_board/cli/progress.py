"""A progress bar on a terminal, a line now and then elsewhere; always on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from cosmos_board.runner.run import Watch

_QUIET_S = 15.0
"""Seconds between lines where there is no terminal."""


@contextmanager
def show_progress(stop: Callable[[], bool]) -> Iterator[Watch]:
    """Yield what a run reports to; images, images a second and time left are shown."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console).watch(stop)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images · {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress).watch(stop)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task("starting", total=None, rate="")
        self._began = time.monotonic()
        self._fresh = 0

    def watch(self, stop: Callable[[], bool]) -> Watch:
        return Watch(on_total=self._total, on_model=self._model, on_image=self._image, stop=stop)

    def _total(self, images: int) -> None:
        self._progress.update(self._task, total=images)

    def _model(self, model: str) -> None:
        self._progress.update(self._task, description=model)

    def _image(self, references: int) -> None:
        self._fresh += references > 0
        rate = self._fresh / max(time.monotonic() - self._began, 1e-9)
        self._progress.update(self._task, advance=1, rate=f"{rate:.2f}/s")


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._total_images = 0
        self._done = 0
        self._fresh = 0
        self._model_name = ""
        self._began = self._spoke = time.monotonic()

    def watch(self, stop: Callable[[], bool]) -> Watch:
        return Watch(on_total=self._total, on_model=self._model, on_image=self._image, stop=stop)

    def _total(self, images: int) -> None:
        self._total_images = images

    def _model(self, model: str) -> None:
        self._model_name = model
        self._say()

    def _image(self, references: int) -> None:
        self._done += 1
        self._fresh += references > 0
        if time.monotonic() - self._spoke > _QUIET_S:
            self._say()

    def _say(self) -> None:
        self._spoke = time.monotonic()
        rate = self._fresh / max(self._spoke - self._began, 1e-9)
        left = f", {(self._total_images - self._done) / rate:.0f} s left" if rate else ""
        self._console.print(
            f"{self._model_name}: {self._done} of {self._total_images} images, "
            f"{rate:.2f} images/s{left}",
            highlight=False,
        )


@contextmanager
def show_steps(unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """Yield what a training reports to: steps done, steps in all, and how it goes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _StepLines(console, unit).say
        return
    columns = (
        TextColumn("{task.fields[note]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None, note="starting")
        yield lambda done, total, note: progress.update(
            task, completed=done, total=total, note=note
        )


class _StepLines:
    def __init__(self, console: Console, unit: str) -> None:
        self._console, self._unit = console, unit
        self._spoke = -_QUIET_S

    def say(self, done: int, total: int, note: str) -> None:
        if time.monotonic() - self._spoke < _QUIET_S and done < total:
            return
        self._spoke = time.monotonic()
        self._console.print(f"{done} of {total} {self._unit}, {note}", highlight=False)


@contextmanager
def show_download(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Yield what a download reports to: bytes so far and in all."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
