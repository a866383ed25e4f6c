"""Source units for tests: small pictures with discs, made anew from a seed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.curation.curate import curate
from cosmos_board.data.pack.info import PackInfo
from cosmos_board.data.source import SourceImage, SourceUnit

INFO = PackInfo(
    name="discs",
    label="Discs",
    version="1",
    licence="CC0-1.0",
    source="made here",
    citation="none",
    normalisation="none",
    cluster_unit="patient",
    synthetic=True,
)


def disc(size: int, x: int, y: int, radius: int) -> Mask:
    """Return a disc in a square of `size` pixels."""
    rows, columns = np.ogrid[:size, :size]
    inside: Mask = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return inside


def make_image(seed: int, *, cluster: str | None = None, size: int = 40) -> SourceImage:
    """Return a noisy picture with one bright disc and two instances of a cell."""
    rng = np.random.default_rng(seed)
    organ, cells = disc(size, 12, 14, 8), (disc(size, 28, 10, 5), disc(size, 30, 30, 6))
    pixels = rng.integers(0, 60, (size, size), dtype=np.uint8)
    pixels[organ] += 120
    for cell in cells:
        pixels[cell] += 60
    return SourceImage(
        pixels=pixels,
        modality="synthetic",
        cluster_key=cluster or f"Doe^Jane {seed // 2}",
        masks={"organ": (organ,), "cell": cells},
        observers={"second": {"organ": (disc(size, 13, 14, 8),)}},
        origin=f"picture {seed}",
    )


def read_images(*seeds: int) -> Iterable[SourceImage]:
    """Yield the pictures of a unit."""
    for seed in seeds:
        yield make_image(seed)


def read_broken(seed: int) -> Iterable[SourceImage]:
    """Yield one picture, then break as a damaged file does."""
    yield make_image(seed)
    raise InputError("scan.nii", "header", "is cut off")


def read_hostile() -> Iterable[SourceImage]:
    """Break as libraries do on hostile files."""
    raise ValueError("bad\nmagic")


def read_deadly() -> Iterable[SourceImage]:
    """End the process without a word, as a crash in C does."""
    os._exit(9)


def make_unit(*seeds: int) -> SourceUnit:
    """Return the unit of the pictures with these seeds."""
    return SourceUnit(f"seeds {seeds}", f"/home/jane/{seeds}", partial(read_images, *seeds))


def yield_images(*images: SourceImage) -> SourceUnit:
    """Return one unit of these pictures; only for this process."""
    return SourceUnit("images", "images", lambda: images)


def build_discs(out: Path, seeds: Iterable[int] = range(6)) -> Path:
    """Curate one unit per seed into a pack at `out` and return `out`."""
    curate([make_unit(seed) for seed in seeds], INFO, out, workers=1)
    return out
