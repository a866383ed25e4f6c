"""Published weights: where they are, what they hash to, where they lie once fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_board.core.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from cosmos_board.models.weights.download import Report

_SAM = "https://dl.fbaipublicfiles.com/segment_anything"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One published file of weights."""

    name: str
    """Of the segmenter that it belongs to."""

    url: str
    sha256: str | None
    """In hex; None where nobody published it."""

    size_bytes: int | None = None
    """None where nobody published it."""

    @property
    def file_name(self) -> str:
        """Its name in the cache folder."""
        return self.url.rpartition("/")[2]


CHECKPOINTS: dict[str, Checkpoint] = {
    checkpoint.name: checkpoint
    for checkpoint in (
        Checkpoint(
            "sam-vit-b",
            f"{_SAM}/sam_vit_b_01ec64.pth",
            "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        ),
        Checkpoint(
            "sam-vit-l",
            f"{_SAM}/sam_vit_l_0b3195.pth",
            "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        ),
        Checkpoint(
            "sam-vit-h",
            f"{_SAM}/sam_vit_h_4b8939.pth",
            "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
            2_564_550_879,
        ),
    )
}
"""Every checkpoint that can be fetched, by segmenter."""


BY_HAND: dict[str, str] = {
    "medsam": "https://drive.google.com/drive/folders/1ETWmi4AiniJeWOt6HAsYgTjYv_fkgzoN",
    "sam-med2d": "https://drive.google.com/file/d/1ARiB5RkSsWmAB_8mqWnwDF8ZKTtFwsjl",
}
"""Where people get weights that no program may fetch, by segmenter."""


def fetch_checkpoint(name: str, *, report: Report | None = None) -> Path:
    """Return the published weights of a segmenter, fetched where they are not here yet.

    Raises:
        UnknownNameError: If nothing is published under that name.
        InputError: If the transfer fails or the content is not the published one.
        StorageError: If the disk is full or cannot be written.
    """
    from cosmos_board.models.weights.download import download

    checkpoint = get_checkpoint(name)
    return download(checkpoint.url, cached_path(name), sha256=checkpoint.sha256, report=report)


def find_checkpoint(name: str) -> Path:
    """Return where the fetched weights of a segmenter lie, after checking their hash.

    Raises:
        InputError: If they were not fetched, or were altered since.
    """
    from cosmos_board.models.weights.download import check_sha256

    checkpoint = get_checkpoint(name)
    path = cached_path(name)
    if not path.is_file():
        raise InputError(
            name,
            "--checkpoint",
            "its weights are not here",
            want=f"`cosmos-board models fetch {name}` or --checkpoint FILE",
        )
    check_sha256(path, checkpoint.sha256)
    return path


def get_checkpoint(name: str) -> Checkpoint:
    """Return the entry of a segmenter.

    Raises:
        UnknownNameError: If nothing is published under that name.
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
    return CHECKPOINTS[name]


def cached_path(name: str) -> Path:
    """Return where fetched weights go: `COSMOS_BOARD_CACHE`, or the user's cache folder."""
    named = os.environ.get("COSMOS_BOARD_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else base / "cosmos-board"
    return folder / "checkpoints" / get_checkpoint(name).file_name
