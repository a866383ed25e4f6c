"""Published weights: where they are, what they hash to, where they lie once fetched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.models.cards import KNOWN, KnownModel

if TYPE_CHECKING:
    from cosmos_board.downloads.files import Report

CHECKPOINTS: dict[str, KnownModel] = {
    name: known for name, known in KNOWN.items() if known.loader and known.sha256
}
"""Every built-in model whose weights can be fetched."""

BY_HAND: dict[str, str] = {
    name: known.checkpoint
    for name, known in KNOWN.items()
    if known.loader and known.checkpoint and not known.sha256
}
"""Where people get weights that no program may fetch, by segmenter."""


def fetch_checkpoint(name: str, *, report: Report | None = None) -> Path:
    """Return the published weights of a segmenter, fetched where they are not here yet.

    Raises:
        UnknownNameError: If nothing is published under that name.
        InputError: If the transfer fails or the content is not the published one.
        StorageError: If the disk is full or cannot be written.
    """
    from cosmos_board.downloads.single import download

    url, sha256 = get_checkpoint(name)
    return download(url, cached_path(name), sha256=sha256, report=report)


def find_checkpoint(name: str) -> Path:
    """Return where the fetched weights of a segmenter lie, after checking their hash.

    Raises:
        InputError: If they were not fetched, or were altered since.
    """
    from cosmos_board.downloads.single import check_sha256

    _, sha256 = get_checkpoint(name)
    path = cached_path(name)
    if not path.is_file():
        raise InputError(
            name,
            "--checkpoint",
            "its weights are not here",
            want=f"`cosmos-board models fetch {name}` or --checkpoint FILE",
        )
    check_sha256(path, sha256)
    return path


def get_checkpoint(name: str) -> tuple[str, str | None]:
    """Return the address and the sha256 of a segmenter's weights.

    Raises:
        UnknownNameError: If nothing is published under that name.
        InputError: If no program may fetch them.
    """
    if name in BY_HAND:
        raise InputError(
            name,
            "weights",
            "cannot be fetched",
            want=f"a download by hand from {BY_HAND[name]}, then --checkpoint FILE",
        )
    if name not in CHECKPOINTS:
        raise UnknownNameError("models fetch", "name", name, CHECKPOINTS)
    published = CHECKPOINTS[name]
    assert published.checkpoint is not None, "what has a hash has an address"
    return published.checkpoint, published.sha256


def cached_path(name: str) -> Path:
    """Return where fetched weights go: `COSMOS_BOARD_CACHE`, or the user's cache folder."""
    named = os.environ.get("COSMOS_BOARD_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else base / "cosmos-board"
    return folder / "checkpoints" / get_checkpoint(name)[0].rpartition("/")[2]
