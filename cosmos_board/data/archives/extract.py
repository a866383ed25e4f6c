"""Single files taken out of archives into a scratch folder, and nowhere else."""

from __future__ import annotations

import os
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from cosmos_board.core.errors import InputError
from cosmos_board.data.archives.members import Member, open_stream, reading_archive
from cosmos_board.data.limits import copy_limited

_CHUNK_BYTES = 1 << 20


def extract_members(members: Mapping[str, Member], folder: Path) -> None:
    """Write files of archives below `folder`, each to its path there.

    `members` are by that path, which must not lead out of the folder.

    Raises:
        InputError: If an archive is damaged or gone, or holds something else than it was listed
            with.
        StorageError: If the disk of the archive or of the folder fails.
    """
    solid: dict[tuple[str, ...], dict[str, Member]] = defaultdict(dict)
    for path, member in members.items():
        target = folder / path
        if not target.resolve().is_relative_to(folder.resolve()):
            raise InputError(path, "", "leads out of the scratch folder")
        if member.kind == "7z":
            solid[member.archive][path] = member
            continue
        with reading_archive(f"{member.archive[0]}: {member.name}", folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                _copy(member, file)
    for archive, wanted in solid.items():
        with reading_archive(archive[0], folder):
            _extract_7z(archive, wanted, folder)


def _copy(member: Member, target: BinaryIO) -> None:
    facts = tuple(os.stat(path).st_mtime_ns for path in member.archive)
    if member.kind == "zip":
        with _open_zip(member.archive, facts).open(member.name) as source:
            copied = copy_limited(member.name, source, target, member.size_bytes)
    else:
        stream = _open_tar(member.archive, member.kind, facts)
        stream.seek(member.check)
        copied = 0
        while chunk := stream.read(min(_CHUNK_BYTES, member.size_bytes - copied)):
            copied += target.write(chunk)
    if copied != member.size_bytes:
        raise InputError(member.name, "", "is cut off", got=copied, want=member.size_bytes)


# Opening reads the list of all files, and going back in a stream decompresses again: a process
# that takes file after file keeps the last archives open. `facts` change when a file does.
@lru_cache(maxsize=4)
def _open_zip(archive: tuple[str, ...], facts: tuple[int, ...]) -> zipfile.ZipFile:
    return zipfile.ZipFile(open_stream(archive, "zip"))


@lru_cache(maxsize=4)
def _open_tar(archive: tuple[str, ...], kind: str, facts: tuple[int, ...]) -> BinaryIO:
    return open_stream(archive, kind)


def _extract_7z(archive: tuple[str, ...], wanted: Mapping[str, Member], folder: Path) -> None:
    """Take files out of a 7z archive, in one go: those of a solid one come only in their order."""
    import py7zr

    own = folder / ".7z"
    own.mkdir(exist_ok=True)
    names = [member.name for member in wanted.values()]
    most = sum(member.size_bytes for member in wanted.values())
    with (
        open_stream(archive, "7z") as stream,
        py7zr.SevenZipFile(stream, max_extract_size=most + _CHUNK_BYTES) as file,
    ):
        file.extract(own, targets=names)
    for path, member in wanted.items():
        made = own / member.name
        if made.is_symlink() or not made.is_file() or made.stat().st_size != member.size_bytes:
            raise InputError(member.name, "", "is damaged, or no regular file")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        made.replace(folder / path)
