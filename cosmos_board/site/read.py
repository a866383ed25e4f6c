"""Reading a board database into a book."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_board.board.build import build_boards
from cosmos_board.core.prompts import PROTOCOL
from cosmos_board.site.book import Book, DatasetInfo, ModelInfo, TargetInfo, Timing
from cosmos_board.store.board import open_board

if TYPE_CHECKING:
    from cosmos_board.store.queries import Connection


def empty_book() -> Book:
    """Return the book of a board on which nothing was scored yet."""
    return Book(
        version="", protocol=PROTOCOL, boards={}, models={}, datasets={}, targets=(), timings=()
    )


def read_book(db: Path) -> Book:
    """Return everything that the pages need of the board database `db`."""
    with open_board(db) as connection, _quiet_collector():
        return Book(
            version=_version(connection),
            protocol=PROTOCOL,
            boards=build_boards(connection).boards,
            models={model.name: model for model in _models(connection)},
            datasets={dataset.name: dataset for dataset in _datasets(connection)},
            targets=_targets(connection),
            timings=_timings(connection),
        )


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Keep what exists out of garbage collections.

    The boards' corrections for many tests run a full collection each, and a site engine's heap
    makes that a fifth of a second, hundreds of times.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _version(connection: Connection) -> str:
    """Return a name for the data: it depends on the content, not on when or how it came in."""
    rows = connection.execute(
        "SELECT sha256 FROM shards UNION ALL SELECT pack_sha256 FROM datasets ORDER BY 1"
    ).fetchall()
    digest = hashlib.blake2b(digest_size=5)
    for (sha256,) in rows:
        digest.update(f"{sha256}\n".encode())
    return digest.hexdigest() if rows else ""


def _models(connection: Connection) -> list[ModelInfo]:
    rows = connection.execute(
        "SELECT model, label, family, kind, prompts, clicks, parameters, input_size_px, licence,"
        " source, training_data, description, base_model FROM models ORDER BY model"
    ).fetchall()
    return [
        ModelInfo(
            name=row[0],
            label=row[1],
            family=row[2],
            kind=row[3],
            prompts=tuple(row[4]),
            clicks=row[5],
            parameters=row[6],
            input_size_px=row[7],
            licence=row[8],
            source=row[9],
            training_data=None if row[10] is None else tuple(row[10]),
            description=row[11],
            base_model=row[12],
        )
        for row in rows
    ]


def _datasets(connection: Connection) -> list[DatasetInfo]:
    rows = connection.execute(
        "SELECT dataset, label, version, licence, citation, source, cluster_unit, synthetic,"
        " normalisation, subsample, pack_sha256, prompts_sha256, permissions"
        " FROM datasets ORDER BY dataset"
    ).fetchall()
    return [
        DatasetInfo(
            name=row[0],
            label=row[1],
            version=row[2],
            licence=row[3],
            citation=row[4],
            source=row[5],
            cluster_unit=row[6],
            synthetic=row[7],
            normalisation=row[8],
            subsample=row[9],
            pack_sha256=row[10],
            prompts_sha256=row[11],
            permissions=tuple(row[12]),
        )
        for row in rows
    ]


def _targets(connection: Connection) -> tuple[TargetInfo, ...]:
    rows = connection.execute(
        "SELECT i.modality, r.object, i.dataset, count(DISTINCT r.image_id), count(*),"
        " count(DISTINCT i.cluster_id)"
        " FROM reference_masks r JOIN images i USING (image_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return tuple(
        TargetInfo(modality=m, object=o, dataset=d, images=i, references=r, clusters=c)
        for m, o, d, i, r, c in rows
    )


def _timings(connection: Connection) -> tuple[Timing, ...]:
    rows = connection.execute(
        "SELECT model, device, stage, items, median_s, peak_bytes FROM timings"
        " ORDER BY model, device, stage, items, median_s, peak_bytes"
    ).fetchall()
    return tuple(
        Timing(model=m, device=d, stage=s, items=n, median_s=t, peak_bytes=b)
        for m, d, s, n, t, b in rows
    )
