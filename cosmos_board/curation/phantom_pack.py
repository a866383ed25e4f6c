"""Packs of phantoms: synthetic data of any size, labelled as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from cosmos_board import __version__
from cosmos_board.curation.curate import ImportReport, curate
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.demo.raw import draw_phantom_volumes, draw_phantoms
from cosmos_board.data.pack.info import PackInfo
from cosmos_board.data.source import SourceUnit

_IMAGES_PER_UNIT = 8

PHANTOM_INFO = PackInfo(
    name="phantoms",
    label="Phantoms (synthetic)",
    version="1",
    licence="Apache-2.0",
    source="drawn by cosmos-board",
    citation="cosmos-board, procedural phantoms",
    normalisation="none",
    cluster_unit="image",
    permissions=PERMISSIONS,
    synthetic=True,
)


def build_phantom_pack(
    out: Path,
    images: int = 24,
    *,
    seed: int = 0,
    side: int = 256,
    name: str = PHANTOM_INFO.name,
    workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Draw `images` phantoms, one cluster each, and curate them into a pack at `out`.

    Raises:
        InputError: If something else is at `out`.
        StorageError: If the disk fails.
    """
    units = [
        SourceUnit(
            f"phantoms {__version__} {seed} {side} {start}",
            f"phantoms from {start}",
            partial(
                draw_phantoms,
                min(_IMAGES_PER_UNIT, images - start),
                start=start,
                seed=seed,
                side=side,
            ),
        )
        for start in range(0, images, _IMAGES_PER_UNIT)
    ]
    info = replace(PHANTOM_INFO, name=name, subsample=f"{images} images, seed {seed}")
    return curate(units, info, out, workers=workers, on_progress=on_progress)


def build_phantom_volumes(
    out: Path,
    volumes: int = 6,
    *,
    seed: int = 0,
    name: str = "phantom-volumes",
    workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Draw `volumes` phantom volumes, one cluster each, and curate them into a pack at `out`.

    Their slices are images of the 2-D study as well, as those of any pack that keeps volumes.

    Raises:
        InputError: If something else is at `out`.
        StorageError: If the disk fails.
    """
    units = [
        SourceUnit(
            f"phantom volumes {__version__} {seed} {number}",
            f"phantom volume {number}",
            partial(draw_phantom_volumes, 1, start=number, seed=seed),
        )
        for number in range(volumes)
    ]
    info = replace(
        PHANTOM_INFO,
        name=name,
        label="Phantom volumes (synthetic)",
        subsample=f"{volumes} volumes, seed {seed}",
        cluster_unit="volume",
    )
    return curate(units, info, out, workers=workers, on_progress=on_progress)
