"""The references that a track asks of a pack: all of them, or the sample of the core track.

The sample has at most 40 references a target and is the same for everyone. It takes one reference
of each cluster before a second of any, in an order that follows from hashes of ids alone. So it
needs no random numbers, does not depend on how a pack is filed, and no reference can be chosen for
being easy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Protocol

from cosmos_board.core.cards import PROTOCOL, DatasetCard
from cosmos_board.core.tracks import CORE
from cosmos_board.data.pack.info import PackInfo
from cosmos_board.metrics.definitions import TOLERANCE_PX
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES

CORE_REFERENCES = 40
"""Most references of one target in a pack's core sample."""

METRICS_VERSION = 1
"""Raised by hand when the same masks get other scores."""


class Listing(Protocol):
    """What is asked of a pack without its pictures and masks: a pack, or its index in git."""

    @property
    def info(self) -> PackInfo:
        """Facts about the pack."""

    def iter_image_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per image, with at least the columns of `RUN_IMAGES`."""

    def iter_reference_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per reference, with at least the columns of `RUN_REFERENCES`."""


@dataclass(frozen=True, slots=True, order=True)
class IndexRow:
    """One reference without its mask: enough to check a submission's rows against."""

    reference_id: str
    image_id: str
    cluster_id: str
    modality: str
    object: str
    height: int
    width: int
    area_px: int


@dataclass(frozen=True, slots=True)
class ReferenceIndex:
    """The references that a track of a pack asks for."""

    pack: str
    track: str
    content_sha256: str
    prompts_sha256: str
    rows: Mapping[str, IndexRow]
    """By reference id, in its order."""

    permissions: tuple[str, ...] = ()
    """Those that the pack itself declares; they count where the catalog does not know it."""

    sha256: str = field(init=False)
    """Over every row: what a submission's `sample_sha256` must equal."""

    def __post_init__(self) -> None:
        digest = hashlib.sha256(f"{self.pack}\x1f{self.track}\n".encode())
        for row in self.rows.values():
            digest.update(("\x1f".join(map(str, astuple(row))) + "\n").encode())
        object.__setattr__(self, "sha256", digest.hexdigest())


def index_pack(pack: Listing, track: str = CORE) -> ReferenceIndex:
    """Return the references that `track` asks of `pack`.

    Raises:
        InputError: If the pack is damaged.
    """
    return _make_index(pack.info, track, pack.iter_image_rows(), pack.iter_reference_rows())


def index_run(run: Path, run_id: str, dataset: DatasetCard, track: str) -> ReferenceIndex:
    """Return what `track` asks of the pack behind a finished run, from the run's own index.

    Raises:
        InputError: If the index is damaged.
    """
    images = iter_rows(run / "index" / f"{run_id}.images.parquet", RUN_IMAGES)
    references = iter_rows(run / "index" / f"{run_id}.references.parquet", RUN_REFERENCES)
    return _make_index(dataset, track, images, references)


def benchmark_version(indices: Iterable[ReferenceIndex]) -> str:
    """Return 16 hexadecimal digits over all that decides a score but the model.

    They are prompts, references, how scores are computed and the boundary tolerance: rows of
    another version are not comparable and leave the ranking.
    """
    packs = sorted(
        (index.pack, index.content_sha256, index.prompts_sha256, index.sha256) for index in indices
    )
    facts = (PROTOCOL, METRICS_VERSION, TOLERANCE_PX, packs)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _make_index(
    pack: PackInfo | DatasetCard,
    track: str,
    images: Iterable[Mapping[str, Any]],
    references: Iterable[Mapping[str, Any]],
) -> ReferenceIndex:
    by_id = {row["image_id"]: row for row in images}
    joined = ({**by_id[row["image_id"]], **row} for row in references)
    rows = (
        IndexRow(
            row["reference_id"], row["image_id"], row["cluster_id"], row["modality"],
            row["object"], int(row["height"]), int(row["width"]), int(row["size_px"]),
        )
        for row in joined
    )  # fmt: skip
    chosen = core_sample(rows) if track == CORE else tuple(sorted(rows))
    return ReferenceIndex(
        pack.name, track, pack.content_sha256, pack.prompts_sha256,
        {row.reference_id: row for row in chosen}, pack.permissions,
    )  # fmt: skip


def core_sample(rows: Iterable[IndexRow], most: int = CORE_REFERENCES) -> tuple[IndexRow, ...]:
    """Return the references of the core track among `rows`, in order of id.

    Example:
        >>> rows = [IndexRow(f"r{n}", f"i{n}", f"c{n % 3}", "ct", "a", 9, 9, 60) for n in range(9)]
        >>> len({row.cluster_id for row in core_sample(rows, 3)})
        3
    """
    targets: dict[tuple[str, str], dict[str, list[IndexRow]]] = {}
    for row in rows:
        clusters = targets.setdefault((row.modality, row.object), {})
        clusters.setdefault(row.cluster_id, []).append(row)
    return tuple(
        sorted(row for clusters in targets.values() for row in _take_turns(clusters, most))
    )


def _take_turns(clusters: Mapping[str, list[IndexRow]], most: int) -> list[IndexRow]:
    """Take one reference of each cluster, then a second, until there are `most`."""
    queues = [sorted(clusters[name], key=lambda row: _order(row.reference_id))
              for name in sorted(clusters, key=_order)]  # fmt: skip
    turns = (row for turn in zip_longest(*queues) for row in turn if row is not None)
    return list(islice(turns, most))


def _order(name: str) -> bytes:
    return hashlib.blake2b(f"{PROTOCOL}\x1fcore\x1f{name}".encode(), digest_size=16).digest()
