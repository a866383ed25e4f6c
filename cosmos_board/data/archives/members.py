"""The files in an archive: listed once, without decompressing more than the format demands."""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from cosmos_board.core.errors import (
    CosmosBoardError,
    InputError,
    describe_unreadable,
    find_machine_failure,
)
from cosmos_board.data.archives.streams import GzipStream, JoinedFile
from cosmos_board.data.limits import LARGEST_FILE_BYTES

_MOST_MEMBERS = 1 << 21
_ENCRYPTED = 1
_INSTALL = "pip install py7zr"


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file in an archive."""

    archive: tuple[str, ...]
    """Absolute paths of the parts of the archive."""

    kind: str
    name: str
    """What the archive calls it."""

    size_bytes: int
    check: int
    """Its CRC-32, or in a tar the place of its bytes in the decompressed archive."""


Refusal = tuple[str, str]
"""(name, reason)."""


def list_members(archive: tuple[str, ...], kind: str) -> tuple[list[Member], list[Refusal]]:
    """Return the regular files of an archive, and what in it is not read.

    Raises:
        InputError: If it is damaged, encrypted or holds too many files.
        StorageError: If the disk fails.
    """
    members: list[Member] = []
    refused: list[Refusal] = []
    with reading_archive(archive[0]):
        for name, size_bytes, check, problem in _LISTERS[kind.partition(".")[0]](archive, kind):
            problem = problem or _find_problem(name, size_bytes)
            if problem:
                refused.append((name, problem))
            else:
                members.append(Member(archive, kind, name, size_bytes, check))
            if len(members) > _MOST_MEMBERS:
                raise InputError(archive[0], "", "holds too many files", want=_MOST_MEMBERS)
    return members, refused


def open_stream(archive: Sequence[str], kind: str) -> BinaryIO:
    """Return an archive as one seekable stream, a compressed tar decompressed."""
    stream: object = io.BufferedReader(JoinedFile(archive), 1 << 20)
    raw = cast("BinaryIO", stream)
    if kind == "tar.gz":
        return cast("BinaryIO", io.BufferedReader(GzipStream(raw), 1 << 16))
    if kind == "tar.bz2":
        return cast("BinaryIO", bz2.BZ2File(raw))
    return cast("BinaryIO", lzma.LZMAFile(raw)) if kind == "tar.xz" else raw


@contextmanager
def reading_archive(path: str, scratch: Path | None = None) -> Iterator[None]:
    """Turn whatever a damaged archive makes a library raise into one line (InputError).

    Raises:
        StorageError: If the disk fails, of the archive or of the folder `scratch`, into which it
            is unpacked.
    """
    try:
        yield
    except (CosmosBoardError, MemoryError):
        raise
    except ImportError as error:
        raise InputError(path, "", "needs py7zr", want=_INSTALL) from error
    except OSError as error:
        raise describe_unreadable(path, error, scratch=scratch) from error
    except Exception as error:
        if failure := find_machine_failure(error):
            raise describe_unreadable(path, failure, scratch=scratch) from error
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(path, "", f"is damaged or no such archive: {reason}") from error


_Row = tuple[str, int, int, str]
"""(name, size, check, why it is not read)."""


def _list_zip(archive: tuple[str, ...], kind: str) -> Iterator[_Row]:
    with open_stream(archive, kind) as stream, zipfile.ZipFile(stream) as file:
        for info in file.infolist():
            if info.is_dir():
                continue
            mode = stat.S_IFMT(info.external_attr >> 16)
            problem = "" if mode in (0, stat.S_IFREG) else "is no regular file"
            if info.flag_bits & _ENCRYPTED:
                problem = "is encrypted: unpack it with its password"
            yield info.filename, info.file_size, info.CRC, problem


def _list_tar(archive: tuple[str, ...], kind: str) -> Iterator[_Row]:
    with open_stream(archive, kind) as stream, tarfile.open(fileobj=stream, mode="r:") as file:
        while (info := file.next()) is not None:
            # It keeps every one otherwise.
            cast("Any", file).members.clear()
            if info.isdir():
                continue
            problem = "" if info.isreg() and not info.issparse() else "is no regular file"
            yield info.name, info.size, info.offset_data, problem


def _list_7z(archive: tuple[str, ...], kind: str) -> Iterator[_Row]:
    import py7zr

    with open_stream(archive, kind) as stream, py7zr.SevenZipFile(stream) as file:
        if file.needs_password():
            raise InputError(archive[0], "", "is encrypted: unpack it with its password")
        for info in file.list():
            if not info.is_directory:
                problem = "" if info.is_file else "is no regular file"
                yield info.filename, info.uncompressed, info.crc32 or 0, problem


_LISTERS = {"zip": _list_zip, "tar": _list_tar, "7z": _list_7z}


def _find_problem(name: str, size_bytes: int) -> str:
    steps = name.replace("\\", "/").split("/")
    if steps[0] in ("", "..") or ".." in steps or (len(steps[0]) == 2 and steps[0][1] == ":"):
        return "has a name that leads out of the archive"
    if not name.isprintable():
        return "has a name that cannot be printed"
    return "is too large" if size_bytes > LARGEST_FILE_BYTES else ""
