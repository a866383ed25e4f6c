"""Folders for what is unpacked while it is read."""

from __future__ import annotations

import tempfile
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import describe_os_error


def make_scratch() -> TemporaryDirectory[str]:
    """Return a new folder among the temporary files, which is removed when it is closed.

    Raises:
        StorageError: If the disk is full or cannot be written.
    """
    try:
        return TemporaryDirectory(prefix="cosmos-board-", ignore_cleanup_errors=True)
    except OSError as error:
        # Without a folder, no place for temporary files was found at all.
        raise describe_os_error(tempfile.tempdir or "temporary files", "write", error) from error
