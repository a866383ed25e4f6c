"""The work folder of an import: units are curated in batches, and finished ones lie there."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from pydantic import TypeAdapter

from cosmos_board.core.cards import PROTOCOL
from cosmos_board.core.errors import (
    InputError,
    describe_unreadable,
    find_machine_failure,
)
from cosmos_board.core.processes import make_pool
from cosmos_board.curation.records import CuratedImage, curate_image
from cosmos_board.curation.volume_records import dump_volume, load_volume
from cosmos_board.curation.volumes import CuratedVolume, VolumeCollector
from cosmos_board.data.source import SourceUnit
from cosmos_board.store.files import open_whole, write_bytes

_FORMAT = "5"

# Batches handed out per worker: none runs dry, and no memory piles up.
_WAITING = 2


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What is counted while images are read and curated."""

    dropped: Counter[str] = field(default_factory=Counter)
    """Number left out by rule, in the words of the rule."""

    notes: Counter[str] = field(default_factory=Counter)
    """Images by how their files were understood: orientation, plane, bits, what was left aside."""

    warnings: Counter[str] = field(default_factory=Counter)
    """Images by the warnings to which they give rise, and all of them under `images`."""

    def add(self, other: ImportCounts) -> None:
        """Add other counts to these."""
        self.dropped.update(other.dropped)
        self.notes.update(other.notes)
        self.warnings.update(other.warnings)


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

    parts: tuple[str, ...] = ()
    """Parts of its dataset for which it counts, where paths tell them apart."""


@dataclass(frozen=True, slots=True)
class StagedVolume:
    """Where a curated volume lies in the work folder."""

    volume_id: str
    cluster: str
    batch: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished batch: its images and volumes and what was left out."""

    images: tuple[StagedImage, ...]
    counts: ImportCounts
    quarantined: tuple[tuple[str, str], ...]
    """(origin, reason) of the units that could not be read."""

    volumes: tuple[StagedVolume, ...] = ()
    settled: bool = False
    """Whether quarantined units are not to be tried again."""


_BATCH = TypeAdapter(Batch)
_IMAGE = TypeAdapter(CuratedImage)


def stage_units(
    folder: Path, units: Sequence[SourceUnit], *, workers: int, batch_units: int
) -> Iterator[tuple[str, int]]:
    """Curate `units` into `folder`; yield (batch key, units in it) as batches finish.

    Batches that are there from before cost nothing. A unit that kills its process is quarantined.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    starts = range(0, len(units), batch_units)
    batches = [tuple(units[start : start + batch_units]) for start in starts]
    if workers == 1:
        for batch in batches:
            stage_batch(folder, batch)
            yield make_batch_key(batch), len(batch)
        return
    while batches:
        finished: set[int] = set()
        try:
            for position in _stage_side_by_side(folder, batches, workers):
                finished.add(position)
                yield make_batch_key(batches[position]), len(batches[position])
            return
        except BrokenProcessPool:
            # Which batch did it is unknown: those under way are taken unit by unit.
            left = [batch for position, batch in enumerate(batches) if position not in finished]
            suspects, batches = left[: _WAITING * workers], left[_WAITING * workers :]
        for unit in (unit for batch in suspects for unit in batch):
            yield _stage_alone(folder, unit), 1


