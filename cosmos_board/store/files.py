"""Atomic writing of files: a file appears complete or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.processes import hold_lock


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
    lock = path.with_name(f".{path.name}.lock")
    with hold_lock(lock, f"{path}: another process is writing it", removed=True):
        yield


_LEFTOVER = re.compile(r"\..+\.[0-9]+\.part")


def clear_leftovers(folder: Path) -> None:
    """Remove what `open_whole` left in `folder` when it was killed; nobody may be writing there."""
    for part in folder.glob(".*.part"):
        if _LEFTOVER.fullmatch(part.name):
            part.unlink(missing_ok=True)
