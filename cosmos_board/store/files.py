"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from cosmos_board.core.errors import InputError, InUseError, StorageError

_REASONS = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "the folder does not exist",
    errno.EFBIG: "the file would be larger than allowed",
}


def describe_os_error(path: Path, doing: str, error: OSError) -> StorageError:
    """Return the one line that a user sees when the disk fails us.

    Example:
        >>> print(describe_os_error(Path("a"), "write", OSError(errno.ENOSPC, "")))
        a: write: no space left on the disk
    """
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return StorageError(" ".join(f"{path}: {doing}: {reason}".split()))


@contextmanager
def open_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the name `path` only once it is complete and on the disk.

    Until then it lies beside it under a hidden name; after an exception nothing is left.

    Raises:
        InputError: If a folder lies there.
        StorageError: If the disk is full, read-only or gone.
    """
    if path.is_dir():
        raise InputError(path, "", "is a folder where a file belongs; move it away")
    hidden = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with hidden.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            hidden.replace(path)
            sync_folder(path.parent)
        finally:
            hidden.unlink(missing_ok=True)
    except OSError as error:
        raise describe_os_error(path, "write", error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    with open_whole(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Keep other processes from writing the file or folder `path` while the block runs.

    Raises:
        InUseError: If another process holds it.
        StorageError: If its folder cannot be written.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InUseError(f"{path}: another process is writing it") from error
    except OSError as error:
        raise describe_os_error(path, "write", error) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


_LEFTOVER = re.compile(r"\..+\.[0-9]+\.part")


def clear_leftovers(folder: Path) -> None:
    """Remove what `open_whole` left in `folder` when it was killed; nobody may be writing there."""
    for part in folder.glob(".*.part"):
        if _LEFTOVER.fullmatch(part.name):
            part.unlink(missing_ok=True)
