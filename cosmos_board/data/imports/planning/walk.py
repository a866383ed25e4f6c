"""Lists the files of a source folder and of archives in it; links that lead out are refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cosmos_board.core.errors import InputError, describe_unreadable, find_machine_failure
from cosmos_board.data.imports.names import order_naturally
from cosmos_board.data.imports.planning.archived import ArchivedFiles, Problem, find_archived
from cosmos_board.data.imports.spec.rules import ArchiveRule


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a source folder."""

    root: Path
    paths: tuple[str, ...]
    """Below the root, with `/`, sorted; numbers in names compare as numbers."""

    refused: tuple[Problem, ...]
    """What is not read."""

    archived: ArchivedFiles = field(default_factory=ArchivedFiles)
    """Those of the files that lie in archives."""

    def locate(self, path: str) -> Path:
        """Return where a file can be opened; one in an archive is taken out of it.

        Raises:
            InputError: If the archive is damaged.
        """
        return self.archived.take_out(path) if path in self.archived.members else self.root / path


def list_files(root: Path, archives: Sequence[ArchiveRule] = ()) -> Listing:
    """Return the regular files below `root`, and those in the archives that `archives` name.

    A symbolic link counts as the file it leads to, if that lies below `root`; links to folders
    are not followed. Hidden files and folders are skipped.

    Raises:
        InputError: If `root` is no folder that can be read, or an archive is damaged.
    """
    if not root.is_dir():
        raise InputError(root, "--source", "is no folder")
    home = root.resolve()
    paths: list[str] = []
    refused: list[tuple[str, str]] = []
    for path, problem in _walk(home, ""):
        (refused.append((path, problem)) if problem else paths.append(path))
    archived = ArchivedFiles()
    if archives:
        archived, parts = find_archived(home, paths, archives, refused)
        paths = [*(path for path in paths if path not in parts), *archived.members]
    ordered = tuple(sorted(paths, key=order_naturally))
    return Listing(home, ordered, tuple(sorted(refused)), archived)


def _walk(home: Path, below: str) -> Iterator[tuple[str, str]]:
    try:
        entries = sorted(os.scandir(home / below), key=lambda entry: entry.name)
    except OSError as error:
        if find_machine_failure(error):
            raise describe_unreadable(home / below, error) from error
        yield below, f"cannot be read: {error.strerror}"
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = f"{below}/{entry.name}" if below else entry.name
        if not _is_text(entry.name):
            yield path, "has a name that cannot be printed"
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(home, path)
        else:
            yield path, _find_problem(home, entry)


def _find_problem(home: Path, entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_symlink():
            target = Path(entry.path).resolve(strict=True)
            if not target.is_relative_to(home):
                return "is a link that leads out of the source folder"
            if target.is_dir():
                return "is a link to a folder"
        regular = entry.is_file()
    except (OSError, RuntimeError) as error:
        if failure := find_machine_failure(error):
            raise describe_unreadable(entry.path, failure) from error
        return f"cannot be read: {getattr(error, 'strerror', None) or 'it is a circle of links'}"
    return "" if regular else "is no regular file"


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return name.isprintable()
