"""The same shards on a Ray cluster, written to a shared disk or to a remote store."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cosmos_board.core.errors import DeviceError, InputError, StoppedError, UsageError
from cosmos_board.core.run_record import DeviceCheck
from cosmos_board.models.devices import parse_device
from cosmos_board.models.factories import name_install
from cosmos_board.runner.engine.device_check import NoteCheck
from cosmos_board.runner.engine.worker import FinishedShard, Worker
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, WorkerSettings

RETRIES = 20
"""How often a worker is begun anew after it died."""

_CPUS_A_WORKER = 1


def run_shards_on_ray(
    shards: Sequence[Shard],
    settings: WorkerSettings,
    address: str | None,
    callbacks: Callbacks,
    note_check: NoteCheck = lambda check: None,
) -> Iterator[FinishedShard]:
    """Evaluate every shard on a cluster and yield each when it is written.

    Workers are actors: one keeps its model, and the GPU that Ray gave it, from shard to shard.
    There are as many as find room when the run begins. Only names are sent through Ray. Each shard
    is written whole or not at all under its own name, so running a shard twice gives the same file;
    a driver that dies resumes from the disk.

    Args:
        shards: What to evaluate.
        settings: Of the workers; the packs must be found on every node, and the run folder too
            unless there is a remote store.
        address: Of a running cluster; None starts one on this machine, which no other can reach.
        callbacks: Told of each image; asked between shards whether to stop.
        note_check: Told of the last check of each worker's device.

    Raises:
        InputError: If Ray is not installed.
        UsageError: If the device is one of several GPUs: Ray hands them out itself.
        StoppedError: If the callbacks say so.
        DeviceError: If a shard fails again and again.
    """
    device = parse_device(settings.spec.device)
    if device.index is not None:
        text = "is one of several GPUs, which Ray hands out itself"
        raise UsageError("--device", "", text, got=device.name, want="cuda")
    if address is None and not os.environ.get("RAY_ADDRESS"):
        address = "local"  # whatever cluster of others runs on this machine
    ray = _import_ray(address)
    if not ray.is_initialized():
        ray.init(
            address=address,
            log_to_driver=False,
            include_dashboard=False,
            logging_level="ERROR",
        )
    kind = "GPU" if device.is_gpu else "CPU"
    free = int(ray.available_resources().get(kind, 0))
    actor = ray.remote(
        num_cpus=_CPUS_A_WORKER,
        num_gpus=1 if device.is_gpu else 0,
        max_restarts=RETRIES,
        max_task_retries=RETRIES,
    )(_RayWorker)
    actors = [actor.remote(settings) for _ in range(max(1, min(free, len(shards))))]
    try:
        yield from _hand_out(ray, actors, shards, settings.out, callbacks)
        for check in _ask(ray, [each.finish.remote() for each in actors], settings.out):
            if check:
                note_check(check)
    finally:
        for each in actors:
            ray.kill(each)


class _RayWorker:
    """A worker in a process of Ray's, which is made with its first shard.

    Were it made with the process, Ray would not tell why that fails.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings

    @cached_property
    def _worker(self) -> Worker:
        return Worker(self._settings)

    def run(self, shard: Shard) -> tuple[FinishedShard, list[int]]:
        """Evaluate a shard; return it and the number of references of each image."""
        if self._settings.remote is None:
            return self._worker.run_alone(shard, lambda: False)
        with TemporaryDirectory(prefix="cosmos-board-") as out:
            return self._worker.run_alone(shard, lambda: False, Path(out))

    def finish(self) -> DeviceCheck | None:
        """Check the device once more, where it is watched."""
        return self._worker.finish()


def _hand_out(
    ray: Any,  # noqa: ANN401 - a module that may be absent
    actors: Sequence[Any],
    shards: Sequence[Shard],
    out: Path,
    callbacks: Callbacks,
) -> Iterator[FinishedShard]:
    """Give each worker its next shard when it has finished one; yield what is finished."""
    left = deque(shards)
    at_work = {actor.run.remote(left.popleft()): actor for actor in actors}
    while at_work:
        done, _ = ray.wait(list(at_work), num_returns=1, timeout=0.5)
        for future in done:
            actor = at_work.pop(future)
            [(finished, images)] = _ask(ray, [future], out)
            if left:
                at_work[actor.run.remote(left.popleft())] = actor
            for references in images:
                callbacks.on_image(references)
            yield finished
        if callbacks.stop() and at_work:
            raise StoppedError(f"{out}: stopped; the same command resumes")


def _ask(ray: Any, futures: Sequence[Any], out: Path) -> list[Any]:  # noqa: ANN401
    """Return what workers answer, or raise what they raised."""
    try:
        answers: list[Any] = ray.get(list(futures))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise DeviceError(f"{out}: {error}") from error
    return answers


def _import_ray(address: str | None) -> Any:  # noqa: ANN401 - a module that may be absent
    # A cluster of our own serves this machine alone. Ray reads this when it is imported, has no
    # other way to listen on the loopback address, and heeds it on every system.
    if address == "local":
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
        import ray.exceptions
    except ModuleNotFoundError as error:
        raise InputError("--engine", "ray", "is not installed", want=name_install("ray")) from error
    return ray
