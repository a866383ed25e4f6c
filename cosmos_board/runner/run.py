"""A run from plan to finish: models by packs, resumed where it was left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cosmos_board.core.errors import InputError, StaleRunError
from cosmos_board.core.prompts import PROTOCOL
from cosmos_board.core.run_record import Quarantined, RunEntry, RunRecord, RunSettings
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.runner.engine import canary
from cosmos_board.runner.engine.local import HANG_S, Crew, Job, run_jobs
from cosmos_board.runner.engine.on_ray import run_jobs_on_ray
from cosmos_board.runner.engine.work import ShardReport
from cosmos_board.runner.engine.workers import choose_workers
from cosmos_board.runner.evaluation.entries import describe_entry, make_entry, refuse_another
from cosmos_board.runner.evaluation.evaluators import (
    Evaluator,
    PromptedSegmenter,
    make_evaluator,
    plan_evaluator,
)
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.index import hash_index, write_index
from cosmos_board.runner.record.provenance import collect_provenance
from cosmos_board.runner.record.remote_store import Depot
from cosmos_board.runner.record.shards import choose_share, cut_shards
from cosmos_board.runner.record.summary import (
    ModelSummary,
    describe_failures,
    has_failed,
    summarise,
)
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.folders import refuse_overlap
from cosmos_board.store.parquet import write_rows
from cosmos_board.store.records import DamagedError
from cosmos_board.store.schema import QUARANTINE

TOLERATED_SHARE = 0.001
"""Share of images that may be quarantined before a run counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What came of a run."""

    out: Path
    images: int
    evaluated: int
    """Images evaluated now; the others had been before."""

    rows: int
    quarantined: tuple[Quarantined, ...] = ()
    models: tuple[ModelSummary, ...] = ()
    """In the order of the request; over all that the folder holds of them."""

    mended: tuple[str, ...] = ()
    """A line for everything that was damaged in the folder, and what was done about it."""

    @property
    def failed(self) -> bool:
        """Whether too many images could not be read, or too many answers failed."""
        unread = len(self.quarantined) > TOLERATED_SHARE * self.images
        return unread or has_failed(self.models)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for."""

    packs: tuple[Path, ...]
    specs: tuple[SegmenterSpec, ...]
    out: Path
    settings: RunSettings = field(default_factory=RunSettings)
    workers: int | None = 1
    """Processes on this machine, None for as many as suit it; a cluster decides for itself."""

    engine: Literal["local", "ray"] = "local"
    ray_address: str | None = None
    """Of a running Ray cluster; None starts one on this machine."""

    share: str | None = None
    """`i/n` for job arrays: this process takes every n-th shard from the i-th on."""

    depot: str | None = None
    """Arrow file system on which workers leave finished shards and find those of others."""

    canary: bool | None = None
    """Whether to look before and after if the device still gives the same masks; None: where it
    is no CPU."""

    hang_s: float = HANG_S
    """Seconds without a finished batch after which a worker process is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How a run talks to whoever started it."""

    on_total: Callable[[int], None] = lambda images: None
    on_model: Callable[[str], None] = lambda model: None
    on_image: Callable[[int], None] = lambda references: None
    """Called with the number of references of an image, also for those done before."""

    stop: Callable[[], bool] = lambda: False


def run(request: RunRequest, watch: Watch | None = None) -> RunReport:
    """Evaluate every model on every pack; what an earlier call finished is kept.

    Raises:
        InputError: If a pack, model or earlier run in the folder is refused.
        InUseError: If another process writes the folder.
        StorageError: If the disk fails.
        StoppedError: If `watch.stop` says so.
    """
    watch = watch or Watch()
    refuse_overlap(request.out, request.packs)
    packs = [open_pack(path) for path in request.packs]
    _refuse_twins(packs)
    images = [min(pack.info.counts.images, request.settings.limit or 10**12) for pack in packs]
    watch.on_total(sum(images) * len(request.specs))
    folder, depot = RunFolder(request.out), Depot(request.depot) if request.depot else None
    reports: list[_ModelReport] = []
    make = make_evaluator if _wants_canary(request) else plan_evaluator
    evaluators = {spec: make(spec, packs) for spec in request.specs[:1]}
    with folder.hold():
        mended: list[str] = []
        record = _begin(folder, request.settings, mended)
        folder.refuse_other_settings(record, request.settings)
        for spec in request.specs:
            evaluator = evaluators.pop(spec, None) or make(spec, packs)
            reports.append(
                _run_model(request, spec, evaluator, packs, images, record, watch, depot, mended)
            )
        quarantined = tuple(row for report in reports for row in report.quarantined)
        write_rows(request.out / "quarantine.parquet", QUARANTINE, map(asdict, quarantined))
        models = tuple(
            summarise(folder, record, name)
            for name in dict.fromkeys(report.model for report in reports)
        )
        record.failures.update(describe_failures(models))
        folder.write_record(record)
    return RunReport(
        out=request.out,
        images=sum(images) * len(request.specs),
        evaluated=sum(report.evaluated for report in reports),
        rows=sum(report.rows for report in reports),
        quarantined=quarantined,
        models=models,
        mended=tuple(mended),
    )


def _begin(folder: RunFolder, settings: RunSettings, mended: list[str]) -> RunRecord:
    """Return what the run says of itself; begun anew where it is absent or damaged."""
    try:
        record = folder.read_record()
    except DamagedError as error:
        folder.set_record_aside()
        mended.append(
            f"{error}; written anew: evaluate other models and packs of this folder again"
            " before you ingest it"
        )
        record = None
    return record or RunRecord(
        settings=settings,
        protocol=PROTOCOL,
        provenance=collect_provenance(),
        started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        entries={},
    )


