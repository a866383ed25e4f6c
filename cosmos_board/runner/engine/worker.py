"""A worker evaluates shards one after the other and writes their files: what any engine runs."""

from __future__ import annotations

import faulthandler
import resource
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from cosmos_board.accelerators.cards import describe_card
from cosmos_board.core.errors import InputError, StoppedError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import Card, DeviceCheck, FirstFailure, Quarantined, ShardRecord
from cosmos_board.data.pack import PackItem, open_pack
from cosmos_board.data.pack.volumes import PackVolumes, VolumeItem
from cosmos_board.models.devices import parse_device
from cosmos_board.runner.engine.device_check import DeviceWatch
from cosmos_board.runner.engine.threads import Backlog, read_ahead
from cosmos_board.runner.evaluation.evaluate import DeferredScores
from cosmos_board.runner.evaluation.evaluators import Evaluator, PromptedSegmenter, make_evaluator
from cosmos_board.runner.evaluation.scoring import ImageResult, PredictionRow
from cosmos_board.runner.evaluation.stage_timer import StageTimer
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.remote_store import RemoteStore
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, WorkerSettings
from cosmos_board.store.parquet import write_table
from cosmos_board.store.records import write_shard_record
from cosmos_board.store.tables import (
    tabulate_predictions,
    tabulate_scores,
    tabulate_volume_predictions,
    tabulate_volume_scores,
)

_IMAGES_AHEAD = 3
_BATCHES_BEHIND = 2
"""What is read ahead and what waits to be scored is held in memory: few, whatever the pack."""


_Unit: TypeAlias = PackItem | VolumeItem
_Read: TypeAlias = tuple[Shard, _Unit | tuple[Quarantined, ...]]
_OnBad: TypeAlias = Callable[[str, InputError], None]


class FinishedShard(NamedTuple):
    """A shard whose files are written."""

    shard: Shard
    record: ShardRecord
    check: DeviceCheck | None = None
    """The state of the device check of the worker that wrote it."""