def _stage_side_by_side(
    folder: Path, batches: list[tuple[SourceUnit, ...]], workers: int
) -> Iterator[int]:
    waiting: dict[Future[None], int] = {}
    pool = make_pool(workers, get_context("spawn"), _prepare_worker)
    try:
        for position, batch in enumerate(batches):
            if len(waiting) == _WAITING * workers:
                yield from _take_finished(waiting)
            waiting[pool.submit(stage_batch, folder, batch)] = position
        while waiting:
            yield from _take_finished(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _take_finished(waiting: dict[Future[None], int]) -> Iterator[int]:
    finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        future.result()
        yield waiting.pop(future)


def _stage_alone(folder: Path, unit: SourceUnit) -> str:
    key = make_batch_key((unit,))
    with make_pool(1, get_context("spawn"), _prepare_worker) as pool:
        try:
            pool.submit(stage_batch, folder, (unit,)).result()
        except BrokenProcessPool:
            refused = ((unit.origin, "the process that read it died"),)
            _write_index(folder, key, Batch((), ImportCounts(), refused, settled=True))
    return key


def _prepare_worker() -> None:
    import cv2

    cv2.setNumThreads(1)


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
    if _index_path(folder, key).exists():
        finished = read_batch(folder, key)
        if finished.settled or not finished.quarantined:
            return
    staged: list[StagedImage] = []
    volumes: list[StagedVolume] = []
    counts = ImportCounts()
    quarantined: list[tuple[str, str]] = []
    with open_whole(_records_path(folder, key)) as file:
        for unit in units:
            try:
                curated = _curate_unit(unit)
            except InputError as error:
                quarantined.append((unit.origin, str(error)))
                continue
            counts.add(curated.counts)
            for image, origin in curated.images:
                record = _dump(image)
                place = (key, file.tell(), len(record))
                staged.append(StagedImage(image.sha256, image.cluster, *place, origin, unit.parts))
                file.write(record)
            for volume in curated.volumes:
                record = dump_volume(volume)
                place = (key, file.tell(), len(record))
                volumes.append(StagedVolume(volume.volume_id, volume.cluster, *place))
                file.write(record)
    batch = Batch(tuple(staged), counts, tuple(quarantined), tuple(volumes))
    _write_index(folder, key, batch)


def _write_index(folder: Path, key: str, batch: Batch) -> None:
    # Written last: a batch is finished when its index is there.
    write_bytes(_index_path(folder, key), _BATCH.dump_json(batch))


def read_batch(folder: Path, key: str) -> Batch:
    """Return what `stage_batch` filed under `key`."""
    return _BATCH.validate_json(_index_path(folder, key).read_bytes())


def join_batches(batches: Iterable[Batch]) -> Batch:
    """Return what several batches hold as one."""
    images: list[StagedImage] = []
    volumes: list[StagedVolume] = []
    counts = ImportCounts()
    quarantined: list[tuple[str, str]] = []
    for batch in batches:
        images += batch.images
        volumes += batch.volumes
        counts.add(batch.counts)
        quarantined += batch.quarantined
    return Batch(tuple(images), counts, tuple(quarantined), tuple(volumes))


def read_images(folder: Path, staged: tuple[StagedImage, ...]) -> Iterator[CuratedImage]:
    """Yield curated images in the order asked for, one at a time."""
    for image in staged:
        yield _load(_read_record(folder, image))


def read_volume(folder: Path, staged: StagedVolume) -> CuratedVolume:
    """Return a curated volume."""
    return load_volume(_read_record(folder, staged))


def _read_record(folder: Path, staged: StagedImage | StagedVolume) -> bytes:
    with _records_path(folder, staged.batch).open("rb") as file:
        file.seek(staged.start)
        return file.read(staged.size)


@dataclass(frozen=True, slots=True)
class _CuratedUnit:
    """What is kept of one unit."""

    images: list[tuple[CuratedImage, str]] = field(default_factory=list)
    """Each with its origin."""

    volumes: list[CuratedVolume] = field(default_factory=list)
    counts: ImportCounts = field(default_factory=ImportCounts)


def _curate_unit(unit: SourceUnit) -> _CuratedUnit:
    # Held until the unit is read to its end: one that breaks halfway leaves nothing.
    curated = _CuratedUnit()
    counts, collector = curated.counts, VolumeCollector()
    try:
        for source in unit.read():
            image = None
            if not source.serves_volume_only:
                counts.notes.update(source.notes)
                counts.dropped.update(source.left_out)
                counts.warnings.update(("images", *source.warnings))
                image = curate_image(source, counts.dropped)
            if image is not None:
                curated.images.append((image, source.origin))
            if source.volume is not None:
                collector.add(source, source.volume, image.sha256 if image else None)
        curated.volumes.extend(collector.finish(counts.dropped))
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, MemoryError) as error:
        if failure := find_machine_failure(error):
            raise describe_unreadable(unit.origin, failure) from error
        # The libraries that read raw files raise anything at all on hostile ones.
        reason = f"cannot be read: {type(error).__name__}: {error}"
        raise InputError(unit.origin, "", reason[:300]) from error
    return curated


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
    return _IMAGE.validate_python({**json.loads(head), "png": png})
