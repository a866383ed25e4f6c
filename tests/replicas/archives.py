"""Packs the folders of a replica into the archives that its publisher offers."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path


def pack(root: Path, archive: str, folder: str) -> None:
    """Move a folder below `root`, or all of it where `folder` is empty, into an archive there."""
    members = sorted(path for path in (root / folder).rglob("*") if path.is_file())
    names = {path: str(path.relative_to(root)) for path in members}
    if archive.endswith(".zip"):
        with zipfile.ZipFile(root / archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path, name in names.items():
                zipped.write(path, name)
    elif archive.endswith(".7z"):
        import py7zr

        with py7zr.SevenZipFile(root / archive, "w") as packed:
            for path, name in names.items():
                packed.write(path, name)
    else:
        with tarfile.open(root / archive, "w:gz" if archive.endswith("gz") else "w") as tar:
            for path, name in names.items():
                tar.add(path, name)
    for path in members:
        path.unlink()
    if folder:
        shutil.rmtree(root / folder)
