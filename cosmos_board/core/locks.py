"""Locks that keep two processes from writing in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cosmos_board.core.errors import InUseError, describe_os_error


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
