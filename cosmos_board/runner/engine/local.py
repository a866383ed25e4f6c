"""The local engine: shards on this machine, in this process or in several."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

from cosmos_board.core.errors import CosmosBoardError, DeviceError, StoppedError
from cosmos_board.core.processes import make_pool
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.runner.engine.clock import Clock
from cosmos_board.runner.engine.watchdog import end_when_stuck
from cosmos_board.runner.engine.work import ShardReport, run_shards
from cosmos_board.runner.evaluation.evaluators import Evaluator, make_evaluator
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.remote_store import Depot
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import SegmenterSpec

HANG_S = 1800.0
"""Long enough for everything mode of a large model on a slow processor."""

_DEATHS = 3
"""How often in a row a worker may die before any shard is finished."""


@dataclass(frozen=True, slots=True)
class Job:
    """A shard and the pack that it is cut from."""

    pack: Path
    shard: Shard


@dataclass(frozen=True, slots=True)
class Crew:
    """What every worker needs to know."""

    spec: SegmenterSpec
    packs: tuple[Path, ...]
    settings: RunSettings
    out: Path
    hang_s: float = HANG_S
    """Seconds without a finished batch after which a worker process is taken for dead."""

    depot: str | None = None
    """Where workers deliver what they finish; see `Depot`."""


class Worker:
    """Runs jobs one after the other with one evaluator."""

    def __init__(self, crew: Crew, evaluator: Evaluator | None = None) -> None:
        self._crew = crew
        self._packs: dict[Path, Pack] = {path: open_pack(path) for path in crew.packs}
        self._evaluator = evaluator or make_evaluator(crew.spec, list(self._packs.values()))
        self._depot = Depot(crew.depot) if crew.depot else None
        self._clock = Clock()
        self._warm = False

    def _open(self, jobs: Iterable[Job]) -> Iterator[tuple[Pack, Shard]]:
        # A block has more images than most shards: it is held until another pack's turn.
        for job in jobs:
            for path, pack in self._packs.items():
                if path != job.pack:
                    pack.release_block()
            yield self._packs[job.pack], job.shard

    def run(
        self,
        jobs: Iterable[Job],
        *,
        on_image: Callable[[int], None],
        stop: Callable[[], bool],
        out: Path | None = None,
    ) -> Iterator[ShardReport]:
        """Yield the report of each shard as it is written, and delivered where there is a depot.

        The first image that this process evaluates does not count for timings.

        Args:
            jobs: What to do.
            on_image: Called with the number of references of each image that is done.
            stop: Asked before each batch of prompts.
            out: Another folder than the run's, in which a run folder is made.
        """
        folder = RunFolder(out or self._crew.out)
        if out:  # never the run's own: where a machine does not see it, rows would go astray
            folder.make()

        def count(references: int) -> None:
            if not self._warm and references:
                self._clock.forget_warm_up()
                self._warm = True
            on_image(references)

        for report in run_shards(
            self._evaluator,
            self._open(jobs),
            self._crew.settings,
            folder.path,
            self._clock,
            on_image=count,
            stop=stop,
        ):
            if self._depot:
                self._depot.send(folder, report.shard)
            yield report


def run_jobs(
    jobs: Sequence[Job],
    crew: Crew,
    evaluator: Evaluator,
    *,
    workers: int,
    on_image: Callable[[int], None],
    stop: Callable[[], bool],
) -> Iterator[ShardReport]:
    """Run every job and yield its report as it ends; rows do not depend on `workers`.

    A worker process that dies, hangs or loses its device is replaced, and its shard is redone.

    Raises:
        StoppedError: If `stop` says so.
        StorageError: If the disk fails.
        DeviceError: If workers die again and again, or the device of the only one breaks.
    """
    if workers <= 1 or len(jobs) <= 1:
        yield from Worker(crew, evaluator).run(jobs, on_image=on_image, stop=stop)
        return
    left = list(jobs)
    deaths = 0
    while left:
        try:
            for report, images in _run_in_processes(left, crew, min(workers, len(left)), stop):
                deaths = 0
                left = [job for job in left if job.shard != report.shard]
                for references in images:
                    on_image(references)
                yield report
        except (BrokenProcessPool, DeviceError) as error:
            deaths += 1
            if deaths == _DEATHS:
                raise DeviceError(
                    f"{crew.out}: {crew.spec.name}: a worker died {_DEATHS} times over; the same "
                    "command resumes"
                ) from error


_worker: Worker | CosmosBoardError | None = None
"""Of this process, or why it has none: a pool would tell no more than that a process died."""

_halt: Event | None = None


def _begin_worker(crew: Crew, halt: Event) -> None:
    """Set up a worker process, which leaves signals to its parent."""
    global _worker, _halt
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _halt = halt
    try:
        _worker = Worker(crew)
    except CosmosBoardError as error:
        _worker = error


def _run_in_worker(job: Job, hang_s: float) -> tuple[ShardReport, list[int]]:
    if isinstance(_worker, CosmosBoardError):
        raise _worker
    assert _worker is not None
    assert _halt is not None
    images: list[int] = []
    with end_when_stuck(hang_s) as is_alive:

        def stop(halt: Event = _halt) -> bool:
            is_alive()
            return halt.is_set()

        [report] = _worker.run([job], on_image=images.append, stop=stop)
    return report, images


def _run_in_processes(
    jobs: Sequence[Job], crew: Crew, workers: int, stop: Callable[[], bool]
) -> Iterator[tuple[ShardReport, list[int]]]:
    context = multiprocessing.get_context("spawn")
    halt = context.Event()
    others = set(multiprocessing.active_children())
    pool = make_pool(workers, context, _begin_worker, (crew,), inherited=(halt,))
    try:
        pending = {pool.submit(_run_in_worker, job, crew.hang_s) for job in jobs}
        while pending:
            done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            # Those that ended well come first: a death must not take their reports along.
            for future in sorted(done, key=lambda future: future.exception() is not None):
                yield future.result()
            if stop() and pending:
                raise StoppedError(f"{crew.out}: stopped; the same command resumes")
    except BrokenProcessPool:
        # The dead worker may have taken a lock along that the others wait for, deaf to SIGTERM.
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise
    finally:
        halt.set()
        pool.shutdown(cancel_futures=True)
