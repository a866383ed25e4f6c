"""Files that a manifest pins elsewhere: fetched from few hosts, never more than was declared."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.store.files import open_whole
from cosmos_board.submissions.files.folder import show_path
from cosmos_board.submissions.format.fields import ALLOWED_HOSTS
from cosmos_board.submissions.format.manifest import (
    MANIFEST,
    ManifestFile,
    parse_manifest,
    read_manifest,
)
from cosmos_board.submissions.problems import Problem, quote

_REDIRECT_HOSTS = (".githubusercontent.com", ".hf.co", ".huggingface.co", ".zenodo.org")
_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60
MOST_BYTES = 12 << 30
"""Most that the files of one submission may hold together."""

Fetch: TypeAlias = Callable[[ManifestFile, Path], Path]
"""`fetch_pinned`, or what replaces it where there is no network."""


def check_redirect(url: str) -> None:
    """Refuse an address that an allowed host must not send us to.

    Raises:
        ValueError: If it is not https, or not a host of those who keep the files.

    Example:
        >>> check_redirect("https://cdn-lfs.hf.co/x")
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    known = host in ALLOWED_HOSTS or host.endswith(_REDIRECT_HOSTS)
    if parts.scheme != "https" or not known or "@" in parts.netloc or parts.port:
        raise ValueError(f"redirect to {quote(host)} refused")


class _CheckedRedirects(HTTPRedirectHandler):
    """Checks every redirect before it is followed."""

    def redirect_request(self, *words: Any) -> Request | None:  # noqa: ANN401 (of urllib)
        """Return the next request, whose address comes last, or refuse."""
        check_redirect(words[-1])
        return super().redirect_request(*words)


def fetch_pinned(file: ManifestFile, out: Path, opener: OpenerDirector | None = None) -> Path:
    """Download one pinned file into folder `out`, under its name, and return its path.

    Raises:
        InputError: If it has no address, or what comes is not what was pinned.
        StorageError: If the disk fails.
    """
    if file.url is None:
        raise InputError("files", file.path, "has no address")
    opener = opener or build_opener(_CheckedRedirects)
    digest, size = hashlib.sha256(), 0
    try:
        with (
            opener.open(file.url, timeout=_TIMEOUT_S) as response,
            open_whole(out / file.path) as copy,
        ):
            while chunk := _read(response):
                size += len(chunk)
                if size > file.size_bytes:
                    raise ValueError(f"more than the declared {file.size_bytes} bytes")
                digest.update(chunk)
                copy.write(chunk)
            if digest.hexdigest() != file.sha256:
                raise ValueError(f"is {digest.hexdigest()[:12]}..., want {file.sha256[:12]}...")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError("files", file.path, f"cannot be fetched: {error}") from error
    return out / file.path


def _read(response: Any) -> bytes:  # noqa: ANN401 (of urllib)
    """Return the next chunk; a network that fails is told from a disk that does."""
    try:
        chunk: bytes = response.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    return chunk


def fetch_external(folder: Path, out: Path, fetch: Fetch = fetch_pinned) -> list[Problem]:
    """Bring the files that a submission pins elsewhere into `out`; say what did not come.

    A file that is there already and is what was pinned is not fetched again. A manifest that
    cannot be read asks for nothing: the check says what is wrong with it.

    Raises:
        StorageError: If the disk fails.
    """
    place = f"{show_path(folder)}/{MANIFEST}"
    manifest, _ = parse_manifest(read_manifest(folder) or b"", place)
    wanted = [file for file in manifest.files if file.url] if manifest else []
    total = sum(file.size_bytes for file in wanted)
    if total > MOST_BYTES:
        return [Problem(place, "files", f"{total} bytes elsewhere, limit {MOST_BYTES}")]
    out.mkdir(parents=True, exist_ok=True)
    problems = []
    for file in wanted:
        path = out / file.path
        if path.is_file() and hash_file(path) == file.sha256:
            continue
        try:
            fetch(file, out)
        except InputError as error:
            problems.append(Problem(place, "files", str(error).removeprefix("files: ")))
    return problems
