"""The worker kit as a file that users copy: `worker_kit.py`, as it lies beside this module."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.core.errors import InputError, describe_os_error

KIT = Path(__file__).with_name("worker_kit.py")


def read_kit() -> str:
    """Return the text of the worker kit."""
    return KIT.read_text("utf-8")


def write_kit(out: Path) -> Path:
    """Write the worker kit to a file, or into a folder, and return where it is.

    Raises:
        InputError: If another file is in the way; an older kit is replaced.
        StorageError: If it cannot be written.
    """
    path, text = out / KIT.name if out.is_dir() else out, read_kit()
    title = text.partition("\n")[0]
    try:
        if path.exists() and path.read_text("utf-8", "replace").partition("\n")[0] != title:
            raise InputError(path, "", "is another file", want="a name that is free")
        path.write_text(text, "utf-8")
    except OSError as error:
        raise describe_os_error(path, "write", error) from error
    return path
