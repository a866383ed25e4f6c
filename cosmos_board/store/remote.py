"""A folder on any Arrow file system: a disk, a bucket, a cluster's own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from cosmos_board.core.errors import InputError, StorageError

_STORES = frozenset({"abfs", "gcs", "s3"})
"""Closing an object puts it in place whole; elsewhere a file gets its name by a move."""


class RemoteFolder:
    """Reads and writes files by their path in the folder; StorageError where its system fails.

    Args:
        uri: As `pyarrow.fs` reads it: a path, `s3://bucket/run?region=…`, `gs://…`, `hdfs://…`;
            credentials come from the environment.
        option: Where the user gave it, for messages.

    Raises:
        InputError: If there is no such file system.
    """

    def __init__(self, uri: str, option: str) -> None:
        self._shown = hide_secrets(uri)
        try:
            self._files, self._root = fs.FileSystem.from_uri(uri)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            want = "a path, or an address such as s3://bucket/run"
            raise InputError(
                option, "", "is no Arrow file system", got=self._shown, want=want
            ) from error

    def __str__(self) -> str:
        """Return the address without keys or options."""
        return self._shown

    def make_folder(self, name: str) -> None:
        """Make a folder in the folder, where it is missing."""
        with self._explaining("write"):
            self._files.create_dir(f"{self._root}/{name}", recursive=True)

    def list_files(self, name: str) -> list[Path]:
        """Return the files in a folder of the folder."""
        with self._explaining("list"):
            entries = self._files.get_file_info(fs.FileSelector(f"{self._root}/{name}"))
        return [Path(entry.path) for entry in entries if entry.is_file]

    def upload(self, path: Path, target: Path) -> None:
        """Copy the file at `path` to `target`, whole or not at all."""
        there = f"{self._root}/{target.as_posix()}"
        at_once = self._files.type_name in _STORES
        with self._explaining("write"):
            first = there if at_once else f"{there}.{secrets.token_hex(4)}.part"
            fs.copy_files(str(path), first, destination_filesystem=self._files)
            if not at_once:
                self._files.move(first, there)

    def read(self, source: Path) -> bytes | None:
        """Return the content of a file, None where there is none."""
        with self._explaining("read"):
            try:
                with self._files.open_input_stream(f"{self._root}/{source.as_posix()}") as stream:
                    content: bytes = stream.read()
            except FileNotFoundError:
                return None
        return content

    @contextmanager
    def _explaining(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = " ".join(str(error).split())
            raise StorageError(f"{self._shown}: {doing}: {reason}") from error


def hide_secrets(uri: str) -> str:
    """Return an address without keys or options, for messages.

    Example:
        >>> hide_secrets("s3://key:secret@bucket/run?endpoint_override=localhost:9000")
        's3://bucket/run'
    """
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path
