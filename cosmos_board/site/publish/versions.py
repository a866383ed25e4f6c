"""Boards of earlier benchmark versions: kept under `v/<version>/` as they were, never rewritten.

A published site lists its files with their hashes in `files.json`. Whoever publishes next takes
that list from the site itself, so nothing but the site is needed to keep what it said.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias
from urllib.parse import quote

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import write_bytes
from cosmos_board.store.folders import MARKER

FILES = "files.json"
FOLDER = "v"
MOST_FILES = 50_000
LARGEST_BYTES = 64 << 20
_PACKED = (".parquet", ".gz", ".duckdb", ".zip")
_NOTICE = b"""<!doctype html><meta charset="utf-8"><title>Removed</title>
<p>This page of an earlier board named an entry that was taken down, and was removed.</p>
"""
_VERSION = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIMEOUT_S = 60

Read: TypeAlias = Callable[[str], bytes | None]
"""Returns a file by its path from the root of a published site, or None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a published site says of itself."""

    version: str
    """Of the benchmark."""

    frozen: tuple[str, ...]
    """Earlier versions that it keeps, oldest first."""

    files: Mapping[str, str]
    """sha256 by path from its root; `files.json` itself is not among them."""

    head: str = ""
    """The commit of main that it was made of; empty where it was not made of submissions."""

    def keep(self, version: str) -> tuple[str, ...]:
        """Return the versions that a site of `version` keeps after this one."""
        left = self.version not in ("", version, *self.frozen)
        return (*self.frozen, self.version) if left else self.frozen


NOTHING = Published(version="", frozen=(), files={})
"""Before anything was published."""


def list_site(site: Path, version: str, frozen: tuple[str, ...], head: str = "") -> Published:
    """Return the list of the files below `site`, but for the mark of who wrote the folder."""
    files = {
        path.relative_to(site).as_posix(): _hash(path.read_bytes())
        for path in sorted(site.rglob("*"))
        if path.is_file() and path != site / FILES and not path.name.startswith(MARKER)
    }
    return Published(version=version, frozen=frozen, files=files, head=head)


def write_list(site: Path, published: Published) -> None:
    """Write `files.json` into `site`."""
    write_bytes(site / FILES, dump_list(published))


def dump_list(published: Published) -> bytes:
    """Return a list of files as bytes, in its one canonical form."""
    document = {
        "schema_version": 1,
        "benchmark": published.version,
        **({"head": published.head} if published.head else {}),
        "frozen": list(published.frozen),
        "files": dict(sorted(published.files.items())),
    }
    sealed = {**document, "sha256": _hash(json.dumps(document).encode())}
    return (json.dumps(sealed, indent=0, ensure_ascii=True) + "\n").encode()


def parse_list(data: bytes, where: str) -> Published:
    """Return what a `files.json` says; it comes from the network.

    Raises:
        InputError: If it is not exactly as `dump_list` writes it, or names a place outside.
    """
    try:
        document = json.loads(data)
        published = Published(
            version=str(document["benchmark"]),
            frozen=tuple(str(version) for version in document["frozen"]),
            files={str(path): str(digest) for path, digest in document["files"].items()},
            head=str(document.get("head", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(where, "", f"is no list of files ({type(error).__name__})") from error
    if dump_list(published) != data:
        raise InputError(where, "", "is not as it was written")
    if len(published.files) > MOST_FILES:
        raise InputError(where, "files", "are too many", got=len(published.files), want=MOST_FILES)
    for version in (published.version, *published.frozen):
        if not _VERSION.fullmatch(version):
            raise InputError(where, "benchmark", "is no version", got=ascii(version[:40]))
    for path, digest in published.files.items():
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or str(parts) != path or "\\" in path:
            raise InputError(where, "files", "names a place outside", got=ascii(path[:80]))
        if not _SHA256.fullmatch(digest):
            raise InputError(where, path[:80], "has no sha256")
    return published


def verify_list(site: Path) -> Iterator[str]:
    """Yield a line for every file of a published folder that is not as its list says."""
    path = site / FILES
    try:
        listed = parse_list(path.read_bytes(), FILES)
    except (OSError, InputError) as error:
        yield f"{error}" if isinstance(error, InputError) else f"{FILES}: cannot be read"
        return
    present = list_site(site, listed.version, listed.frozen).files
    for name in sorted(present.keys() | listed.files.keys()):
        if name not in present:
            yield f"{name}: is missing, though it was published"
        elif name not in listed.files:
            yield f"{name}: was not published"
        elif present[name] != listed.files[name]:
            yield f"{name}: is not as it was published"


def read_published(read: Read) -> Published:
    """Return what the site behind `read` says of itself; `NOTHING` where there is none.

    Raises:
        InputError: If its list is damaged.
    """
    data = read(FILES)
    return NOTHING if data is None else parse_list(data, FILES)


def read_listed(read: Read, before: Published, path: str) -> bytes | None:
    """Return a file of an earlier site, None where it has none.

    Raises:
        InputError: If the site's own list says that it is another, or that it is there.
    """
    data = read(path)
    if path in before.files and not is_listed(data, before.files[path]):
        raise InputError(path, "", "is not as it was published")
    return data


def keep_frozen(
    read: Read,
    before: Published,
    site: Path,
    version: str,
    *,
    without: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Copy what an earlier site showed into `site`, a folder for each other version.

    Of an entry that was taken down nothing is kept: a page that names it becomes a notice, any
    other file that does is left out, and so is every packed one, which cannot be looked through.

    Args:
        read: Gives the earlier site's files.
        before: What it says of itself.
        site: The new site, built.
        version: Of the new site.
        without: Entries that were taken down, by slug, with their names.

    Raises:
        InputError: If a file is gone or differs from the earlier site's own list.
        StorageError: If the disk fails.
    """
    shutil.rmtree(site / FOLDER, ignore_errors=True)
    leaves = before.version in before.keep(version) and before.version not in before.frozen
    for path, digest in before.files.items():
        inside = path.startswith(f"{FOLDER}/")
        if not inside and not leaves:
            continue
        data = read(path)
        if data is None or not is_listed(data, digest):
            raise InputError(path, "", "is not as it was published, so nothing is kept of it")
        target = site / path if inside else site / FOLDER / before.version / path
        if _is_named(path.encode(), without or {}) or (without and path.endswith(_PACKED)):
            continue
        if _is_named(data, without or {}):
            if not path.endswith(".html"):
                continue
            data = _NOTICE
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, data)


