"""Shards, from the pack to their files: the work that any engine hands out."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from cosmos_board.core.errors import InputError, StoppedError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import FirstFailure, Quarantined, RunSettings, ShardRecord
from cosmos_board.data.pack import Pack, PackItem
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.engine.failure import ModelFailureError
from cosmos_board.runner.engine.threads import Backlog, read_ahead
from cosmos_board.runner.evaluation.answers import PredictionRow
from cosmos_board.runner.evaluation.evaluate import ImageResult, Tally
from cosmos_board.runner.evaluation.evaluators import Evaluator
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.shards import Shard
from cosmos_board.store.parquet import write_table
from cosmos_board.store.records import write_shard_record
from cosmos_board.store.run_files import tabulate_predictions, tabulate_scores

_IMAGES_AHEAD = 2
_BATCHES_BEHIND = 2
"""What is read ahead and what waits to be scored is held in memory: few, whatever the pack."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What came of a shard."""

    shard: Shard
    images: int
    rows: int
    quarantined: tuple[Quarantined, ...] = ()


@dataclass(slots=True)
class _Sheet:
    """A shard while its rows come together; written to by the thread that scores."""

    shard: Shard
    result: ImageResult = field(default_factory=ImageResult)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the sidecar says beside the rows."""

    quarantined: tuple[Quarantined, ...]
    timings: dict[str, tuple[int, float]]
    batch: int
    retries: int
    failure: ModelFailureError | None
    """The first of the shard."""


_Read: TypeAlias = tuple[Shard, PackItem | tuple[Quarantined, ...]]
"""An image of a shard, or what was quarantined of it, which comes last."""


def run_shards(
    evaluator: Evaluator,
    jobs: Iterable[tuple[Pack, Shard]],
    settings: RunSettings,
    out: Path,
    clock: Clock,
    *,
    on_image: Callable[[int], None],
    stop: Callable[[], bool],
) -> Iterator[ShardReport]:
    """Evaluate shards and write their files; yield the report of each that is written.

    The model is asked in the calling thread. Two others read ahead of it and score and write
    behind it; they change no row and no file.

    Args:
        evaluator: Ready to be asked.
        jobs: The shards, each with the pack that it is cut from.
        settings: What is asked.
        out: The run folder.
        clock: Takes the timings.
        on_image: Called with the number of references of each image that was answered for.
        stop: Asked before each batch of prompts; a stop abandons the shard in hand, which is
            redone on resume, and finishes those before it.

    Raises:
        StoppedError: If `stop` says so.
        StorageError: If the disk fails.
        DeviceError: If the device is broken.
    """
    written: deque[Future[ShardReport]] = deque()
    with (
        closing(read_ahead(_read(jobs), _IMAGES_AHEAD)) as arrivals,
        Backlog(_BATCHES_BEHIND) as backlog,
    ):
        sheet: _Sheet | None = None
        for shard, arrival in arrivals:
            sheet = sheet or _Sheet(shard)
            if isinstance(arrival, PackItem):
                for tally in _ask(evaluator, arrival, settings, clock, out, stop):
                    backlog.add(partial(_take, sheet, tally))
                on_image(len(arrival.references))
                continue
            for _ in arrival:
                on_image(0)
            throttle = evaluator.throttle
            failure, throttle.first_failure = throttle.first_failure, None
            facts = _Facts(arrival, clock.medians_s(), throttle.size, throttle.retries, failure)
            written.append(backlog.add(partial(_write, out, settings, sheet, facts)))
            sheet = None
            while written and written[0].done():
                yield written.popleft().result()
    for future in written:
        yield future.result()


def _read(jobs: Iterable[tuple[Pack, Shard]]) -> Iterator[_Read]:
    for pack, shard in jobs:
        bad: list[Quarantined] = []

        def quarantine(image_id: str, error: InputError, bad: list[Quarantined] = bad) -> None:
            bad.append(Quarantined(image_id=image_id, reason=str(error)))

        for item in pack.iter_items(shard.start, shard.stop, on_bad=quarantine, hold_block=True):
            yield shard, item
        yield shard, tuple(bad)


def _ask(
    evaluator: Evaluator,
    item: PackItem,
    settings: RunSettings,
    clock: Clock,
    out: Path,
    stop: Callable[[], bool],
) -> Iterator[Tally]:
    if stop():
        raise StoppedError(f"{out}: stopped; the same command resumes")
    for tally in evaluator.ask(item, settings, clock):
        yield tally
        if stop():
            raise StoppedError(f"{out}: stopped; the same command resumes")


def _take(sheet: _Sheet, tally: Tally) -> None:
    sheet.result.extend(tally())


def _write(out: Path, settings: RunSettings, sheet: _Sheet, facts: _Facts) -> ShardReport:
    folder, shard, result = RunFolder(out), sheet.shard, sheet.result
    if settings.save_masks:
        table = tabulate_predictions(
            ((_prediction_key(row), row.rle) for row in result.predictions),
            clicks=settings.study == "clicks",
        )
        write_table(folder.predictions_path(shard), table)
    write_table(folder.scores_path(shard), tabulate_scores(result.rows))
    _write_sidecar(folder, shard, len(result.rows), facts)
    return ShardReport(shard, shard.stop - shard.start, len(result.rows), facts.quarantined)


def _prediction_key(row: PredictionRow) -> dict[str, Any]:
    return {
        "reference_id": row.reference_id,
        **asdict(row.cell),
        "candidate": row.candidate,
        "predicted_iou": row.predicted_iou,
        **({} if row.selection is None else {"selection": row.selection}),
    }


def _describe_failure(failure: ModelFailureError | None) -> FirstFailure | None:
    return None if failure is None else FirstFailure(reason=str(failure), traceback=failure.trace)


def _write_sidecar(folder: RunFolder, shard: Shard, rows: int, facts: _Facts) -> None:
    masks = folder.predictions_path(shard)
    sidecar = ShardRecord(
        shard=shard.name,
        sha256=hash_file(folder.scores_path(shard)),
        predictions_sha256=hash_file(masks) if masks.exists() else None,
        rows=rows,
        quarantined=facts.quarantined,
        timings=facts.timings,
        batch=facts.batch,
        retries=facts.retries,
        first_failure=_describe_failure(facts.failure),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    write_shard_record(folder.sidecar_path(shard), sidecar)
