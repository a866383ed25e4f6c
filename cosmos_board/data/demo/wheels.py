"""The published wheels that the demo packs come out of: fetched, kept, opened, never installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.processes import hold_lock, wrap_command
from cosmos_board.store.files import open_whole

_LOCK_S = 300
_PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"),
    *("--disable-pip-version-check", "--retries", "2", "--only-binary", ":all:"),
)
# Where a package has no wheel for this Python, any wheel will do: nothing of it is run.
_SOME_TAGS = (
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
    *("--platform", "manylinux_2_28_x86_64"),
)


@dataclass(frozen=True, slots=True)
class DemoWheel:
    """One wheel, pinned by version; what is used of it is pinned by hash in `SHA256SUMS`."""

    package: str
    version: str
    prefix: str
    """Start of the names of the members that are used."""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


STARDIST = DemoWheel("stardist", "0.9.2", "stardist/")
NILEARN = DemoWheel("nilearn", "0.14.1", "nilearn/")
PYCERR = DemoWheel("pycerr", "2.5.1", "cerr/")
WHEELS = (STARDIST, NILEARN, PYCERR)


def find_cache() -> Path:
    """Return the folder for downloads: `COSMOS_BOARD_CACHE`, or one in the user's cache."""
    if named := os.environ.get("COSMOS_BOARD_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cosmos-board"


@contextmanager
def hold_cache(folder: Path) -> Iterator[None]:
    """Keep other processes from writing into a folder of the cache meanwhile; wait for them.

    Raises:
        InUseError: If another process has been writing for minutes.
        StorageError: If the disk is full, read-only or gone.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe_os_error(folder, "write", error) from error
    held = f"{folder}: another process is writing into it"
    with hold_lock(folder / ".lock", held, wait_s=_LOCK_S):
        yield


def read_sums(prefix: str = "") -> dict[str, str]:
    """Return the sha256 of each member used, by its name in the wheel.

    Example:
        >>> len(read_sums("stardist/"))
        2
    """
    lines = files(__package__).joinpath("SHA256SUMS").read_text("utf-8").splitlines()
    pairs = (line.split("  ", 1) for line in lines)
    return {name: sha256 for sha256, name in pairs if name.startswith(prefix)}


@contextmanager
def unpacked(wheel: DemoWheel, cache: Path, folder: Path) -> Iterator[Path]:
    """Give the used members of `wheel`, each with the hash we know, as files in `folder`.

    The wheel is downloaded into `cache` unless it is there; a damaged one is fetched anew, once.

    Raises:
        InputError: If it cannot be downloaded, or does not hold what we know.
        InUseError: If another process has been downloading for minutes.
        StorageError: If the disk is full, read-only or gone.
    """
    with hold_cache(cache):
        path = _find_wheel(wheel, cache)
        if path is not None and _find_problem(wheel, path):
            path.unlink()
            path = None
        if path is None:
            path = _download(wheel, cache)
            if problem := _find_problem(wheel, path):
                path.unlink()
                raise InputError(wheel.requirement, "wheel", problem)
    _extract(wheel, path, folder)
    yield folder


def _find_wheel(wheel: DemoWheel, cache: Path) -> Path | None:
    return next(iter(sorted(cache.glob(f"{wheel.package}-{wheel.version}-*.whl"))), None)


def _download(wheel: DemoWheel, cache: Path) -> Path:
    folder = cache / f".{wheel.package}-{wheel.version}.part"
    reason = ""
    for tags in ((), _SOME_TAGS):
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run(
            wrap_command([*_PIP_DOWNLOAD, *tags, "--dest", str(folder), wheel.requirement]),
            capture_output=True,
            text=True,
            check=False,
        )
        wheel_path = _find_wheel(wheel, folder)
        if not done.returncode and wheel_path is not None:
            try:
                moved = wheel_path.replace(cache / wheel_path.name)
                shutil.rmtree(folder, ignore_errors=True)
            except OSError as error:
                raise describe_os_error(cache, "write", error) from error
            return moved
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = reason or (errors or done.stderr.splitlines() or ["pip said nothing"])[-1]
    raise InputError(wheel.requirement, "download", f"failed and is not in {cache}: {reason}")


def _find_problem(wheel: DemoWheel, path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            for name, sha256 in read_sums(wheel.prefix).items():
                if hashlib.sha256(archive.read(name)).hexdigest() != sha256:
                    return f"{name} has another sha256 than the one we know"
    # A damaged header may name a compression that zipfile does not know; it then raises the last.
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, NotImplementedError) as error:
        return f"is damaged: {error}"
    return ""


def _extract(wheel: DemoWheel, path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in read_sums(wheel.prefix):
            target = folder / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise describe_os_error(target.parent, "write", error) from error
            with archive.open(name) as member, open_whole(target) as file:
                shutil.copyfileobj(member, file)
