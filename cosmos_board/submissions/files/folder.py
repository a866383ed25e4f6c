"""The folder of a submission: which files may lie in it, and whether they are those it lists."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.hashes import hash_file
from cosmos_board.submissions.files.layouts import LARGEST_IN_GIT_BYTES
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import MANIFEST, Manifest, ManifestFile
from cosmos_board.submissions.format.text import check_slug
from cosmos_board.submissions.format.toml import LARGEST_BYTES
from cosmos_board.submissions.problems import Problem

ALLOWED = (MANIFEST, PREDICTIONS, COUNTS)
_WEIGHTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx", ".pkl")
_MOST_FILES = 200


def show_path(folder: Path) -> str:
    """Return how messages name a submission: as in the repository where it lies in one."""
    parts = folder.absolute().parts
    return "/".join(parts[-2:]) if parts[-2:-1] == ("submissions",) else str(folder)


def check_name_and_size(name: str, size: int) -> str | None:
    """Return why a file of that name and size is refused, or None."""
    if name not in ALLOWED:
        weights = name.lower().endswith(_WEIGHTS)
        more = " (weights are referenced by sha256, never submitted)" if weights else ""
        return f"file name not in the allowed set{more}"
    limit = LARGEST_BYTES if name == MANIFEST else LARGEST_IN_GIT_BYTES
    return f"{size} bytes, limit {limit}" if size > limit else None


def check_folder(folder: Path) -> Iterator[Problem]:
    """Yield what is wrong with the folder's name and the kinds, names and sizes of its files."""
    where = show_path(folder)
    try:
        check_slug(folder.absolute().name)
    except ValueError as error:
        yield Problem(where, "", str(error))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Problem(where, "", f"cannot be read: {error.strerror}")
        return
    for entry in entries[:_MOST_FILES]:
        if text := _check_entry(entry):
            yield Problem(f"{where}/{entry.name}", "", text)
    if len(entries) > _MOST_FILES:
        yield Problem(where, "", f"{len(entries)} files, limit {_MOST_FILES}")
    if MANIFEST not in {entry.name for entry in entries}:
        yield Problem(f"{where}/{MANIFEST}", "", "missing")


def _check_entry(entry: os.DirEntry[str]) -> str | None:
    facts = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(facts.st_mode):
        return "symlink not allowed"
    if stat.S_ISDIR(facts.st_mode):
        return "folders are not allowed below submissions/<slug>/"
    if not stat.S_ISREG(facts.st_mode):
        return "not a regular file"
    if entry.name in ALLOWED and facts.st_mode & 0o111:
        return "executable bit not allowed"
    return check_name_and_size(entry.name, facts.st_size)


def locate(file: ManifestFile, folder: Path, external: Path | None) -> Path | None:
    """Return where a listed file lies; None where it is not at hand.

    Files that have an address lie in `external`, which is None where they are not at hand.
    """
    if file.url is not None and external is None:
        return None
    path = (external if file.url is not None and external else folder) / file.path
    return path if path.is_file() and not path.is_symlink() else None


def check_listed_files(
    manifest: Manifest, folder: Path, external: Path | None, where: str
) -> Iterator[Problem]:
    """Yield the listed files that are absent or other than pinned, and data files not listed."""
    place = f"{where}/{MANIFEST}"
    for number, file in enumerate(manifest.files):
        name = f"files[{number}]"
        path = locate(file, folder, external)
        if path is None:
            if file.url is None:
                yield Problem(place, f"{name}.path", f"'{file.path}' is not in the folder")
            elif external is not None:
                yield Problem(place, f"{name}.url", f"'{file.path}' was not fetched")
            else:
                text = f"'{file.path}' lies elsewhere and was not looked at, see --external"
                yield Problem(place, f"{name}.url", text, "noted")
            continue
        if (size := path.stat().st_size) != file.size_bytes:
            text = f"file has {size} bytes, manifest says {file.size_bytes}"
            yield Problem(place, f"{name}.size_bytes", text)
        if (digest := hash_file(path)) != file.sha256:
            text = f"file is {digest[:12]}..., manifest says {file.sha256[:12]}..."
            yield Problem(place, f"{name}.sha256", text)
    for stray in {PREDICTIONS, COUNTS} - {file.path for file in manifest.files}:
        if (folder / stray).exists():
            yield Problem(f"{where}/{stray}", "", f"not listed in {MANIFEST}")
