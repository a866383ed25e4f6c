"""Runs a request: evaluates every model on every pack, resumes, and returns a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from cosmos_board.core.errors import InputError
from cosmos_board.core.run_record import (
    DeviceCheck,
    Quarantined,
    RunRecord,
    RunSettings,
    ShardRecord,
)
from cosmos_board.core.scores import fails_too_often
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.models.devices import parse_device, refuse_absent
from cosmos_board.runner.engine.device_check import DriftError
from cosmos_board.runner.engine.local import run_shards
from cosmos_board.runner.engine.on_ray import run_shards_on_ray
from cosmos_board.runner.engine.worker import FinishedShard
from cosmos_board.runner.evaluation.evaluators import Evaluator, make_evaluator
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.remote_store import RemoteStore
from cosmos_board.runner.record.run_record import add_entry, begin_record, count_units
from cosmos_board.runner.record.shards import Shard, choose_share, cut_shards
from cosmos_board.runner.record.summary import (
    ModelSummary,
    describe_failures,
    summarise,
)
from cosmos_board.runner.settings import (
    HANG_S,
    Callbacks,
    SegmenterSpec,
    WorkerSettings,
)
from cosmos_board.store.folders import refuse_overlap
from cosmos_board.store.parquet import write_rows
from cosmos_board.store.schema import QUARANTINE

TOLERATED_SHARE = 0.001
"""Share of images that may be quarantined before a run counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for."""

    packs: tuple[Path, ...]
    specs: tuple[SegmenterSpec, ...]
    out: Path
    settings: RunSettings = field(default_factory=RunSettings)
    workers: int | None = 1
    """Processes on this machine, which take its GPUs in turn; None for as many as suit it; a
    cluster decides for itself."""

    engine: Literal["local", "ray"] = "local"
    ray_address: str | None = None
    """Of a running Ray cluster; None starts one on this machine."""

    share: str | None = None
    """`i/n` for job arrays: this process takes every n-th shard from the i-th on."""

    remote: str | None = None
    """Arrow file system to which workers upload finished shards and where those of others are."""

    check_device: bool | None = None
    """Whether each worker checks that its device gives the same masks all the time; None: unless it
    is a CPU, which gives equal counts by construction."""

    hang_s: float = HANG_S
    """Seconds without a finished batch after which a worker process is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The outcome of a run."""

    out: Path
    images: int
    evaluated: int
    """Images evaluated now; the others had been before."""

    rows: int
    quarantined: tuple[Quarantined, ...] = ()
    models: tuple[ModelSummary, ...] = ()
    """In the order of the request; over all that the folder holds of them."""

    mended: tuple[str, ...] = ()
    """One line for each damaged file in the folder, with what was done about it."""

    remarks: tuple[str, ...] = ()
    """One line for each thing that a reader of its scores and timings should know."""

    @property
    def failed(self) -> bool:
        """Whether too many images could not be read, or too many answers failed."""
        failed, answers = (
            sum(getattr(model, name) for model in self.models) for name in ("failed", "answers")
        )
        unread = len(self.quarantined) > TOLERATED_SHARE * self.images
        return unread or bool(fails_too_often(failed, answers))


def run(request: RunRequest, callbacks: Callbacks | None = None) -> RunReport:
    """Evaluate every model on every pack; what an earlier call finished is kept.

    Raises:
        InputError: If a pack, model or earlier run in the folder is refused.
        UsageError: If this machine lacks a device that it shall work on.
        InUseError: If another process writes the folder.
        StorageError: If the disk or the remote store fails.
        DeviceError: If a device is broken, or workers die again and again.
        StoppedError: If the callbacks say so.
    """
    callbacks = callbacks or Callbacks()
    for spec in request.specs:  # the driver of a cluster need not have what its workers have
        (refuse_absent if request.engine == "local" else parse_device)(spec.device)
    refuse_overlap(request.out, request.packs)
    packs = [open_pack(path) for path in request.packs]
    _refuse_doubles(packs)
    images = len(request.specs) * sum(count_units(pack, request.settings) for pack in packs)
    callbacks.on_total(images)
    folder = RunFolder(request.out)
    remote = RemoteStore(request.remote) if request.remote else None
    evaluators = {spec: make_evaluator(spec, packs) for spec in request.specs[:1]}
    records: list[ShardRecord] = []
    evaluated = 0
    with folder.hold():
        mended: list[str] = []
        record = begin_record(folder, request.settings, mended)
        current = _Run(request, callbacks, folder, remote, packs, record, mended)
        names: list[str] = []
        for spec in request.specs:
            evaluator = evaluators.pop(spec, None) or make_evaluator(spec, packs)
            names.append(evaluator.card.name)
            callbacks.on_model(evaluator.card.name)
            finished = current.find_finished(current.plan_shards(spec, evaluator))
            for done in current.evaluate_missing(spec, evaluator, finished):
                finished[done.shard] = done.record
                evaluated += done.shard.images
            records += [known for known in finished.values() if known]
        quarantined = tuple(row for known in records for row in known.quarantined)
        write_rows(request.out / "quarantine.parquet", QUARANTINE, map(asdict, quarantined))
        models = tuple(summarise(folder, record, name) for name in dict.fromkeys(names))
        record.failures.update(describe_failures(models))
        cards = (known.card for known in records if known.card)
        record.cards[:] = dict.fromkeys([*record.cards, *cards])
        folder.write_record(record)
    return RunReport(
        out=request.out,
        images=images,
        evaluated=evaluated,
        rows=sum(known.rows for known in records),
        quarantined=quarantined,
        models=models,
        mended=tuple(mended),
        remarks=tuple(_remark_mixtures(request.out, record)),
    )


def _remark_mixtures(out: Path, record: RunRecord) -> Iterator[str]:
    """Yield what kinds of GPU a run mixes, and which models they answer differently."""
    kinds = sorted({card.name for card in record.cards})
    if len(kinds) > 1:
        yield (
            f"{out}: was evaluated on {len(kinds)} kinds of GPU ({', '.join(kinds)}): pixels at "
            "the threshold may differ, and timings are of each kind apart"
        )
    answers: dict[str, set[str]] = {}
    for check in record.device_checks:
        answers.setdefault(check.model, set()).add(check.before)
    for model, digests in answers.items():
        if len(digests) > 1:
            yield f"{out}: {model}: devices answered one device check in {len(digests)} ways"


@dataclass(frozen=True, slots=True)
class _Run:
    """A run whose folder is held by this process."""

    request: RunRequest
    callbacks: Callbacks
    folder: RunFolder
    remote: RemoteStore | None
    packs: Sequence[Pack]
    record: RunRecord
    mended: list[str]

    def plan_shards(self, spec: SegmenterSpec, evaluator: Evaluator) -> list[Shard]:
        """Enter a model into the run record; return the shards of this process's share."""
        planned: list[Shard] = []
        for pack in self.packs:
            run_id, repairs = add_entry(self.folder, self.record, spec, evaluator.card, pack)
            shards = list(cut_shards(run_id, self.record.entries[run_id].images, pack.path))
            self.mended.extend(repairs)
            self.mended.extend(
                f"{path}: is no shard of this run; moved to {self.folder.path / 'stray'}"
                for path in self.folder.set_strays_aside(run_id, shards)
            )
            planned += shards
        self.folder.write_record(self.record)
        return choose_share(planned, self.request.share)

    def find_finished(self, shards: Sequence[Shard]) -> dict[Shard, ShardRecord | None]:
        """Return the record of each shard, None where it is missing; report finished images."""
        if self.remote:
            self.remote.synchronise(self.folder, shards)
        records = {shard: self.folder.read_sidecar(shard) for shard in shards}
        for shard, record in records.items():
            if record:
                for _ in range(shard.images):
                    self.callbacks.on_image(0)
            elif self.folder.sidecar_path(shard).exists():
                path = self.folder.scores_path(shard)
                self.mended.append(f"{path}: is damaged or incomplete; evaluated again")
        return records

    def evaluate_missing(
        self,
        spec: SegmenterSpec,
        evaluator: Evaluator,
        records: dict[Shard, ShardRecord | None],
    ) -> Iterator[FinishedShard]:
        """Yield each missing shard when its files lie in the run folder."""
        missing = [shard for shard, record in records.items() if record is None]
        if not missing:  # then no model is loaded either
            return
        request, callbacks = self.request, self.callbacks
        settings = WorkerSettings(
            spec,
            request.packs,
            request.settings,
            request.out,
            request.hang_s,
            request.remote,
            self._watches_device(spec),
        )
        if request.engine == "ray":
            shards = run_shards_on_ray(
                missing, settings, request.ray_address, callbacks, self._note_check
            )
        else:
            shards = run_shards(
                missing, settings, evaluator, request.workers, callbacks, self._note_check
            )
        try:
            for finished in shards:
                if self.remote:
                    self.remote.download(self.folder, finished.shard)
                if finished.check:
                    self._note_check(finished.check)
                yield finished
        except DriftError as error:
            self._note_check(error.check)
            raise

    def _watches_device(self, spec: SegmenterSpec) -> bool:
        if self.request.settings.study == "volumes":
            return False  # the check asks an image model about images
        wanted = self.request.check_device
        return parse_device(spec.device).is_gpu if wanted is None else wanted

    def _note_check(self, check: DeviceCheck) -> None:
        """Put the state of a worker's device check into the run record, in place of the last."""
        checks, key = self.record.device_checks, (check.model, check.worker, check.before)
        known = [each for each in checks if (each.model, each.worker, each.before) == key]
        if check in known:
            return
        checks[:] = [*(each for each in checks if each not in known), check]
        self.folder.write_record(self.record)


def _refuse_doubles(packs: Sequence[Pack]) -> None:
    names = [pack.info.name for pack in packs]
    for name in names:
        if names.count(name) > 1:
            raise InputError("eval", "pack", "is given twice", got=name)
