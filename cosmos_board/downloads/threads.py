"""Does one thing for each of several files, some at a time, and ends when it is told to stop."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from cosmos_board.core.errors import InputError, StoppedError
from cosmos_board.downloads.hosts import StoppedTransferError

_THREADS = 4
_LAST_WAIT_S = 2.0
"""Seconds in which threads that were told to stop may end; nobody waits for them any longer."""

_Item = TypeVar("_Item")


def run_each(
    items: Iterable[_Item], work: Callable[[_Item], object], stopped: threading.Event
) -> list[InputError]:
    """Call `work` for each item in threads and return the InputErrors that it raised.

    Any other error ends all of them and is raised.

    Raises:
        StoppedError: If `stopped` was set.
    """
    waiting: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    refused: list[InputError] = []
    unexpected: list[BaseException] = []

    def run() -> None:
        while not stopped.is_set() and not unexpected:
            try:
                work(waiting.get_nowait())
            except (queue.Empty, StoppedTransferError):
                return
            except InputError as error:
                refused.append(error)
            except BaseException as error:  # a full disk, or a fault of ours
                unexpected.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    _join(threads, stopped)
    if unexpected:
        raise unexpected[0]
    if stopped.is_set():
        raise StoppedError("stopped; the same command goes on where this one stopped")
    return refused


def _join(threads: list[threading.Thread], stopped: threading.Event) -> None:
    left_s = _LAST_WAIT_S
    try:
        while left_s > 0 and (alive := [one for one in threads if one.is_alive()]):
            began_s = time.monotonic()
            alive[0].join(0.05)
            if stopped.is_set():
                left_s -= time.monotonic() - began_s
    except BaseException:  # an interrupt of the caller
        stopped.set()
        raise
