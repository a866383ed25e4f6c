"""The folder of a submission: which files may lie in it, looked at without opening any."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cosmos_board.submissions.files.layouts import LARGEST_IN_GIT_BYTES
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import MANIFEST
from cosmos_board.submissions.format.safe_yaml import LARGEST_BYTES
from cosmos_board.submissions.format.text import check_slug
from cosmos_board.submissions.problems import Problem

ALLOWED = (MANIFEST, PREDICTIONS, COUNTS)
_WEIGHTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx", ".pkl")


def show_path(folder: Path) -> str:
    """Return how messages name a submission: as in the repository where it lies in one."""
    parts = folder.absolute().parts
    return "/".join(parts[-2:]) if parts[-2:-1] == ("submissions",) else str(folder)


def describe_name(name: str) -> str:
    """Return why a file of that name is refused."""
    text = "file name not in the allowed set"
    if name.lower().endswith(_WEIGHTS):
        text += " (weights are referenced by sha256, never submitted)"
    return text


def check_folder(folder: Path) -> list[Problem]:
    """Return what is wrong with the folder's name and the kinds, names and sizes of its files."""
    where = show_path(folder)
    found: list[Problem] = []
    try:
        check_slug(folder.absolute().name)
    except ValueError as error:
        found.append(Problem(where, "", str(error)))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        return [*found, Problem(where, "", f"cannot be read: {error.strerror}")]
    for entry in entries[:200]:
        text = _check_entry(entry)
        if text:
            found.append(Problem(f"{where}/{entry.name}", "", text))
    if len(entries) > 200:
        found.append(Problem(where, "", f"{len(entries)} files, limit 200"))
    if MANIFEST not in {entry.name for entry in entries}:
        found.append(Problem(f"{where}/{MANIFEST}", "", "missing"))
    return found


def _check_entry(entry: os.DirEntry[str]) -> str | None:
    facts = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(facts.st_mode):
        return "symlink not allowed"
    if stat.S_ISDIR(facts.st_mode):
        return "folders are not allowed below submissions/<slug>/"
    if not stat.S_ISREG(facts.st_mode):
        return "not a regular file"
    if entry.name not in ALLOWED:
        return describe_name(entry.name)
    if facts.st_mode & 0o111:
        return "executable bit not allowed"
    return check_file_size(entry.name, facts.st_size)


def check_file_size(name: str, size: int) -> str | None:
    """Return why a file of that size is refused, or None."""
    limit = LARGEST_BYTES if name == MANIFEST else LARGEST_IN_GIT_BYTES
    return f"{size} bytes, limit {limit}" if size > limit else None