@dataclass(frozen=True, slots=True)
class _ModelReport:
    model: str
    evaluated: int
    rows: int
    quarantined: tuple[Quarantined, ...]


def _run_model(
    request: RunRequest,
    spec: SegmenterSpec,
    evaluator: Evaluator,
    packs: Sequence[Pack],
    images: Sequence[int],
    record: RunRecord,
    watch: Watch,
    depot: Depot | None,
    mended: list[str],
) -> _ModelReport:
    folder = RunFolder(request.out)
    watch.on_model(evaluator.card.name)
    planned: list[Job] = []
    for pack, count in zip(packs, images, strict=True):
        entry = make_entry(spec, evaluator, pack)
        run_id = entry.run_id(request.settings)
        known = record.entries.get(run_id)
        if known:
            _refuse_other_device(request.out, spec, known.device)
            known = replace(known, model=evaluator.card)  # label and training data
        else:
            refuse_another(request.out, entry, record)
            known = describe_entry(entry, evaluator, pack, count)
        hashes = _keep_index(folder, run_id, pack, known, mended)
        record.entries[run_id] = replace(known, index_sha256=hashes)
        shards = list(cut_shards(run_id, count))
        mended += [
            f"{path}: is no shard of this run; moved to {folder.path / 'stray'}"
            for path in folder.set_strays_aside(run_id, shards)
        ]
        planned += [Job(pack.path, shard) for shard in shards]
    folder.write_record(record)
    planned = choose_share(planned, request.share)
    if depot:
        depot.exchange(folder, [job.shard for job in planned])
    facts = {job: folder.read_sidecar(job.shard) for job in planned}
    missing = [job for job in planned if facts[job] is None]
    mended += [
        f"{folder.scores_path(job.shard)}: is damaged or incomplete; evaluated again"
        for job in missing
        if folder.sidecar_path(job.shard).exists()
    ]
    for job, sidecar in facts.items():
        for _ in range(job.shard.stop - job.shard.start if sidecar else 0):
            watch.on_image(0)
    crew = Crew(spec, request.packs, request.settings, request.out, request.hang_s, request.depot)
    images_left = sum(job.shard.stop - job.shard.start for job in missing)
    with _watching(request, evaluator, images_left, record):
        fresh = []
        for report in _hand_out(request, missing, crew, evaluator, watch):
            if depot:
                depot.bring(folder, report.shard)
            fresh.append(report)
    kept = [sidecar for sidecar in facts.values() if sidecar]
    return _ModelReport(
        evaluator.card.name,
        sum(report.images for report in fresh),
        sum(report.rows for report in fresh) + sum(sidecar.rows for sidecar in kept),
        tuple(row for report in fresh for row in report.quarantined)
        + tuple(row for sidecar in kept for row in sidecar.quarantined),
    )


def _keep_index(
    folder: RunFolder, run_id: str, pack: Pack, entry: RunEntry, mended: list[str]
) -> dict[str, str]:
    """Write the index of an entry, unless it is there as it was written; return its hashes."""
    place = folder.path / "index"
    known = entry.index_sha256
    if known and known == hash_index(place, run_id):
        return known
    if known:
        mended.append(f"{place / run_id}: the index is damaged or incomplete; written anew")
    return write_index(place, run_id, pack, entry.images)


def _refuse_other_device(out: Path, spec: SegmenterSpec, begun_on: str) -> None:
    """Refuse to go on with another kind of device: pixels at the threshold may differ."""
    begun, wanted = (re.split(r"[:+]", one)[0] for one in (begun_on, spec.device))
    if begun != wanted:
        raise StaleRunError(
            out,
            spec.name,
            "was begun on another device",
            got=wanted,
            want=f"{begun}, or another --out",
        )


def _wants_canary(request: RunRequest) -> bool:
    if request.canary is not None:
        return request.canary
    return any(canary.is_wanted(spec.device) for spec in request.specs)


@contextmanager
def _watching(
    request: RunRequest, evaluator: Evaluator, images: int, record: RunRecord
) -> Iterator[None]:
    """Compare what the canary says before and after the block; note both in the record."""
    if not (_wants_canary(request) and images and isinstance(evaluator, PromptedSegmenter)):
        yield
        return
    folder, number = RunFolder(request.out), canary.count_images(images)
    notes = record.canary
    before = canary.look(evaluator.segmenter, number)
    notes.append(canary.describe(evaluator.card.name, before, None))
    folder.write_record(record)
    yield
    after = canary.look(evaluator.segmenter, number)
    notes[-1] = canary.describe(evaluator.card.name, before, after)
    folder.write_record(record)
    canary.refuse_changed(before, after, request.out)


def _hand_out(
    request: RunRequest, jobs: Sequence[Job], crew: Crew, evaluator: Evaluator, watch: Watch
) -> Iterator[ShardReport]:
    if request.engine == "ray" and jobs:
        return run_jobs_on_ray(
            jobs,
            crew,
            address=request.ray_address,
            on_image=watch.on_image,
            stop=watch.stop,
        )
    images = sum(job.shard.stop - job.shard.start for job in jobs)
    return run_jobs(
        jobs,
        crew,
        evaluator,
        workers=request.workers or choose_workers(evaluator.card, crew.spec.device, images),
        on_image=watch.on_image,
        stop=watch.stop,
    )


def _refuse_twins(packs: Sequence[Pack]) -> None:
    names = [pack.info.name for pack in packs]
    for name in names:
        if names.count(name) > 1:
            raise InputError("eval", "pack", "is given twice", got=name)
