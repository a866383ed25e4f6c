"""The work folder of an import: curated images of finished batches, so that it can resume."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cosmos_board.core.cards import PROTOCOL
from cosmos_board.core.errors import InputError
from cosmos_board.curation.records import CuratedImage, CuratedReference, curate_image
from cosmos_board.curation.report import ImportCounts
from cosmos_board.data.source import SourceUnit
from cosmos_board.store.files import open_whole, write_bytes

_FORMAT = "4"
_COUNTS = ("dropped", "notes", "warnings")


@dataclass(frozen=True, slots=True)
class StagedImage:
    """Where a curated image lies in the work folder."""

    sha256: str
    cluster: str
    batch: str
    start: int
    size: int
    origin: str = ""
    """What a person calls it, for the report."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished batch: its images and what was left out."""

    images: tuple[StagedImage, ...]
    counts: ImportCounts
    quarantined: tuple[tuple[str, str], ...]
    """(origin, reason) of the units that could not be read."""


def make_batch_key(units: tuple[SourceUnit, ...]) -> str:
    """Return the name under which the outcome of `units` is staged."""
    words = "\x1f".join((_FORMAT, PROTOCOL, *(unit.key for unit in units)))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def stage_batch(folder: Path, units: tuple[SourceUnit, ...]) -> None:
    """Read and curate `units` and file the outcome in `folder`, unless it is there already.

    A unit that cannot be read is quarantined as a whole. It is tried again by the next call: memory
    may have been short, or a package that reads it was missing.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    key = make_batch_key(units)
    if _is_settled(folder, key):
        return
    staged: list[StagedImage] = []
    counts = ImportCounts()
    quarantined: list[tuple[str, str]] = []
    with open_whole(_records_path(folder, key)) as file:
        for unit in units:
            try:
                images, unit_counts = _curate_unit(unit)
            except InputError as error:
                quarantined.append((unit.origin, str(error)))
                continue
            counts.add(unit_counts)
            for image, origin in images:
                record = _dump(image)
                place = (key, file.tell(), len(record))
                staged.append(StagedImage(image.sha256, image.cluster, *place, origin))
                file.write(record)
    _write_index(folder, key, Batch(tuple(staged), counts, tuple(quarantined)))


def stage_refusal(folder: Path, unit: SourceUnit, reason: str) -> None:
    """File `unit` as quarantined for good, without reading it.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    batch = Batch((), ImportCounts(), ((unit.origin, reason),))
    _write_index(folder, make_batch_key((unit,)), batch, settled=True)


def _write_index(folder: Path, key: str, batch: Batch, *, settled: bool = False) -> None:
    # Written last: a batch is finished when its index is there.
    index = {
        "images": [asdict(image) for image in batch.images],
        "counts": {name: dict(getattr(batch.counts, name)) for name in _COUNTS},
        "quarantined": batch.quarantined,
        "settled": settled,
    }
    write_bytes(_index_path(folder, key), json.dumps(index).encode())


def read_batch(folder: Path, key: str) -> Batch:
    """Return what `stage_batch` filed under `key`."""
    index = json.loads(_index_path(folder, key).read_bytes())
    return Batch(
        tuple(StagedImage(**image) for image in index["images"]),
        ImportCounts(**{name: Counter(index["counts"][name]) for name in _COUNTS}),
        tuple((origin, reason) for origin, reason in index["quarantined"]),
    )


def join_batches(batches: Iterable[Batch]) -> Batch:
    """Return what several batches hold as one."""
    images: list[StagedImage] = []
    counts = ImportCounts()
    quarantined: list[tuple[str, str]] = []
    for batch in batches:
        images += batch.images
        counts.add(batch.counts)
        quarantined += batch.quarantined
    return Batch(tuple(images), counts, tuple(quarantined))


def read_images(folder: Path, staged: tuple[StagedImage, ...]) -> Iterator[CuratedImage]:
    """Yield curated images in the order asked for, one at a time."""
    for image in staged:
        with _records_path(folder, image.batch).open("rb") as file:
            file.seek(image.start)
            yield _load(file.read(image.size))


def _is_settled(folder: Path, key: str) -> bool:
    path = _index_path(folder, key)
    if not path.exists():
        return False
    index = json.loads(path.read_bytes())
    return not index["quarantined"] or bool(index.get("settled"))


def _curate_unit(unit: SourceUnit) -> tuple[list[tuple[CuratedImage, str]], ImportCounts]:
    """Return the curated images of a unit, each with its origin."""
    # Held until the unit is read to its end: one that breaks halfway leaves nothing.
    images = []
    counts = ImportCounts()
    try:
        for source in unit.read():
            counts.notes.update(source.notes)
            counts.dropped.update(source.left_out)
            counts.warnings.update(("images", *source.warnings))
            if (image := curate_image(source, counts.dropped)) is not None:
                images.append((image, source.origin))
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, MemoryError) as error:
        # The libraries that read raw files raise anything at all on hostile ones.
        reason = f"cannot be read: {type(error).__name__}: {error}"
        raise InputError(unit.origin, "", reason[:300]) from error
    return images, counts


def _index_path(folder: Path, key: str) -> Path:
    return folder / f"{key}.json"


def _records_path(folder: Path, key: str) -> Path:
    return folder / f"{key}.records"


def _dump(image: CuratedImage) -> bytes:
    facts = asdict(replace(image, png=b""))
    # Run lengths are bytes of ASCII.
    return json.dumps(facts, default=lambda data: data.decode("ascii")).encode() + b"\n" + image.png


def _load(record: bytes) -> CuratedImage:
    head, _, png = record.partition(b"\n")
    facts: dict[str, Any] = json.loads(head)
    references = []
    for fields in facts["references"]:
        row = {**fields["row"], "rle": fields["row"]["rle"].encode("ascii")}
        observers = {name: rle.encode("ascii") for name, rle in fields["observers"].items()}
        prompts = tuple(fields["prompts"])
        fields = {**fields, "row": row, "observers": observers, "prompts": prompts}
        references.append(CuratedReference(**fields))
    return CuratedImage(**{**facts, "references": tuple(references), "png": png})