def _is_named(data: bytes, without: Mapping[str, Sequence[str]]) -> bool:
    """Return whether `data` holds slug or name of an entry that was taken down, however written."""
    for slug, names in without.items():
        if re.search(rb"(?<![a-z0-9-])" + re.escape(slug.encode()) + rb"(?![a-z0-9-])", data):
            return True
        shown = {form for name in names if name
                 for form in (name, html.escape(name), json.dumps(name)[1:-1])}  # fmt: skip
        if any(form.encode() in data for form in shown):
            return True
    return False


def is_listed(data: bytes | None, digest: str) -> bool:
    """Return whether `data` is the file that a list gives `digest` for."""
    return data is not None and _hash(data) == digest


def read_site(place: str) -> Read:
    """Return how to read a site from a folder or its https address."""
    return read_web(place) if "://" in place else read_folder(Path(place))


def read_folder(folder: Path) -> Read:
    """Return how to read a site from a folder; nothing was published where it does not exist."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return read


def read_web(url: str) -> Read:
    """Return how to read a site from its https address.

    An answer other than the file or "not found" is an error: a board that could not be read must
    not be taken for one that was never there.
    """
    if not url.startswith("https://"):
        raise InputError("--earlier", "", "is no https address", got=url)

    def read(path: str) -> bytes | None:
        address = f"{url.rstrip('/')}/{quote(path)}"
        try:
            with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:
                data: bytes = answer.read(LARGEST_BYTES + 1)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise InputError(address, "", f"cannot be read: HTTP {error.code}") from error
        except OSError as error:
            raise InputError(address, "", f"cannot be read: {error}") from error
        if len(data) > LARGEST_BYTES:
            raise InputError(address, "", "is too large", want=f"at most {LARGEST_BYTES} bytes")
        return data

    return read


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
