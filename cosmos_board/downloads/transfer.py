"""Fetches one file: resumed, tried at each address, in place whole or not at all."""

from __future__ import annotations

import os
from http.client import HTTPException
from io import FileIO
from pathlib import Path
from urllib.error import HTTPError

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.downloads.content import check_content
from cosmos_board.downloads.files import Patience, RemoteFile, Report
from cosmos_board.downloads.hosts import Hosts, parse_retry_after
from cosmos_board.downloads.partial import PartFacts, Partial
from cosmos_board.downloads.sources import ChangedSourceError, OpenedSource, open_source
from cosmos_board.downloads.space import refuse_small_disk
from cosmos_board.downloads.web import RefusedAddressError

_CHUNK_BYTES = 1 << 20
_BUSY = frozenset({429, 502, 503, 504})
"""Answers after which a server may be asked again."""


class Transfer:
    """Fetches one file into its place.

    Args:
        file: What to fetch, and what is known of its content.
        target: Where it goes; its folder exists.
        hosts: Shared by all transfers that run at the same time.
        patience: How often a server that fails is asked again.
        report: Called with the bytes that are here and the bytes in all.
    """

    def __init__(
        self, file: RemoteFile, target: Path, hosts: Hosts, *, patience: Patience, report: Report
    ) -> None:
        self._file = file
        self._part = Partial(target)
        self._hosts = hosts
        self._patience = patience
        self._report = report
        self._joined = False
        """Whether answers were put together that nothing says are of one version."""

    def run(self, wanted_sha256: str) -> str:
        """Fetch the file and return its sha256.

        Args:
            wanted_sha256: What it hashed to when it was first fetched; empty if it never was.

        Raises:
            InputError: If no address gives the file; the last reason is told.
            StorageError: If the disk is full or cannot be written.
            StoppedTransferError: If the transfer was told to stop; the next one goes on.
        """
        problem = InputError(self._file.path, "", "has no address")
        for url in self._file.urls:
            try:
                sha256 = self._fetch_checked(url, wanted_sha256)
            except InputError as error:
                problem = error
                continue
            self._part.put_in_place()
            return sha256
        raise problem

    def _fetch_checked(self, url: str, wanted_sha256: str) -> str:
        self._joined = False
        self._fetch(url)
        try:
            return check_content(self._part.path, self._file, url, wanted_sha256)
        except InputError:
            self._part.drop()
            if not self._joined:
                raise
        # Parts of two versions may have met: once more, from the first byte.
        self._fetch(url)
        try:
            return check_content(self._part.path, self._file, url, wanted_sha256)
        except InputError:
            self._part.drop()
            raise

    def _fetch(self, url: str) -> None:
        # Bytes that were had before and are sent again are no progress: a server whose answers
        # contradict each other would otherwise be asked for ever.
        failures, furthest = 0, self._part.size_bytes if self._find_facts(url) else 0
        while True:
            try:
                with self._hosts.connect(url):
                    if self._continue(url):
                        return
                problem, asked_wait_s = "the connection closed early", None
            except ChangedSourceError as error:
                if self._is_published():
                    return  # the server had promised more bytes than there are
                self._part.drop()
                problem, asked_wait_s = str(error), None
            except HTTPError as error:
                error.close()
                if error.code not in _BUSY:
                    raise InputError(url, "", "the server refuses", got=error.code) from error
                problem = f"the server is busy ({error.code})"
                asked_wait_s = parse_retry_after(error.headers.get("Retry-After"))
            except RefusedAddressError as error:
                raise InputError(url, "", str(error)) from error
            except (OSError, HTTPException) as error:
                problem, asked_wait_s = f"{error or type(error).__name__}", None
            have = self._part.size_bytes
            failures = 0 if have > furthest else failures + 1
            furthest = max(have, furthest)
            if failures == 1 and self._is_published():
                return  # the same of a server that cannot begin in the middle
            self._pause(url, failures, problem, asked_wait_s)

    def _is_published(self) -> bool:
        """Return whether what is here is the whole file, by the sum that was published of it."""
        if not self._file.is_pinned or not self._part.size_bytes:
            return False
        try:
            check_content(self._part.path, self._file, self._file.path)
        except InputError:
            return False
        return True

    def _pause(self, url: str, failures: int, problem: str, asked_wait_s: float | None) -> None:
        patience = self._patience
        if failures >= patience.attempts or (asked_wait_s or 0) > patience.longest_asked_wait_s:
            asked = "" if asked_wait_s is None else f" and asks to wait {asked_wait_s:.0f} s"
            raise InputError(
                url,
                "",
                "the transfer broke off",
                got=f"{self._part.size_bytes} bytes, then {problem}{asked}",
                want="the same command again, which resumes",
            )
        wait_s = asked_wait_s
        if wait_s is None:
            wait_s = patience.first_wait_s * 2 ** (failures - 1) if failures else 0.0
            wait_s = min(wait_s, patience.longest_wait_s)
        self._hosts.pause(url, wait_s, problem)

    def _continue(self, url: str) -> bool:
        """Fetch what is missing; return whether that was all."""
        facts = self._find_facts(url)
        have = self._part.size_bytes if facts else 0
        # What another address began is checked by the published sum alone.
        mark = facts.mark if facts and facts.url == url else ""
        self._joined |= bool(have) and not mark
        if facts is not None and facts.total is not None and have == facts.total:
            self._report(have, have)
            return True
        opened = open_source(
            url, have, mark, private=self._file.private, timeout_s=self._patience.stall_s
        )
        try:
            return self._receive(url, opened, facts)
        finally:
            opened.close()

    def _find_facts(self, url: str) -> PartFacts | None:
        """Return what is known of the part that is here; None if `url` cannot continue it."""
        facts = self._part.read_facts()
        if facts is None or (facts.url != url and not self._file.is_pinned) or self._file.varies:
            return None
        return facts

    def _receive(self, url: str, opened: OpenedSource, facts: PartFacts | None) -> bool:
        if opened.start and facts and None is not facts.total != opened.total:
            raise ChangedSourceError("has another size than before")
        want = self._file.size_bytes
        if want is not None and opened.total not in (None, want):
            raise InputError(url, "size", "is not the published one", got=opened.total, want=want)
        if not opened.start:
            self._part.begin(PartFacts(url=url, mark=opened.mark, total=opened.total))
        self._check_space(opened)
        try:
            file = open(self._part.path, "ab", buffering=0)  # noqa: SIM115 (closed below)
        except OSError as error:
            raise describe_os_error(self._part.target, "write", error) from error
        with file:
            done = self._copy(opened, file)
        whole = want if opened.total is None else opened.total
        return whole is None or done == whole

    def _check_space(self, opened: OpenedSource) -> None:
        left = (opened.total or 0) - opened.start
        refuse_small_disk(self._part.target.parent, left)

    def _copy(self, opened: OpenedSource, file: FileIO) -> int:
        done, want = opened.start, self._file.size_bytes
        self._report(done, opened.total)
        while chunk := opened.read(_CHUNK_BYTES):
            done += len(chunk)
            if want is not None and done > want:
                self._part.drop()
                raise InputError(self._part.target, "size", "is more than published", want=want)
            self._write(file, chunk)
            self._report(done, opened.total)
            self._hosts.check()
        try:
            os.fsync(file.fileno())
        except OSError as error:
            raise describe_os_error(self._part.target, "write", error) from error
        return done

    def _write(self, file: FileIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise describe_os_error(self._part.target, "write", error) from error
