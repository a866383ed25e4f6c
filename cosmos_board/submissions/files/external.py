"""Files that a manifest pins elsewhere: fetched from few hosts, never more than was declared."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.store.files import open_whole
from cosmos_board.submissions.files.listed_files import read_small
from cosmos_board.submissions.format.fields import ALLOWED_HOSTS
from cosmos_board.submissions.format.manifest import MANIFEST, ManifestFile, parse_manifest
from cosmos_board.submissions.problems import Problem, quote

_REDIRECT_HOSTS = (".githubusercontent.com", ".hf.co", ".huggingface.co", ".zenodo.org")
_CHUNK_BYTES = 1 << 20
MOST_BYTES = 12 << 30
"""Most that the files of one submission may hold together."""

Fetch: TypeAlias = Callable[[ManifestFile, Path], Path]
"""`fetch_pinned`, or what stands for it where there is no network."""

_TIMEOUT_S = 60


def check_hop(url: str) -> None:
    """Refuse an address that an allowed host must not send us to.

    Raises:
        ValueError: If it is not https, or not a host of those who keep the files.

    Example:
        >>> check_hop("https://cdn-lfs.hf.co/x")
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    known = host in ALLOWED_HOSTS or host.endswith(_REDIRECT_HOSTS)
    if parts.scheme != "https" or not known or "@" in parts.netloc or parts.port:
        raise ValueError(f"redirect to {quote(host)} refused")


class _CheckedRedirects(HTTPRedirectHandler):
    """Looks at every hop before it is taken."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> Request | None:
        """Return the next request, or refuse."""
        check_hop(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch_pinned(file: ManifestFile, out: Path, opener: OpenerDirector | None = None) -> Path:
    """Download one pinned file into folder `out` and return its path.

    Args:
        file: With its address, size and sha256.
        out: Folder; the file takes the name that the manifest gives it.
        opener: How to open addresses; None for https with checked redirects.

    Raises:
        InputError: If it has no address, or what comes is not what was pinned.
        StorageError: If the disk fails.
    """
    if file.url is None:
        raise InputError("files", file.path, "has no address")
    opener = opener or build_opener(_CheckedRedirects)
    path = out / file.path
    digest, size = hashlib.sha256(), 0
    try:
        with opener.open(file.url, timeout=_TIMEOUT_S) as answer, open_whole(path) as copy:
            while chunk := _read(answer):
                size += len(chunk)
                if size > file.size_bytes:
                    raise ValueError(f"more than the declared {file.size_bytes} bytes")
                digest.update(chunk)
                copy.write(chunk)
            if digest.hexdigest() != file.sha256:
                raise ValueError(f"is {digest.hexdigest()[:12]}..., want {file.sha256[:12]}...")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError("files", file.path, f"cannot be fetched: {error}") from error
    return path


def _read(answer: Any) -> bytes:  # noqa: ANN401 (of urllib)
    """Return the next chunk; a network that fails is told from a disk that does."""
    try:
        chunk: bytes = answer.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    return chunk


def gather_external(
    folder: Path,
    out: Path,
    fetch: Fetch = fetch_pinned,
) -> list[Problem]:
    """Bring the files that a submission pins elsewhere into folder `out`; say what did not come.

    A file that lies there already and is what was pinned is not fetched again. A manifest that
    cannot be read asks for nothing: the check says what is wrong with it.

    Args:
        folder: The submission.
        out: Where the files go; a folder of this submission's own.
        fetch: How one is fetched.

    Raises:
        StorageError: If the disk fails.
    """
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        return []
    manifest, _ = parse_manifest(read_small(path), str(path))
    wanted = [file for file in manifest.files if file.url] if manifest else []
    total = sum(file.size_bytes for file in wanted)
    place = f"submissions/{folder.absolute().name}/{MANIFEST}"
    if total > MOST_BYTES:
        return [Problem(place, "files", f"{total} bytes elsewhere, limit {MOST_BYTES}")]
    out.mkdir(parents=True, exist_ok=True)
    problems = []
    for file in wanted:
        have = out / file.path
        if have.is_file() and hash_file(have) == file.sha256:
            continue
        try:
            fetch(file, out)
        except InputError as error:
            problems.append(Problem(place, "files", str(error).removeprefix("files: ")))
    return problems
