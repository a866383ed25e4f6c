"""The folders that `submit new` writes: whole or not at all, and nothing is lost unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.store.files import sync_folder
from cosmos_board.submissions.files.folder import ALLOWED
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import MANIFEST

_WANT = "--replace, or another folder"
_PART = re.compile(r"\..+\.part")
"""What a write that was killed leaves behind."""


def refuse_taken(out: Path, *, replace: bool) -> None:
    """Refuse to draft into `out` where something would be lost.

    Data without a manifest is no submission but what an interrupted draft left, and is no obstacle.

    Raises:
        InputError: If a submission is there and `replace` is false, or a file of another kind.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(out, "", "is no folder")
    if (out / MANIFEST).exists() and not replace:
        raise InputError(out, "", "holds a submission already", want=_WANT)
    for name in sorted(path.name for path in out.iterdir()):
        if name not in ALLOWED and not _PART.fullmatch(name):
            raise InputError(out, name, "is no file of a submission; move it away first")


def refuse_taken_files(folder: Path, *, replace: bool) -> None:
    """Refuse to write data files into `folder` where it has some and `replace` is false.

    Raises:
        InputError: With the first of them.
    """
    for name in (COUNTS, PREDICTIONS):
        if (folder / name).exists() and not replace:
            raise InputError(folder, name, "is there already", want=_WANT)


@contextmanager
def open_draft(out: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of `out` once the block ends.

    After an exception `out` is as it was. A kill leaves at most a hidden folder beside it.

    Raises:
        StorageError: If the disk fails.
    """
    target = out.resolve()
    with _open_hidden(target.parent) as work:
        draft, before = work / "new", work / "old"
        draft.mkdir()
        yield draft
        if target.exists():
            target.replace(before)
        try:
            draft.replace(target)
        except OSError:
            if before.exists():
                before.replace(target)
            raise
        sync_folder(target.parent)


@contextmanager
def open_draft_files(folder: Path) -> Iterator[Path]:
    """Give an empty folder whose files move into `folder` once the block ends.

    Raises:
        StorageError: If the disk fails.
    """
    with _open_hidden(folder) as work:
        yield work
        for path in sorted(work.iterdir()):
            path.replace(folder / path.name)
        sync_folder(folder)


@contextmanager
def _open_hidden(folder: Path) -> Iterator[Path]:
    """Give a hidden folder on the disk of `folder`, which goes with all that is left in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".draft.", dir=folder) as name:
            yield Path(name)
    except OSError as error:
        raise describe_os_error(folder, "write", error) from error
