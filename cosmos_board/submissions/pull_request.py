"""What a pull request changes: names, kinds and sizes of files, and whose they are.

All of it comes from git's own objects; no file of the pull request is opened here.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.accepted import find_owners
from cosmos_board.submissions.folder import ALLOWED, check_file_size, describe_name
from cosmos_board.submissions.ledger import Entry, count_recent
from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.text import check_slug

MOST_FILES = 200
MOST_NEW = 5
"""New entries of one owner in `NEW_DAYS` days: many variants of one model are fishing."""

NEW_DAYS = 30
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_KINDS = {
    "120000": "symlink not allowed",
    "160000": "submodule not allowed",
    "100755": "executable bit not allowed",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One changed path."""

    path: str
    mode: str
    """Git's mode after the change; `000000` where the file is gone."""

    size: int = 0
    old_path: str = ""
    """Where the file was before it was renamed."""


def list_changes(repo: Path, base: str, head: str) -> list[Change]:
    """Return what `head` changes since it left `base`.

    Raises:
        InputError: If git cannot tell.
    """
    for commit in (base, head):
        if not _COMMIT.fullmatch(commit):
            raise InputError("pull request", "commit", "is none", got=ascii(commit[:40]))
    raw = _git(repo, "diff", "--raw", "-z", "-M", "--no-abbrev", f"{base}...{head}").split(b"\0")
    found: list[tuple[str, str, str, str]] = []
    fields = iter(raw)
    for facts in fields:
        if not facts:
            continue
        _, mode, _, blob, status = facts.decode("ascii", "replace").split(" ")
        first = next(fields).decode(errors="surrogateescape")
        renamed = status[:1] in "RC"
        path = next(fields).decode(errors="surrogateescape") if renamed else first
        found.append((path, mode, blob, first if status.startswith("R") else ""))
    sizes = _find_sizes(repo, [blob for _, mode, blob, _ in found if mode.startswith("10")])
    return [Change(path, mode, sizes.get(blob, 0), old) for path, mode, blob, old in found]


def check_changes(
    changes: Sequence[Change], entries: tuple[Entry, ...], author: int, now: datetime
) -> tuple[str | None, list[Problem]]:
    """Return the slug that a pull request is about, and what is wrong with its changes.

    Args:
        changes: From `list_changes`.
        entries: The ledger of the base.
        author: Numeric GitHub id of whoever opened the pull request.
        now: For the limit of new entries.
    """
    if len(changes) > MOST_FILES:
        text = f"{len(changes)} changed files, limit {MOST_FILES}"
        return None, [Problem("PR", "", text)]
    if not changes:
        return None, [Problem("PR", "", "changes nothing")]
    problems = [problem for change in changes for problem in _check_change(change)]
    paths = [path for one in changes for path in (one.path, one.old_path) if path]
    slugs = sorted({parts[1] for path in paths if len(parts := path.split("/")) > 2
                    and parts[0] == "submissions"})  # fmt: skip
    new = sorted({one.path.split("/")[1] for one in changes if one.path.startswith("submissions/")})
    problems += _check_owners(slugs, new, entries, author)
    if len(slugs) > 1:
        problems.append(Problem("PR", "", f"{len(slugs)} slugs changed, want 1"))
    if len(slugs) == 1 and not find_owners(entries, slugs[0]):
        problems += _check_rate(entries, author, now)
    return (slugs[0] if len(slugs) == 1 else None), problems


def check_head(validated: str, current: str) -> list[Problem]:
    """Return what is wrong if the pull request moved on after it was checked."""
    if validated == current:
        return []
    text = f"head moved from {validated[:7]} to {current[:7]} after validation"
    return [Problem("PR", "", text)]


def _check_change(change: Change) -> Iterator[Problem]:
    old = change.old_path.split("/")
    if change.old_path and (len(old) < 3 or old[0] != "submissions"):
        yield Problem(change.old_path, "", "path outside submissions/<slug>/")
    parts = change.path.split("/")
    if len(parts) < 3 or parts[0] != "submissions" or ".." in parts:
        yield Problem(change.path, "", "path outside submissions/<slug>/")
        return
    folder, name = "/".join(parts[:2]), parts[2]
    try:
        check_slug(parts[1])
    except ValueError as error:
        yield Problem(folder, "", str(error))
    if len(parts) > 3:
        text = "folders are not allowed below submissions/<slug>/"
        yield Problem(f"{folder}/{name}", "", text)
    elif change.mode in _KINDS:
        yield Problem(change.path, "", _KINDS[change.mode])
    elif name not in ALLOWED:
        yield Problem(change.path, "", describe_name(name))
    elif change.mode == "000000":
        text = "accepted files are not removed; ask a maintainer to withdraw the entry"
        yield Problem(change.path, "", text)
    elif change.mode != "100644":
        yield Problem(change.path, "", f"mode {change.mode} not allowed")
    elif text_ := check_file_size(name, change.size):
        yield Problem(change.path, "", text_)


def _check_owners(
    slugs: Sequence[str], new: Sequence[str], entries: tuple[Entry, ...], author: int
) -> Iterator[Problem]:
    for slug in slugs:
        owners = find_owners(entries, slug)
        if not owners or author in owners:
            continue
        place = f"submissions/{slug}"
        if slug in new:
            yield Problem(place, "", f"owner is user id {owners[0]}, PR author is {author}")
        else:
            text = f"renamed to {' and '.join(new)}; owner is user id {owners[0]}"
            yield Problem(place, "", text)


def _check_rate(entries: tuple[Entry, ...], author: int, now: datetime) -> Iterator[Problem]:
    since = (now.astimezone(UTC) - timedelta(days=NEW_DAYS)).isoformat(timespec="seconds")
    count = count_recent(entries, author, since)
    if count >= MOST_NEW:
        text = f"owner {author} has {count} entries in {NEW_DAYS} days, limit {MOST_NEW}"
        yield Problem("PR", "", text)


def _find_sizes(repo: Path, blobs: Sequence[str]) -> dict[str, int]:
    if not blobs:
        return {}
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    lines = _git(repo, "cat-file", "--batch-check", given=asked).decode("ascii", "replace")
    words = [line.split() for line in lines.splitlines()]
    return {one[0]: int(one[2]) for one in words if len(one) == 3 and one[2].isdecimal()}


def _git(repo: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["git", "-C", str(repo), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(repo, "git", f"failed ({type(error).__name__})") from error
    return done.stdout
