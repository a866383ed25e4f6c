"""The packs that a submission names, and the references that its track asks of them.

The core track's sample has at most 40 references a target and is the same for everyone. It takes
one reference of each cluster before a second of any, in an order that follows from hashes of ids
alone. So it needs no random numbers, does not depend on how a pack is filed, and no reference can
be chosen for being easy.

`submissions/_packs/NAME/` holds the index of a pack that continuous integration cannot rebuild:
`pack.json` and `references.parquet`, no masks, and only where the licence lets ids be public.
Counts are checked and ranked by it; whoever holds the pack audits them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from cosmos_board.core.cards import PROTOCOL, DatasetCard
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.targets import Factors
from cosmos_board.core.tracks import CORE
from cosmos_board.data.catalog.licence import may
from cosmos_board.data.pack import Pack
from cosmos_board.data.pack.info import INFO_NAME, PackInfo, dump_info, read_info
from cosmos_board.metrics.definitions import TOLERANCE_PX
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import iter_rows, write_rows
from cosmos_board.store.schema import RUN_IMAGES, RUN_REFERENCES, SCHEMA_VERSION
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem

PACKS = "_packs"
"""Folder below that of submissions; no slug begins so."""

_PUBLIC = ("publish_row_ids", "publish_predictions")
_FILE = "references.parquet"
_TEXTS = ("reference_id", "image_id", "cluster_id", "modality", "object")
_NUMBERS = ("instance", "height", "width", "area_px")
_INDEX = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS),
        *(pa.field(name, pa.int32(), nullable=False) for name in _NUMBERS),
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)

CORE_REFERENCES = 40
"""Most references of one target in a pack's core sample."""

METRICS_VERSION = 1
"""Raised by hand when the same masks get other scores."""


class PackIndex:
    """The references of a pack as git lists them."""

    def __init__(self, folder: Path) -> None:
        """Read what `write_pack_index` wrote.

        Raises:
            InputError: If it is damaged.
        """
        self.info: PackInfo = read_info(folder)
        self._path = folder / _FILE

    def iter_image_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per image."""
        seen: set[str] = set()
        for row in iter_rows(self._path, _INDEX):
            if row["image_id"] not in seen:
                seen.add(row["image_id"])
                yield {"dataset": self.info.name, **row}

    def iter_reference_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per reference; of its factors only the size is known."""
        factors = dict.fromkeys(Factors.__dataclass_fields__)
        for row in iter_rows(self._path, _INDEX):
            yield {**row, **factors, "size_px": row["area_px"]}


Listing: TypeAlias = Pack | PackIndex
"""What is known of a pack here: all of it, or only which references it has."""


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
    chosen: list[IndexRow] = []
    for clusters in targets.values():  # one reference of each cluster, then a second, and so on
        queues = [sorted(clusters[name], key=lambda row: _order(row.reference_id))
                  for name in sorted(clusters, key=_order)]  # fmt: skip
        turns = (row for turn in zip_longest(*queues) for row in turn if row is not None)
        chosen += islice(turns, most)
    return tuple(sorted(chosen))


def _order(name: str) -> bytes:
    return hashlib.blake2b(f"{PROTOCOL}\x1fcore\x1f{name}".encode(), digest_size=16).digest()


def write_pack_index(root: Path, pack: Pack) -> Path:
    """Write the index of `pack` below the submissions folder `root` and return its folder.

    Raises:
        InputError: If the licence does not let ids of its images be public.
        StorageError: If the disk fails.
    """
    info = pack.info
    if not may(info.name, "publish_row_ids", dict.fromkeys(info.permissions, True)):
        raise InputError(pack.path, "licence", "does not let row ids be public", want="summaries")
    folder = root / PACKS / info.name
    folder.mkdir(parents=True, exist_ok=True)
    images = {row["image_id"]: row for row in pack.iter_image_rows()}
    rows = (
        {**images[row["image_id"]], **row, "area_px": row["size_px"]}
        for row in pack.iter_reference_rows()
    )
    write_rows(folder / _FILE, _INDEX, sorted(rows, key=lambda row: str(row["reference_id"])))
    write_bytes(folder / INFO_NAME, dump_info(info))
    return folder


def list_known(packs: Sequence[Pack], root: Path) -> list[Listing]:
    """Return `packs`, and the indices in the submissions folder `root` of packs that are not here.

    Raises:
        InputError: If an index is damaged.
    """
    here = {pack.info.name for pack in packs}
    folders = sorted(path for path in (root / PACKS).glob("*") if path.is_dir())
    indices = [PackIndex(folder) for folder in folders]
    return [*packs, *(index for index in indices if index.info.name not in here)]


def may_submit(pack: str, permissions: Iterable[str] | None) -> bool:
    """Return whether rows of a pack may be public; `permissions` are those that it declares.

    Raises:
        UnknownNameError: If neither the catalog nor the pack says anything about it.
    """
    declared = None if permissions is None else dict.fromkeys(permissions, True)
    return all(may(pack, action, declared) for action in _PUBLIC)


def check_packs(
    manifest: Manifest, indices: Iterable[ReferenceIndex], place: str
) -> Iterator[Problem]:
    """Yield what is wrong with the packs that a manifest names; `indices` are those known here."""
    known = {index.pack: index for index in indices}
    for number, use in enumerate(manifest.packs):
        name = f"packs[{number}]"
        index = known.get(use.name)
        try:
            public = may_submit(use.name, index.permissions if index else None)
        except UnknownNameError:
            text = f"'{use.name}' unknown, see: cosmos-board data list"
            yield Problem(place, f"{name}.name", text)
            continue
        if not public:
            text = f"rows from '{use.name}': public rows not permitted, use the summary route"
            yield Problem(place, f"{name}.name", text)
        elif index is None:
            text = f"no pack '{use.name}' here to check against; held for who has it"
            yield Problem(place, f"{name}.name", text, "held")
        else:
            for key, got, want in (
                ("content_sha256", use.content_sha256, index.content_sha256),
                ("prompts_sha256", use.prompts_sha256, index.prompts_sha256),
                ("sample_sha256", use.sample_sha256, index.sha256),
            ):
                if got != want:
                    text = f"{got[:12]}... retired or unknown, want {want[:12]}..."
                    yield Problem(place, f"{name}.{key}", text)
