"""What was fetched into a folder: the sum of every file, recorded when it was first seen."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.downloads.content import check_content
from cosmos_board.downloads.files import RemoteFile

NAME = ".fetched.json"
"""Hidden, so that no import takes it for data."""

_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """One line of the record."""

    sha256: str
    size_bytes: int
    mtime_ns: int
    """Time of the last change when it was checked: a file with the same is not hashed again."""

    def is_untouched(self, path: Path) -> bool:
        """Return whether the file at `path` has not changed since it was checked."""
        found = path.stat()
        return (found.st_size, found.st_mtime_ns) == (self.size_bytes, self.mtime_ns)


class FetchRecord:
    """The record of a folder; may be used by several threads.

    Raises:
        InputError: If it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME
        self._lock = threading.Lock()
        try:
            document = json.loads(self._path.read_text("utf-8"))
            if document["schema_version"] > _SCHEMA_VERSION:
                raise InputError(
                    self._path, "schema_version", "is newer", want=f"at most {_SCHEMA_VERSION}"
                )
            self._files = {path: FetchedFile(**facts) for path, facts in document["files"].items()}
        except FileNotFoundError:
            self._files = {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(self._path, "", "is damaged; remove it") from error

    def get_sha256(self, path: str) -> str:
        """Return what the file at `path` hashed to when it was first seen; "" if it never was."""
        known = self._files.get(path)
        return known.sha256 if known else ""

    def check(self, file: RemoteFile) -> bool:
        """Return whether a file is here, after checking it unless it is untouched since.

        Raises:
            InputError: If it is not what was published, or not what was here before.
        """
        path = self._folder / file.path
        if not path.is_file():
            return False
        known = self._files.get(file.path)
        if known is None or not known.is_untouched(path) or file.sha256 not in ("", known.sha256):
            self.add(file, check_content(path, file, path, self.get_sha256(file.path)))
        return True

    def add(self, file: RemoteFile, sha256: str) -> None:
        """Record the sum of a file that lies in its place.

        Raises:
            StorageError: If the record cannot be written.
        """
        found = (self._folder / file.path).stat()
        with self._lock:
            self._files[file.path] = FetchedFile(
                sha256=sha256, size_bytes=found.st_size, mtime_ns=found.st_mtime_ns
            )
            self._write()

    def _write(self) -> None:
        files = {path: asdict(self._files[path]) for path in sorted(self._files)}
        document = {"schema_version": _SCHEMA_VERSION, "files": files}
        hidden = self._path.with_name(f"{NAME}.new")
        try:
            hidden.write_text(json.dumps(document, indent=1), "utf-8")
            hidden.replace(self._path)
        except OSError as error:
            raise describe_os_error(self._path, "write", error) from error
