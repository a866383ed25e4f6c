"""Fetches one file: resumable, checked against its sha256, in place whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.processes import hold_lock

Report: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes in all, where the server says so."""

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60
_ATTEMPTS = 3
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL = 206


def download(url: str, target: Path, *, sha256: str | None, report: Report | None = None) -> Path:
    """Fetch `url` into `target` and return it; a file that is there already is only checked.

    A broken transfer is taken up where it stopped, by this call (three attempts without
    progress) or the next one. What was fetched is moved into place after its hash was compared
    (in hex; None where nobody published it).

    Raises:
        InputError: If the server refuses, the transfer breaks or the content is not the
            published one.
        StorageError: If the disk is full or cannot be written.
        InUseError: If another process is fetching the same file.
    """
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        check_sha256(target, sha256)
        return target
    part = target.with_name(f"{target.name}.part")
    lock = target.with_name(f"{target.name}.lock")
    with hold_lock(lock, f"{target}: another process is fetching it"):
        _fetch(url, part, report or (lambda _done, _total: None))
        if sha256 is not None and (found := hash_file(part)) != sha256:
            part.unlink()
            raise InputError(url, "sha256", "is not the published one", got=found, want=sha256)
        with _writing(target):
            part.replace(target)
    return target


def check_sha256(path: Path, sha256: str | None) -> None:
    """Raise unless the file at `path` has the given hash; None means that nobody knows it.

    Raises:
        InputError: If it hashes to something else.
    """
    if sha256 is not None and (found := hash_file(path)) != sha256:
        raise InputError(path, "sha256", "is not the published one", got=found, want=sha256)


def _fetch(url: str, part: Path, report: Report) -> None:
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _continue(url, part, before, report):
                return
            problem: object = "the connection closed early"
        except HTTPError as error:
            error.close()
            if error.code != _RANGE_NOT_SATISFIABLE:
                raise InputError(url, "", "the server refuses", got=error.code) from error
            # What is here is longer than what is there: another file.
            part.unlink(missing_ok=True)
            problem = error
        except (OSError, HTTPException) as error:
            problem = error
        after = part.stat().st_size if part.exists() else 0
        failures = 0 if after > before else failures + 1
        if failures == _ATTEMPTS:
            raise InputError(
                url,
                "",
                "the transfer broke off",
                got=f"{after} bytes, then {problem}",
                want="the same command again, which resumes",
            )


def _continue(url: str, part: Path, have: int, report: Report) -> bool:
    """Fetch what is missing behind the first `have` bytes; return whether that was all."""
    headers = {"User-Agent": "cosmos-board", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with closing(urlopen(Request(url, headers=headers), timeout=_TIMEOUT_S)) as response:
        resumed = response.status == _PARTIAL
        start = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        with _writing(part):
            file = open(part, "ab" if resumed else "wb")  # noqa: SIM115 (closed below)
        with file:
            done = _copy(response, file, start, total, report)
    return total is None or done == total


def _copy(
    response: HTTPResponse, file: BinaryIO, start: int, total: int | None, report: Report
) -> int:
    done = start
    report(done, total)
    while chunk := response.read(_CHUNK_BYTES):
        with _writing(Path(file.name)):
            file.write(chunk)
        done += len(chunk)
        report(done, total)
    with _writing(Path(file.name)):
        file.flush()
        os.fsync(file.fileno())
    return done


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error
