"""The files that a manifest lists: where they lie, and whether they are the ones it pins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.hashes import hash_file
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import Manifest, ManifestFile
from cosmos_board.submissions.format.safe_yaml import LARGEST_BYTES
from cosmos_board.submissions.problems import Problem


def read_small(path: Path) -> bytes:
    """Return the start of a file, not following a link that took its place."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(handle, "rb") as file:
        return file.read(LARGEST_BYTES + 1)


def locate(file: ManifestFile, folder: Path, external: Path | None) -> Path | None:
    """Return where a listed file lies; None where it is not at hand.

    Args:
        file: What the manifest lists.
        folder: The submission.
        external: Where files lie that have an address; None where they are not at hand.
    """
    if file.url is not None:
        if external is None:
            return None
        folder = external
    path = folder / file.path
    return path if path.is_file() and not path.is_symlink() else None


def check_files(
    manifest: Manifest, folder: Path, external: Path | None, place: str
) -> Iterator[Problem]:
    """Yield the listed files that are absent, or other than the manifest pins.

    Args:
        manifest: What the submission says.
        folder: The submission.
        external: As in `locate`.
        place: Path of the manifest, for messages.
    """
    for number, file in enumerate(manifest.files):
        field_ = f"files[{number}]"
        path = locate(file, folder, external)
        if path is None:
            if file.url is None:
                yield Problem(place, f"{field_}.path", f"'{file.path}' is not in the folder")
            elif external is not None:
                yield Problem(place, f"{field_}.url", f"'{file.path}' was not fetched")
            else:
                text = f"'{file.path}' lies elsewhere and was not looked at, see --external"
                yield Problem(place, f"{field_}.url", text, "noted")
            continue
        if (size := path.stat().st_size) != file.size_bytes:
            text = f"file has {size} bytes, manifest says {file.size_bytes}"
            yield Problem(place, f"{field_}.size_bytes", text)
        if (digest := hash_file(path)) != file.sha256:
            text = f"file is {digest[:12]}..., manifest says {file.sha256[:12]}..."
            yield Problem(place, f"{field_}.sha256", text)


def check_strays(manifest: Manifest, folder: Path, where: str) -> Iterator[Problem]:
    """Yield the data files in `folder` that the manifest does not list.

    Args:
        manifest: What the submission says.
        folder: The submission.
        where: How messages name it.
    """
    listed = {file.path for file in manifest.files}
    for name in (PREDICTIONS, COUNTS):
        if (folder / name).exists() and name not in listed:
            yield Problem(f"{where}/{name}", "", "not listed in submission.yaml")
