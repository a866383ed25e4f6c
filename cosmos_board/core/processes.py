"""Processes that end with the one that started them, however that ends, and locks between them.

`python -m cosmos_board.core.processes PID COMMAND …` turns into COMMAND under the same rule.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InUseError, describe_os_error

PR_SET_PDEATHSIG = 1


def end_with(parent_pid: int) -> None:
    """Have the system kill this process when its parent ends; end now where it has ended before."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before the system was told
        os._exit(1)


def make_pool(
    workers: int,
    context: BaseContext,
    begin: Callable[..., object] | None = None,
    args: tuple[Any, ...] = (),
    *,
    inherited: tuple[Any, ...] = (),
) -> ProcessPoolExecutor:
    """Return a pool of which no process outlives this one, not even one that is just starting.

    Args:
        workers: Number of processes.
        context: How they are started.
        begin: Called in each of them first; it may import what takes seconds.
        args: What it is given; pickled now.
        inherited: What it is given behind that; locks and events travel in no other way.
    """
    call = pickle.dumps((begin, args))
    return ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(), call, *inherited))


def _start_worker(parent_pid: int, call: bytes, *inherited: object) -> None:
    # `call` comes as bytes: reading it imports the caller's modules, which may take seconds.
    end_with(parent_pid)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    begin, args = pickle.loads(call)
    if begin is not None:
        begin(*args, *inherited)


def _leave_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


def wrap_command(command: list[str]) -> list[str]:
    """Return a command line that runs `command` as a program that ends with this process."""
    return [sys.executable, "-m", __name__, str(os.getpid()), *command]


@contextmanager
def hold_lock(
    path: Path, held: str, *, wait_s: float = 0.0, removed: bool = False
) -> Iterator[None]:
    """Hold the lock file `path`, made where it is missing, while the block runs.

    Args:
        path: Its folder must exist.
        held: What is said where another process holds it.
        wait_s: Seconds to wait for that process.
        removed: Whether the file goes when the block ends.

    Raises:
        InUseError: If another process holds it.
        StorageError: If it cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as error:
        raise InUseError(held) from error
    except OSError as error:
        raise describe_os_error(path.parent, "write", error) from error
    try:
        yield
    finally:
        if removed:
            path.unlink(missing_ok=True)
        lock.release()


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
