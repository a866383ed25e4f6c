"""Fetches several files into a folder, some at a time; the same call again does what is missing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TypeAlias

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.processes import hold_lock
from cosmos_board.downloads.files import Patience, RemoteFile
from cosmos_board.downloads.hosts import Hosts
from cosmos_board.downloads.partial import Partial
from cosmos_board.downloads.record import FetchRecord
from cosmos_board.downloads.sources import find_size
from cosmos_board.downloads.space import refuse_small_disk
from cosmos_board.downloads.threads import run_each
from cosmos_board.downloads.transfer import Transfer
from cosmos_board.downloads.web import RefusedAddressError

LOCK = ".fetch.lock"

ReportFile: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the path of a file, its bytes that are here, and its bytes in all."""


_PATIENCE = Patience()


def _say_nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """How files are fetched, and who is told."""

    patience: Patience = _PATIENCE
    stopped: threading.Event | None = None
    """Event that ends the transfers; what they fetched is kept."""

    report: ReportFile = _say_nothing
    say: Callable[[str], None] = _say_nothing
    """Called with a line of text: a pause, a file that fails."""


def fetch_files(
    files: Sequence[RemoteFile], folder: Path, options: FetchOptions | None = None
) -> list[RemoteFile]:
    """Fetch what is missing into `folder`, check what is there, and return what is not to be had.

    The files that are returned have no address and do not lie in the folder: a person must put
    them there. Every file that is there is as it was published; where nobody published a sum, it
    is as it was when it was first seen (`.fetched.json`).

    Raises:
        InputError: If a file is not what it should be, or none of its addresses gives it; the
            other files were fetched.
        InUseError: If another process is fetching into the folder.
        StorageError: If the disk is too small, full or cannot be written.
        StoppedError: If `options.stopped` was set; the same call goes on where this one stopped.
    """
    options = options or FetchOptions()
    for path in {(folder / file.path).parent for file in files} | {folder}:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise describe_os_error(path, "write", error) from error
    with hold_lock(folder / LOCK, f"{folder}: another process is fetching into it"):
        return _Fetching(folder, options).run(files)


class _Fetching:
    def __init__(self, folder: Path, options: FetchOptions) -> None:
        self._folder = folder
        self._options = options
        self._hosts = Hosts(options.stopped, options.say)
        self._record = FetchRecord(folder)
        self._problems: list[InputError] = []

    def run(self, files: Sequence[RemoteFile]) -> list[RemoteFile]:
        missing: list[RemoteFile] = []

        def check(file: RemoteFile) -> None:
            if not self._record.check(file):
                missing.append(file)

        self._run_each(files, check)
        missing.sort(key=files.index)
        wanted = [file for file in missing if file.urls]
        self._check_space(wanted)
        self._run_each(wanted, self._fetch)
        if self._problems:
            first, *others = self._problems
            for other in others:
                self._options.say(str(other))
            raise first
        return [file for file in missing if not file.urls]

    def _fetch(self, file: RemoteFile) -> None:
        transfer = Transfer(
            file,
            self._folder / file.path,
            self._hosts,
            patience=self._options.patience,
            report=lambda done, total: self._options.report(file.path, done, total),
        )
        self._record.add(file, transfer.run(self._record.get_sha256(file.path)))

    def _check_space(self, files: Iterable[RemoteFile]) -> None:
        """Refuse to begin what the disk cannot hold, as far as the servers tell sizes.

        Raises:
            StorageError: If it cannot.
        """
        left: list[int] = []

        def find_left(file: RemoteFile) -> None:
            part = Partial(self._folder / file.path)
            facts = part.read_facts()
            size = file.size_bytes or (facts and facts.total) or self._ask_size(file)
            left.append(max((size or 0) - part.size_bytes, 0))
            if size:
                self._options.report(file.path, part.size_bytes, size)

        self._run_each(files, find_left)
        refuse_small_disk(self._folder, sum(left))

    def _ask_size(self, file: RemoteFile) -> int | None:
        try:
            with self._hosts.connect(file.urls[0]):
                return find_size(
                    file.urls[0],
                    private=file.private,
                    timeout_s=self._options.patience.stall_s,
                )
        except (OSError, HTTPException, RefusedAddressError, InputError):
            return None  # the transfer will say what is wrong

    def _run_each(self, files: Iterable[RemoteFile], work: Callable[[RemoteFile], object]) -> None:
        self._problems += run_each(files, work, self._hosts.stopped)