class Worker:
    """Evaluates shards one after the other with one evaluator."""

    def __init__(self, settings: WorkerSettings, evaluator: Evaluator | None = None) -> None:
        self._worker = settings
        self._packs = {path: open_pack(path) for path in settings.packs}
        self._evaluator = evaluator or make_evaluator(settings.spec, list(self._packs.values()))
        self._remote = RemoteStore(settings.remote) if settings.remote else None
        self._timer = StageTimer()
        self._warm = False
        self._watch: DeviceWatch | None = None

    def run(
        self, shards: Iterable[Shard], callbacks: Callbacks, out: Path | None = None
    ) -> Iterator[FinishedShard]:
        """Yield each shard when it is written, and uploaded where there is a remote store.

        The model is called in the calling thread. Two others read ahead of it and score and write
        behind it; they change no row and no file. The first image that this process evaluates does
        not count for timings.

        With `out` a run folder is made there and written, in place of the run's own.

        Raises:
            StoppedError: If the callbacks say so.
            StorageError: If the disk or the remote store fails.
            DeviceError: If the device is broken, or gives other masks than at first.
        """
        self._begin_watch()
        folder = RunFolder(out or self._worker.out)
        if out:  # not the run's own folder: where it is not shared, rows would be lost
            folder.make()
        written: deque[Future[FinishedShard]] = deque()
        with (
            closing(self._read_ahead(shards)) as units,
            Backlog(_BATCHES_BEHIND) as backlog,
        ):
            result = ImageResult()
            for shard, item in units:
                if not isinstance(item, tuple):
                    for deferred in self._evaluate(item, callbacks.stop):
                        backlog.add(partial(_score, result, deferred))
                    self._note_image(callbacks, len(item.references))
                    del item  # a volume is let go before the next is read
                    continue
                for _ in item:
                    self._note_image(callbacks, 0)
                record = self._describe(shard, item)
                if self._watch:
                    self._watch.note_images(shard.images)
                written.append(backlog.add(partial(self._write, folder, shard, result, record)))
                result = ImageResult()
                while written and written[0].done():
                    yield self._upload(folder, written.popleft().result())
        for future in written:
            yield self._upload(folder, future.result())

    def finish(self) -> DeviceCheck | None:
        """Check the device once more; return the check, None where there is none.

        Raises:
            DriftError: If the device gives other masks than at first.
        """
        if self._watch is None:
            return None
        self._watch.look()
        return self._watch.check

    def _begin_watch(self) -> None:
        evaluator = self._evaluator
        wanted = self._worker.watches_device and isinstance(evaluator, PromptedSegmenter)
        if wanted and self._watch is None:
            assert isinstance(evaluator, PromptedSegmenter)
            self._watch = DeviceWatch(evaluator.segmenter, self._worker.spec.device)

    @cached_property
    def _card(self) -> Card | None:
        """The GPU that the model runs on."""
        device = parse_device(self._worker.spec.device)
        return describe_card(device.name) if device.is_gpu else None

    def run_alone(
        self, shard: Shard, stop: Callable[[], bool], out: Path | None = None
    ) -> tuple[FinishedShard, list[int]]:
        """Evaluate one shard in a worker process, which ends itself when it hangs.

        Returns:
            The shard, and the number of references of each of its images.
        """
        images: list[int] = []
        with end_when_stuck(self._worker.hang_s) as is_alive:

            def report_and_stop() -> bool:
                is_alive()
                return stop()

            callbacks = Callbacks(on_image=images.append, stop=report_and_stop)
            [finished] = self.run([shard], callbacks, out)
        return finished, images

    def _read_ahead(self, shards: Iterable[Shard]) -> Generator[_Read]:
        """Yield what `_read` does; images are read ahead, volumes one at a time."""
        if self._worker.settings.study == "volumes":
            return self._read(shards, self._read_volumes)
        return read_ahead(self._read(shards, self._read_images), _IMAGES_AHEAD)

    def _read(
        self, shards: Iterable[Shard], read: Callable[[Shard, _OnBad], Iterator[_Unit]]
    ) -> Generator[_Read]:
        """Yield the images or volumes of each shard, and last those that could not be read."""
        for shard in shards:
            quarantined: list[Quarantined] = []
            # A block has more images than most shards: it is held until another pack's turn.
            for path, pack in self._packs.items():
                if path != shard.pack:
                    pack.release_block()
            # A loop would hold a volume while the next is read.
            yield from map(partial(_pair, shard), read(shard, partial(_quarantine, quarantined)))
            yield shard, tuple(quarantined)

    def _read_images(self, shard: Shard, on_bad: _OnBad) -> Iterator[_Unit]:
        pack = self._packs[shard.pack]
        return pack.iter_items(shard.start, shard.stop, on_bad=on_bad, hold_block=True)

    def _read_volumes(self, shard: Shard, on_bad: _OnBad) -> Iterator[_Unit]:
        volumes = PackVolumes(self._packs[shard.pack])
        return volumes.iter_items(shard.start, shard.stop, on_bad=on_bad)

    def _evaluate(self, item: _Unit, stop: Callable[[], bool]) -> Iterator[DeferredScores]:
        stopped = StoppedError(f"{self._worker.out}: stopped; the same command resumes")
        if stop():
            raise stopped
        for deferred in self._evaluator.evaluate(item, self._worker.settings, self._timer):
            yield deferred
            if stop():
                raise stopped

    def _note_image(self, callbacks: Callbacks, references: int) -> None:
        if not self._warm and references:
            self._timer.forget_warm_up()
            self._warm = True
        callbacks.on_image(references)

    def _describe(self, shard: Shard, quarantined: tuple[Quarantined, ...]) -> ShardRecord:
        """Return the record of a shard as far as it is known before its files are written."""
        backoff = self._evaluator.backoff
        failure, backoff.first_failure = backoff.first_failure, None
        return ShardRecord(
            shard=shard.name,
            sha256="",
            rows=0,
            quarantined=quarantined,
            timings=self._timer.medians_s(),
            batch=backoff.size,
            retries=backoff.retries,
            first_failure=FirstFailure(reason=str(failure), traceback=failure.trace)
            if failure
            else None,
            peak_bytes=0,
            card=self._card,
        )

    def _write(
        self, folder: RunFolder, shard: Shard, result: ImageResult, record: ShardRecord
    ) -> FinishedShard:
        """Write the files of a shard, the sidecar last."""
        masks, settings = folder.predictions_path(shard), self._worker.settings
        volumes = settings.study == "volumes"
        if settings.save_masks and volumes:
            write_table(masks, tabulate_volume_predictions(result.volume_predictions))
        elif settings.save_masks:
            rows = ((_prediction_key(row), row.rle) for row in result.predictions)
            write_table(masks, tabulate_predictions(rows, clicks=settings.study == "clicks"))
        scores = (
            tabulate_volume_scores(result.volume_rows) if volumes else tabulate_scores(result.rows)
        )
        write_table(folder.scores_path(shard), scores)
        record = replace(
            record,
            sha256=hash_file(folder.scores_path(shard)),
            predictions_sha256=hash_file(masks) if masks.exists() else None,
            rows=scores.num_rows,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )
        write_shard_record(folder.sidecar_path(shard), record)
        return FinishedShard(shard, record, self._watch.check if self._watch else None)

    def _upload(self, folder: RunFolder, finished: FinishedShard) -> FinishedShard:
        if self._remote:
            self._remote.upload(folder, finished.shard)
        return finished


def _pair(shard: Shard, item: _Unit) -> _Read:
    return shard, item


def _score(result: ImageResult, deferred: DeferredScores) -> None:
    result.extend(deferred())


def _quarantine(quarantined: list[Quarantined], image_id: str, error: InputError) -> None:
    quarantined.append(Quarantined(image_id=image_id, reason=str(error)))


def _prediction_key(row: PredictionRow) -> dict[str, Any]:
    return {
        "reference_id": row.reference_id,
        **asdict(row.key),
        "candidate": row.candidate,
        "predicted_iou": row.predicted_iou,
        **({} if row.selection is None else {"selection": row.selection}),
    }


@contextmanager
def end_when_stuck(seconds: float) -> Iterator[Callable[[], None]]:
    """Yield a function; the process ends if it is not called for `seconds`.

    It ends even if it hangs in compiled code, after writing where every thread stood to stderr.
    For worker processes only, so that their work can be handed out anew.
    """

    def is_alive() -> None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)

    is_alive()
    try:
        yield is_alive
    finally:
        faulthandler.cancel_dump_traceback_later()
