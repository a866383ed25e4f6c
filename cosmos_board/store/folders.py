"""Folders that a command writes: built beside their place, then renamed; other files stay.

A folder that a command wrote holds a marker file, which lists what it wrote. Only a folder that is
absent, empty, or marked by the same command and without other files is ever replaced.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.store.files import hold, sync_folder, write_bytes
from cosmos_board.store.records import dump_record, read_record

MARKER = ".cosmos-board-"
"""How the name of the file begins that marks a folder as written by a command."""

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_IGNORED = frozenset({".DS_Store"})
"""What file managers leave wherever they look."""


@contextmanager
def replace_folder(out: Path, kind: str, *, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield an empty folder beside `out`, which takes its place once the block ends.

    Until then, and after an exception, a kill or a full disk, `out` is as it was.

    Args:
        out: The folder; may be a link to one.
        kind: What it is, as in the name of the marker file: `site`, `publish`.
        inputs: Files and folders that are read for it and must not be touched.

    Raises:
        InputError: If `out` is no folder of ours, or would cover an input, the current or the
            home folder.
        InUseError: If another process is writing it.
        StorageError: If the disk is full, read-only or gone.
    """
    target = out.resolve()
    refuse_overlap(out, inputs, replaced=True)
    _refuse_shared_place(out, target)
    fresh = target.with_name(f".{target.name}.cosmos-board-new")
    with _explaining(out):
        target.parent.mkdir(parents=True, exist_ok=True)
    with hold(target), _explaining(out):
        _recover(target)
        _refuse_foreign(out, target, kind)
        _remove(fresh)
        fresh.mkdir()
        try:
            yield fresh
            _mark(fresh, kind)
            swap(fresh, target)
            sync_folder(target.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def claim_folder(out: Path, kind: str, *, given: Collection[str] = ()) -> None:
    """Mark `out` as a folder in which a command may replace whatever it finds; make it if absent.

    `given` names what a user may have put there before.

    Raises:
        InputError: If it holds anything else and has no mark.
        StorageError: If the disk is full, read-only or gone.
    """
    target = out.resolve()
    marker = target / f"{MARKER}{kind}"
    if marker.exists():
        read_record(marker)
        return
    if target.exists() and not target.is_dir():
        raise InputError(out, "", "is a file", want="a folder")
    others = set(os.listdir(target)) - _IGNORED - {*given} if target.is_dir() else ()
    if others:
        raise _foreign(out, kind, min(others))
    with _explaining(out):
        target.mkdir(parents=True, exist_ok=True)
    write_bytes(marker, dump_record({}))


def carry_over(before: Path, after: Path) -> None:
    """Have the files of folder `before`, if there is one, in `after` too, without their bytes.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    if before.is_dir():
        with _explaining(after):
            shutil.copytree(before, after, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without second names
        shutil.copy2(source, target)


def refuse_overlap(
    out: Path, inputs: Iterable[Path], *, option: str = "--out", replaced: bool = False
) -> None:
    """Refuse to write `out` where it is an input, or lies in the folder of one.

    Args:
        out: A file or folder that is about to be written.
        inputs: Files and folders that are read for it.
        option: Where the user gave `out`.
        replaced: Whether all that `out` holds will go, so that it must not hold an input either.

    Raises:
        InputError: With the first input that would be touched.
    """
    target = out.resolve()
    for path in inputs:
        source = path.resolve()
        holds = target in source.parents
        if target == source or source in target.parents or (replaced and holds):
            verb = "is" if target == source else "holds" if holds else "lies in"
            raise InputError(option, "", f"{verb} {path}, which is read", got=out, want="another")


def _refuse_shared_place(out: Path, target: Path) -> None:
    for path, name in ((Path.cwd(), "current"), (Path.home(), "home")):
        place = path.resolve()
        if target == place or target in place.parents:
            verb = "is" if target == place else "holds"
            raise InputError("--out", "", f"{verb} the {name} folder", got=out, want="another")


def _refuse_foreign(out: Path, target: Path, kind: str) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(out, "", "is a file", want="a folder")
    if target.is_mount():
        problem = "is a mount point, which cannot be swapped"
        raise InputError(out, "", problem, want="a folder inside it")
    markers = [(target / f"{MARKER}{kind}", "")]
    markers += [(path, f"{path.parent.name}/") for path in target.glob(f"*/{MARKER}*")]
    known = {
        f"{prefix}{name}"
        for path, prefix in markers
        for name in (path.name, *(read_record(path).get("files", ()) if path.exists() else ()))
    }
    for path in _iter_files(target):
        if path not in known:
            raise _foreign(out, kind, path)


def _foreign(out: Path, kind: str, name: str) -> InputError:
    problem = (
        f"was not written here by this version's `{_COMMANDS[kind]}`; delete the folder if nothing"
        " in it is needed, or choose another --out"
    )
    return InputError(out, name, problem)


_COMMANDS = {"site": "site build", "publish": "publish", "demo": "demo", "cosmos": "cosmos"}


def _iter_files(folder: Path) -> Iterator[str]:
    """Yield what a folder holds but folders, by its path in it."""
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted([*names, *links]):
            if name not in _IGNORED:
                yield Path(place, name).relative_to(folder).as_posix()


def _mark(folder: Path, kind: str) -> None:
    files = sorted(_iter_files(folder))
    write_bytes(folder / f"{MARKER}{kind}", dump_record({"files": files}))


def swap(fresh: Path, target: Path) -> None:
    """Give the name `target` to the new folder; `fresh` is then the old one, or gone."""
    if not target.exists() or not any(target.iterdir()):
        fresh.replace(target)
    elif not _exchange(fresh, target):
        target.replace(_old(target))
        fresh.replace(target)
        _remove(_old(target))


def _exchange(first: Path, second: Path) -> bool:
    """Swap two names at once; return whether this system and this disk can."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if sys.platform != "linux" or call is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    return not call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.cosmos-board-old")


def _recover(target: Path) -> None:
    """Undo a swap in two steps that was killed between them."""
    if not _old(target).exists():
        return
    if target.exists():
        _remove(_old(target))
    else:
        _old(target).replace(target)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _explaining(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise describe_os_error(out, "write", error) from error
