"""Packs the folders of a replica into the archives that its publisher offers."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path


def move_into(archive: Path, root: Path, folder: str) -> None:
    """Move the files of a folder below `root`, or all where it is empty, into an archive.

    Their names begin with that of the folder, unless it ends in `/`.
    """
    top = root / folder if folder.endswith("/") else root
    members = sorted(path for path in (root / folder).rglob("*") if path.is_file())
    names = {path: str(path.relative_to(top)) for path in members}
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path, name in names.items():
                zipped.write(path, name)
    elif archive.name.endswith(".7z"):
        import py7zr

        with py7zr.SevenZipFile(archive, "w") as packed:
            for path, name in names.items():
                packed.write(path, name)
    else:
        with tarfile.open(archive, "w:gz" if archive.name.endswith("gz") else "w") as tar:
            for path, name in names.items():
                tar.add(path, name)
    for path in members:
        path.unlink()
