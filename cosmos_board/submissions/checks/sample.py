"""The core track's sample: at most 40 references a target, the same for everyone.

Patients come first: the sample takes one reference of each cluster before a second of any, in an
order that follows from hashes of ids alone. So it needs no random numbers, does not depend on how
a pack is filed, and no reference can be chosen for being easy.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cosmos_board.core.cards import DatasetCard
from cosmos_board.core.prompts import PROTOCOL
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


def core_sample(rows: Iterable[IndexRow], most: int = CORE_REFERENCES) -> tuple[IndexRow, ...]:
    """Return the references of the core track among `rows`, in order of id.

    Example:
        >>> rows = [IndexRow(f"r{n}", f"i{n}", f"c{n % 3}", "ct", "a", 9, 9, 60) for n in range(9)]
        >>> len({row.cluster_id for row in core_sample(rows, 3)})
        3
    """
    targets: dict[tuple[str, str], dict[str, list[IndexRow]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        targets[row.modality, row.object][row.cluster_id].append(row)
    chosen = (row for clusters in targets.values() for row in _choose(clusters, most))
    return tuple(sorted(chosen))


def index_pack(pack: Listing, track: str = "core") -> ReferenceIndex:
    """Return the references that `track` asks of `pack`.

    Raises:
        InputError: If the pack is damaged.
    """
    images = {row["image_id"]: row for row in pack.iter_image_rows()}
    rows = (_join(row, images[row["image_id"]]) for row in pack.iter_reference_rows())
    info = pack.info
    return _make_index(
        info.name, track, info.content_sha256, info.prompts_sha256, rows, info.permissions
    )


def index_run(run: Path, run_id: str, dataset: DatasetCard, track: str = "core") -> ReferenceIndex:
    """Return what `track` asks of the pack behind a finished run, from the run's own index.

    Args:
        run: The run folder.
        run_id: The entry.
        dataset: The entry's pack.
        track: `core` or `full`.

    Raises:
        InputError: If the index is damaged.
    """
    folder = run / "index"
    found = iter_rows(folder / f"{run_id}.images.parquet", RUN_IMAGES)
    images = {row["image_id"]: row for row in found}
    references = iter_rows(folder / f"{run_id}.references.parquet", RUN_REFERENCES)
    rows = (_join(row, images[row["image_id"]]) for row in references)
    facts = (dataset.name, track, dataset.content_sha256, dataset.prompts_sha256)
    return _make_index(*facts, rows, dataset.permissions)


def benchmark_version(indices: Iterable[ReferenceIndex]) -> str:
    """Return 16 hexadecimal digits over all that decides a score but the model.

    They are prompts, references, how scores are computed and the boundary tolerance: rows of
    another version are not comparable and leave the ranking.
    """
    packs = sorted(
        (one.pack, one.content_sha256, one.prompts_sha256, one.sha256) for one in indices
    )
    facts = (PROTOCOL, METRICS_VERSION, TOLERANCE_PX, packs)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _make_index(
    pack: str,
    track: str,
    content: str,
    prompts: str,
    rows: Iterable[IndexRow],
    permissions: tuple[str, ...],
) -> ReferenceIndex:
    kept = core_sample(rows) if track == "core" else tuple(sorted(rows))
    by_id = {row.reference_id: row for row in kept}
    return ReferenceIndex(pack, track, content, prompts, by_id, permissions)


def _join(reference: Mapping[str, object], image: Mapping[str, object]) -> IndexRow:
    return IndexRow(
        str(reference["reference_id"]),
        str(reference["image_id"]),
        str(image["cluster_id"]),
        str(image["modality"]),
        str(reference["object"]),
        int(str(image["height"])),
        int(str(image["width"])),
        int(str(reference["size_px"])),
    )


def _choose(clusters: Mapping[str, list[IndexRow]], most: int) -> list[IndexRow]:
    """Take turns among the clusters until there are `most`."""
    queues = {
        name: sorted(members, key=lambda row: _order(row.reference_id))
        for name, members in clusters.items()
    }
    names = sorted(queues, key=_order)
    turns = (
        queues[name][turn]
        for turn in range(max(map(len, queues.values())))
        for name in names
        if turn < len(queues[name])
    )
    return [row for row, _ in zip(turns, range(most), strict=False)]


def _order(name: str) -> bytes:
    return hashlib.blake2b(f"{PROTOCOL}\x1fcore\x1f{name}".encode(), digest_size=16).digest()
