"""Room on the disk for what is to be fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

from cosmos_board.core.errors import StorageError, describe_os_error


def refuse_small_disk(folder: Path, needed_bytes: int) -> None:
    """Refuse to write what the disk of a folder cannot hold.

    Raises:
        StorageError: If less is free, or the disk is gone.
    """
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise describe_os_error(folder, "write", error) from error
    if needed_bytes > free_bytes:
        raise StorageError(
            f"{folder}: the disk has {show_bytes(free_bytes)} free and the download needs "
            f"{show_bytes(needed_bytes)} more"
        )


def show_bytes(size_bytes: int) -> str:
    """Return a size in the largest decimal unit of which it holds one.

    Example:
        >>> show_bytes(512), show_bytes(1_400_000), show_bytes(25_000_000_000)
        ('512 bytes', '1.4 MB', '25.0 GB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
