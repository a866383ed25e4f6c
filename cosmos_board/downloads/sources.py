"""Opens what an address names at a given byte: http(s), `hf://` and what fsspec can open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from urllib.error import HTTPError
from urllib.parse import urlsplit

from cosmos_board.core.errors import InputError
from cosmos_board.downloads.web import SCHEMES, open_web

_RANGE_NOT_SATISFIABLE = 416
_WHOLE, _PARTIAL = 200, 206
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_HUB = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+?)(?:@([\w.-]+))?/(.+)")
_INSTALL = "pip install 'cosmos-board[fetch]'"


class ChangedSourceError(Exception):
    """What lies at the address is not what was fetched in part before, or cannot be continued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSource:
    """A file elsewhere, opened for reading."""

    start: int
    """Byte from which it is read: what was asked for, or 0 where the server cannot do that."""

    total: int | None
    """Size of the whole file in bytes; None where the server does not say."""

    mark: str
    """Tells versions of the file apart: entity tag or time of the last change; may be empty."""

    read: Callable[[int], bytes]
    """Reads at most so many bytes; none at the end."""

    close: Callable[[], object]


def open_source(
    url: str, start: int, mark: str, *, private: bool, timeout_s: float
) -> OpenedSource:
    """Open the file at `url` from byte `start` on, of the version `mark` where that is known.

    Raises:
        ChangedSourceError: If what is there now cannot continue the first `start` bytes.
        InputError: If the address is of a kind that cannot be opened here.
        RefusedAddressError, HTTPError, OSError, HTTPException: As in `open_web`.
    """
    web = find_web_address(url)
    if web is None:
        return _open_with_fsspec(url, start, mark)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if mark and not mark.startswith("W/"):  # a weak tag promises no equal bytes
            headers["If-Range"] = mark
    try:
        response = open_web(web, headers, private=private, timeout_s=timeout_s)
    except HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE:
            error.close()
            raise ChangedSourceError("is shorter than what was fetched before") from error
        raise
    try:
        return _describe(response, start, mark)
    except ChangedSourceError:
        response.close()
        raise


def find_size(url: str, *, private: bool, timeout_s: float) -> int | None:
    """Return the size in bytes of the file at `url`, without fetching it; None if nobody says.

    Raises:
        InputError, RefusedAddressError, HTTPError, OSError, HTTPException: As in `open_source`.
    """
    web = find_web_address(url)
    if web is None:
        opened = _open_with_fsspec(url, 0, "")
        opened.close()
        return opened.total
    headers = {"Accept-Encoding": "identity"}
    with open_web(web, headers, method="HEAD", private=private, timeout_s=timeout_s) as response:
        return _read_length(response)


def find_web_address(url: str) -> str | None:
    """Return the web address behind `url`; None if it is to be opened through fsspec.

    Raises:
        InputError: If it is an address of the hub that cannot be read, or huggingface_hub is
            missing, which knows the hub's address (`HF_ENDPOINT` names a mirror).
    """
    if urlsplit(url).scheme in SCHEMES:
        return url
    if not url.startswith("hf:"):
        return None
    found = _HUB.fullmatch(url)
    if found is None:
        want = "hf://datasets/OWNER/NAME/PATH or hf://datasets/OWNER/NAME@REVISION/PATH"
        raise InputError(url, "", "is no file of a dataset on the hub", want=want)
    try:
        from huggingface_hub import hf_hub_url
    except ImportError as error:
        raise InputError(url, "", "needs huggingface_hub", want=_INSTALL) from error
    repository, revision, path = found.groups()
    return hf_hub_url(repository, path, repo_type="dataset", revision=revision)


def _describe(response: HTTPResponse, start: int, mark: str) -> OpenedSource:
    new_mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    total = _read_length(response)
    if response.status == _PARTIAL:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != start:
            raise ChangedSourceError("answers with another range than the one asked for")
        if mark and new_mark != mark:
            raise ChangedSourceError("was replaced meanwhile")
        total = int(found[2])
    else:
        start = 0
        if response.status != _WHOLE:
            response.close()
            problem = "the server gives no file"
            raise InputError(response.url, "", problem, got=response.status, want=_WHOLE)
        if response.headers.get_content_type() == "text/html":
            # Hosts answer so when a file is gone or wants a person to confirm something.
            response.close()
            raise InputError(response.url, "", "the server sends a web page instead of the file")
    return OpenedSource(
        start=start, total=total, mark=new_mark, read=response.read1, close=response.close
    )


def _read_length(response: HTTPResponse) -> int | None:
    length = response.headers.get("Content-Length")
    return int(length) if length and length.isdigit() else None


def _open_with_fsspec(url: str, start: int, mark: str) -> OpenedSource:
    """Open an address of a bucket or another store, as fsspec is configured for it."""
    try:
        import fsspec

        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise InputError(url, "", f"needs more: {error}", want=_INSTALL) from error
    except ValueError as error:
        raise InputError(url, "", "cannot be opened", got=error) from error
    try:
        facts = files.info(path)
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(url, "", "cannot be opened", got=error or type(error).__name__) from error
    new_mark = next((str(facts[key]) for key in ("ETag", "etag", "mtime") if key in facts), "")
    if start and mark != new_mark:
        raise ChangedSourceError("was replaced meanwhile")
    size = facts.get("size")
    if start and size is not None and start > size:
        raise ChangedSourceError("is shorter than what was fetched before")
    file = files.open(path, "rb")
    file.seek(start)
    return OpenedSource(start=start, total=size, mark=new_mark, read=file.read, close=file.close)
