"""The local engine: shards on this machine, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any, NamedTuple

from cosmos_board.accelerators.cards import count_cards
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import CosmosBoardError, DeviceError, StoppedError
from cosmos_board.core.processes import make_pool
from cosmos_board.core.run_record import DeviceCheck
from cosmos_board.models.devices import parse_device
from cosmos_board.runner.engine.device_check import DriftError, NoteCheck
from cosmos_board.runner.engine.worker import FinishedShard, Worker
from cosmos_board.runner.evaluation.evaluators import Evaluator
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, WorkerSettings

_DEATHS = 3
"""How often in a row a worker may die before any shard is finished."""

_GIB = 1 << 30
_BASE_BYTES = _GIB
"""What a worker holds beside its model: Python, torch, a block of a pack, masks."""

_BYTES_PER_PARAMETER = 20
"""float32 weights, and what an encoder's activations and a batch of masks came to for SAM ViT-B."""


_LEAST_IMAGES = 4
"""A process that starts for fewer takes longer than it saves."""


def run_shards(
    shards: Sequence[Shard],
    settings: WorkerSettings,
    evaluator: Evaluator,
    workers: int | None,
    callbacks: Callbacks,
    note_check: NoteCheck = lambda check: None,
) -> Iterator[FinishedShard]:
    """Evaluate every shard and yield each when it is written; rows do not depend on `workers`.

    A worker process that dies, hangs or loses its device is replaced, and its shard is redone.

    Args:
        shards: What to evaluate.
        settings: Of the workers.
        evaluator: Used where this process is the only worker.
        workers: Number of processes; None: see `choose_workers`.
        callbacks: Told of each image; asked whether to stop.
        note_check: Told of the last check of each worker's device.

    Raises:
        StoppedError: If the callbacks say so.
        StorageError: If the disk fails.
        DriftError: If a device gives other masks than at first.
        DeviceError: If workers die again and again, or the device of the only one breaks.
    """
    if workers is None:
        images = sum(shard.images for shard in shards)
        workers = choose_workers(evaluator.card, settings.spec.device, images)
    if workers <= 1 or len(shards) <= 1:
        worker = Worker(settings, evaluator)
        yield from worker.run(shards, callbacks)
        if check := worker.finish():
            note_check(check)
        return
    left = list(shards)
    deaths = 0
    while left:
        try:
            processes = _run_in_processes(
                left, settings, min(workers, len(left)), callbacks.stop, note_check
            )
            for finished, images_done in processes:
                deaths = 0
                left.remove(finished.shard)
                for references in images_done:
                    callbacks.on_image(references)
                yield finished
        except DriftError:
            raise
        except (BrokenProcessPool, DeviceError) as error:
            deaths += 1
            if deaths == _DEATHS:
                raise DeviceError(
                    f"{settings.out}: {settings.spec.name}: a worker died {_DEATHS} times over; "
                    "the same command resumes"
                ) from error


class _Shared(NamedTuple):
    """What the processes of a pool share."""

    stop: Event
    begun: Synchronized[int]
    """How many of them have begun."""

    all_here: Barrier
    """Where each of them waits for the others before it ends."""


_worker: Worker | CosmosBoardError | None = None
"""Of this process, or why it has none: a pool would tell no more than that a process died."""

_shared: _Shared | None = None


def _begin_worker(settings: WorkerSettings, *shared: Any) -> None:  # noqa: ANN401 (of a pool)
    """Set up a worker process, which leaves signals to its parent."""
    global _worker, _shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _shared = _Shared(*shared)
    with _shared.begun.get_lock():
        number = _shared.begun.value
        _shared.begun.value += 1
    try:
        _worker = Worker(settings.on_device_of(number))
    except CosmosBoardError as error:
        _worker = error


def _get_worker() -> tuple[Worker, _Shared]:
    if isinstance(_worker, CosmosBoardError):
        raise _worker
    assert _worker is not None
    assert _shared is not None
    return _worker, _shared


def _run_in_worker(shard: Shard) -> tuple[FinishedShard, list[int]]:
    worker, shared = _get_worker()
    return worker.run_alone(shard, shared.stop.is_set)


def _finish_worker(wait_s: float) -> DeviceCheck | None:
    """Check the device of this process, once all of its pool are asked to do so."""
    worker, shared = _get_worker()
    with suppress(BrokenBarrierError):  # one of them hangs; the others are checked all the same
        shared.all_here.wait(wait_s)
    return worker.finish()


def _run_in_processes(
    shards: Sequence[Shard],
    settings: WorkerSettings,
    workers: int,
    stop: Callable[[], bool],
    note_check: NoteCheck,
) -> Iterator[tuple[FinishedShard, list[int]]]:
    context = multiprocessing.get_context("spawn")
    shared = _Shared(context.Event(), context.Value("i", 0), context.Barrier(workers))
    others = set(multiprocessing.active_children())
    pool = make_pool(workers, context, _begin_worker, (settings,), inherited=tuple(shared))
    try:
        pending = {pool.submit(_run_in_worker, shard) for shard in shards}
        while pending:
            done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            # Those that ended well come first: a death must not take their results along.
            for future in sorted(done, key=lambda future: future.exception() is not None):
                yield future.result()
            if stop() and pending:
                raise StoppedError(f"{settings.out}: stopped; the same command resumes")
        if settings.watches_device:
            ends = [pool.submit(_finish_worker, settings.hang_s) for _ in range(workers)]
            for check in filter(None, (end.result() for end in ends)):
                note_check(check)
    except BrokenProcessPool:
        # The dead worker may hold a lock that the others wait for; then they ignore SIGTERM.
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise
    finally:
        shared.stop.set()
        pool.shutdown(cancel_futures=True)


def choose_workers(card: ModelCard, device: str, images: int) -> int:
    """Return one process per processor that this one may use, as far as memory and images go.

    Every process computes on one thread (`models.devices`), so that rows do not depend on the
    answer. On GPUs there is one process for each that `device`, as given to `--device`, allows:
    whether a second would fit is unknown. So it is for a learned model that does not say how large
    it is.
    """
    most = images // _LEAST_IMAGES
    chosen = parse_device(device)
    if chosen.is_gpu:
        return max(1, min(count_cards() if chosen.index is None else 1, most))
    if card.kind == "promptable" and card.parameters is None:
        return 1
    each = _BASE_BYTES + _BYTES_PER_PARAMETER * (card.parameters or 0)
    return max(1, min(_count_processors(), _read_available_bytes() // each, most))


def _count_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return memory that could be had without swapping; half of all where that is unknown."""
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) << 10
    except (OSError, ValueError):
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * _GIB
