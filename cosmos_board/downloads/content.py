"""Is a file what was published, what was fetched before, and at least a whole archive?"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from pathlib import Path

from cosmos_board.core.errors import InputError, describe_unreadable, find_machine_failure
from cosmos_board.downloads.files import RemoteFile

_SEVEN_ZIP_MAGIC = b"7z\xbc\xaf\x27\x1c"
_SEVEN_ZIP_HEADER_BYTES = 32
_CHUNK_BYTES = 1 << 20


def check_content(path: Path, file: RemoteFile, where: object, wanted_sha256: str = "") -> str:
    """Return the sha256 of the file at `path` after checking all that is known of `file`.

    Args:
        path: Where it lies.
        file: What was published of it.
        where: Its address or path, for messages.
        wanted_sha256: What it hashed to when it was first fetched; empty if it never was.

    Raises:
        InputError: If it has another size or sum, or is no whole archive of its kind.
    """
    size = path.stat().st_size
    if file.size_bytes is not None and size != file.size_bytes:
        raise InputError(where, "size", "is not the published one", got=size, want=file.size_bytes)
    sha256, md5 = _hash(path, with_md5=bool(file.md5))
    for name, got, want in (("sha256", sha256, file.sha256), ("md5", md5, file.md5)):
        if want and got != want:
            raise InputError(where, name, "is not the published one", got=got, want=want)
    if wanted_sha256 and not file.varies and sha256 != wanted_sha256:
        problem = "is not that of the file that was fetched before"
        raise InputError(where, "sha256", problem, got=sha256, want=wanted_sha256)
    if not file.is_pinned and (problem := find_archive_problem(path, file.path)):
        raise InputError(where, "", problem)
    return sha256


def find_archive_problem(path: Path, name: str) -> str:
    """Return what is wrong with an archive, judged by the ending of `name`; "" if nothing is seen.

    A truncated archive is found: zip and 7z have their list at the end, tar and gzip are read
    through. Nothing is unpacked to the disk.
    """
    ending = name.lower()
    try:
        if ending.endswith(".zip"):
            with zipfile.ZipFile(path):
                return ""
        if ending.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
            with tarfile.open(path) as archive:
                for _ in archive:
                    pass
            return _find_cut_tar(path) if ending.endswith(".tar") else ""
        if ending.endswith(".gz"):
            with gzip.open(path) as stream:
                while stream.read(_CHUNK_BYTES):
                    pass
        if ending.endswith(".7z"):
            return _find_cut_seven_zip(path)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error) as error:
        if failure := find_machine_failure(error):
            raise describe_unreadable(path, failure) from error
        return f"is no whole archive: {error}"
    return ""


def _find_cut_tar(path: Path) -> str:
    """Tell whether the member that a tar ends with is whole: reading the list skips its content."""
    with tarfile.open(path, "r:") as archive:
        last = max((member for member in archive), key=lambda one: one.offset_data, default=None)
    end = 0 if last is None else last.offset_data + (last.size if last.isreg() else 0)
    return "is no whole archive: its last member is cut off" if path.stat().st_size < end else ""


def _find_cut_seven_zip(path: Path) -> str:
    with path.open("rb") as file:
        header = file.read(_SEVEN_ZIP_HEADER_BYTES)
    if not header.startswith(_SEVEN_ZIP_MAGIC) or len(header) < _SEVEN_ZIP_HEADER_BYTES:
        return "is no 7z archive"
    offset, size = (int.from_bytes(header[at : at + 8], "little") for at in (12, 20))
    whole = _SEVEN_ZIP_HEADER_BYTES + offset + size
    return "is no whole archive: its end is missing" if path.stat().st_size < whole else ""


def _hash(path: Path, *, with_md5: bool) -> tuple[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            if with_md5:
                md5.update(chunk)
    return sha256.hexdigest(), md5.hexdigest()
