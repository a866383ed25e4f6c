"""Demo packs in the user's cache: built once, and looked at in full before each use."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.curation.demo import DemoPack, build_demo_pack
from cosmos_board.data.demo.wheels import hold_cache
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.info import dump_info

_MAKERS = ("core", "curation", "data", "factors", "phantoms", "prompts", "store")
"""Packages whose code decides what a pack holds."""


def find_demo_pack(pack: DemoPack, cache: Path, *, say: Callable[[str], None]) -> Path:
    """Return where `pack` lies below `cache`; it is built there unless it is there and whole.

    Two processes do not build one pack at once: the second waits and uses what the first made.

    Raises:
        InputError: If a download fails, or holds other bytes than those we know.
        InUseError: If another process has been building for minutes.
        StorageError: If the disk is full, read-only or gone.
    """
    folder = cache / "packs"
    out = folder / f"{pack.name}-{hash_recipe(pack)[:16]}"
    with hold_cache(folder):
        if out.exists() and not check_pack(out):
            return out
        shutil.rmtree(out, ignore_errors=True)
        build_demo_pack(pack, out, say=say, cache=cache)
        for problem in check_pack(out):
            raise InputError.plain(problem)
    return out


def hash_recipe(pack: DemoPack) -> str:
    """Return the sha256 of all that decides what the pack holds: its facts, and our own code.

    So a change of the code that makes packs is a new place in the cache.
    """
    digest = hashlib.sha256(dump_info(pack.make_info()))
    for name in _MAKERS:
        for part in _iter_sources(files("cosmos_board") / name, name):
            digest.update(part)
    return digest.hexdigest()


def _iter_sources(folder: Traversable, path: str) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _iter_sources(entry, f"{path}/{entry.name}")
        elif not entry.name.endswith(".pyc"):
            data = entry.read_bytes()
            yield f"{path}/{entry.name} {len(data)}\n".encode()
            yield data
