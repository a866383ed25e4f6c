"""Files in archives, listed as if they were unpacked."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import InputError
from cosmos_board.data.archives.extract import extract_members
from cosmos_board.data.archives.members import Member, list_members
from cosmos_board.data.archives.names import find_kind, group_parts, strip_ending
from cosmos_board.data.imports.names import compose, show_path
from cosmos_board.data.imports.spec.patterns import Pattern, fill_template
from cosmos_board.data.imports.spec.rules import ArchiveRule
from cosmos_board.data.scratch import make_scratch

Problem = tuple[str, str]
"""(path, reason)."""

_SIDE_ENDINGS = (".raw", ".zraw", ".raw.gz", ".img", ".img.gz", ".hdr")
"""Of files that a header beside them needs."""


@dataclass(slots=True)
class ArchivedFiles:
    """The files of the archives of a source folder."""

    members: dict[str, Member] = field(default_factory=dict)
    """By the path that they would have if they were unpacked."""

    conflicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Two archives that hold a file of one path, by that path."""

    taken_out: dict[str, str] = field(default_factory=dict)
    """Where files lie that were needed before any image is read: tables and descriptions."""

    _scratch: TemporaryDirectory[str] | None = None

    def take_out(self, path: str) -> Path:
        """Return where a file was unpacked, which lasts until this process ends."""
        if path not in self.taken_out:
            if self._scratch is None:
                self._scratch = make_scratch()
                # The images that need it are read after the plan is gone, in other processes.
                atexit.register(self._scratch.cleanup)
            extract_members({path: self.members[path]}, Path(self._scratch.name))
            self.taken_out[path] = f"{self._scratch.name}/{path}"
        return Path(self.taken_out[path])

    def find_needed(self, paths: Sequence[str]) -> dict[str, Member]:
        """Return the members among some paths, and those that lie beside them and are needed.

        Raises:
            InputError: If a file is in two archives.
        """
        needed: dict[str, Member] = {}
        for path in paths:
            if path not in self.members:
                continue
            stem = path[: path.rfind(".")]
            beside = [f"{stem}{ending}" for ending in _SIDE_ENDINGS]
            for name in (path, *(other for other in beside if other in self.members)):
                if name in self.conflicts:
                    first, second = map(show_path, self.conflicts[name])
                    raise InputError(
                        name, "archives", f"is in both {first} and {second}",
                        want='a folder for each, as in { "{part}.zip" = "{part}" }',
                    )  # fmt: skip
                needed[name] = self.members[name]
        return needed


def find_archived(
    home: Path, paths: Sequence[str], rules: Sequence[ArchiveRule], refused: list[Problem]
) -> tuple[ArchivedFiles, set[str]]:
    """Return the files in the archives among `paths`, and the files that are archives.

    A file that lies unpacked where the archive would put it, or in a folder that is called like
    the archive, is taken from there. What is not read is added to `refused`.

    Raises:
        InputError: If an archive is damaged, or is none that we read.
    """
    archived = ArchivedFiles()
    used: set[str] = set()
    unpacked = set(paths)
    owners: dict[str, str] = {}
    patterns = [(Pattern(rule.pattern), rule.folder) for rule in rules]
    for name, files in sorted(group_parts(paths).items()):
        folder = _find_folder(name, patterns)
        if folder is None:
            continue
        if not files:
            refused.append((name, "lacks a part: parts are numbered from 0 or 1, or from aa"))
            continue
        used.update(files)
        members, problems = list_members(tuple(f"{home}/{file}" for file in files), find_kind(name))
        refused += [(f"{name}: {show_path(inner)}", problem) for inner, problem in problems]
        for member in members:
            path = _join(folder, member.name)
            if path is None or _lies_unpacked(home, unpacked, name, path, member):
                continue
            if owners.get(path) == name:
                # Unpacking gives the last, as who appends a file to a tar again expects.
                if not _is_same(archived.members[path], member):
                    refused.append(
                        (path, f"is more than once in {show_path(name)}: the last counts")
                    )
                archived.members[path] = member
                continue
            other = archived.members.setdefault(path, member)
            if other is not member and not _is_same(other, member):
                archived.conflicts[path] = (owners[path], name)
            owners.setdefault(path, name)
    return archived, used


def _find_folder(name: str, patterns: Sequence[tuple[Pattern, str]]) -> str | None:
    """Return the folder into which an archive would be unpacked; None where no rule names it."""
    for pattern, folder in patterns:
        if (parts := pattern.match(compose(name))) is not None:
            return "/".join(filter(None, (name.rpartition("/")[0], fill_template(folder, parts))))
    return None


def _join(folder: str, name: str) -> str | None:
    """Return the path of a member; None where it is hidden, as are files in folders."""
    steps = [step for step in name.replace("\\", "/").split("/") if step not in ("", ".")]
    if any(step.startswith(".") for step in steps) or "__MACOSX" in steps:
        return None
    return "/".join(filter(None, (folder, *steps)))


def _lies_unpacked(home: Path, unpacked: set[str], archive: str, path: str, member: Member) -> bool:
    folder, stem = archive.rpartition("/")[0], strip_ending(archive)
    below = path.removeprefix(f"{folder}/") if folder else path
    for place in (path, f"{stem}/{below}"):
        if place in unpacked and (home / place).stat().st_size == member.size_bytes:
            return True
    return False


def _is_same(first: Member, second: Member) -> bool:
    """Return whether two members hold the same: only a checksum can tell."""
    told = first.kind in ("zip", "7z") and second.kind in ("zip", "7z")
    return told and (first.size_bytes, first.check) == (second.size_bytes, second.check)
