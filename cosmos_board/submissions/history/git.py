"""What git says of a repository. Only objects are read: nothing of a stranger is checked out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cosmos_board.core.errors import InputError

GONE = "000000"
FILE = "100644"
"""Modes of a path: where it was removed, and of an ordinary file."""

_OPTIONS = ("-c", "log.follow=false", "-c", "diff.ignoreSubmodules=none")
"""Nobody's own settings change what is seen."""

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Change:
    """One changed path."""

    path: str
    mode: str
    """After the change: `FILE`, `GONE`, or what is not allowed, such as a link."""

    blob: str = ""
    """Name of its content in git."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a branch's own line: what landed with it."""

    commit: str
    time: datetime
    changes: tuple[Change, ...]


class Repository:
    """A local repository with its whole history."""

    def __init__(self, path: Path) -> None:
        """Use the repository that `path` lies in.

        Raises:
            InputError: If there is none, or its history was cut.
        """
        self.path = path
        self.path = Path(self.run("rev-parse", "--show-toplevel").decode().removesuffix("\n"))
        if self.run("rev-parse", "--is-shallow-repository").strip() == b"true":
            raise InputError(path, "git", "is a shallow clone", want="git fetch --unshallow")

    def run(self, *words: str, given: bytes = b"", failing: tuple[int, ...] = ()) -> bytes:
        """Return what a git command prints; `failing` are exit codes that are answers too."""
        command = ["git", "-C", str(self.path), *_OPTIONS, *words]
        quiet = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, timeout=_TIMEOUT_S,
                check=False, env={**os.environ, **quiet},
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(self.path, "git", f"failed ({type(error).__name__})") from error
        if done.returncode and done.returncode not in failing:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise InputError(self.path, f"git {words[0]}", ascii(said[-1][:120]))
        return done.stdout

    def find_commit(self, name: str) -> str:
        """Return the full name of a commit, given by name or by branch."""
        return self.run("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()

    def holds(self, older: str, newer: str) -> bool:
        """Return whether commit `older` is in the history of `newer`."""
        if not _COMMIT.fullmatch(older):
            return False
        commits = self.run("rev-list", "--stdin", given=f"{newer}\n".encode()).split()
        return older.encode() in commits

    def merge(self, main: str, head: str) -> str | None:
        """Return the tree that a merge of `head` into `main` would leave; None for a conflict.

        Raises:
            InputError: If the branches share no commit, or several: a merge over several takes
                lines from each that no list of changes shows.
        """
        bases = self.run("merge-base", "--all", main, head, failing=(1,)).split()
        if len(bases) != 1:
            raise InputError("PR", "", f"has {len(bases)} merge bases with main", want="1: rebase")
        words = ("merge-tree", "--write-tree", "--no-messages", "-z", main, head)
        tree = self.run(*words, failing=(1,)).split(b"\0")
        return tree[0].decode() if tree[1:] == [b""] else None

    def list_changes(self, old: str, new: str) -> list[Change]:
        """Return what differs between two trees or commits; a rename is a removal and a file."""
        words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
        return list(_parse_changes(self.run(*words).split(b"\0")))

    def walk(self, commit: str, folder: str) -> Iterator[Step]:
        """Yield what landed in `folder` on the first-parent line of `commit`, oldest first."""
        words = ("log", "--first-parent", "--diff-merges=first-parent", "--reverse", "--root")
        form = ("--raw", "--no-abbrev", "--no-renames", "--no-color", "--no-show-signature", "-z")
        lines = self.run(*words, *form, "--format=commit %H %ct", commit, "--", folder).split(b"\0")
        starts = [number for number, line in enumerate(lines) if line.startswith(b"commit ")]
        for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
            _, name, seconds = lines[start].decode().split()
            changes = tuple(_parse_changes(lines[start + 1 : end]))
            yield Step(name, datetime.fromtimestamp(int(seconds), UTC), changes)

    def find_sizes(self, blobs: list[str]) -> dict[str, int]:
        """Return the size in bytes of each of `blobs`."""
        names = "".join(f"{blob}\n" for blob in blobs).encode()
        lines = self.run("cat-file", "--batch-check", given=names).decode().splitlines()
        words = [line.split() for line in lines]
        return {line[0]: int(line[2]) for line in words if line[2:] and line[2].isdecimal()}

    def read(self, blob: str) -> bytes:
        """Return the content of a file."""
        return self.run("cat-file", "blob", blob)


def _parse_changes(fields: list[bytes]) -> Iterator[Change]:
    pairs = iter(fields)
    for facts in pairs:
        if facts.strip():
            _, mode, _, blob, _ = facts.strip().decode("ascii").split(" ")
            yield Change(next(pairs).decode(errors="surrogateescape"), mode, blob)
