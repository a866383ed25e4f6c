"""The same shards on a Ray cluster, written to a shared disk or to a remote store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cosmos_board.core.errors import DeviceError, InputError, StoppedError
from cosmos_board.models.factories import name_install
from cosmos_board.runner.engine.worker import FinishedShard, Worker
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.settings import Callbacks, WorkerSettings

RETRIES = 20
"""How often a shard is handed out anew after its worker died."""

_CPUS_A_WORKER = 1

_workers: dict[str, Worker] = {}
"""One worker a process: Ray keeps processes, so models are loaded once in each."""


def run_shards_on_ray(
    shards: Sequence[Shard], settings: WorkerSettings, address: str | None, callbacks: Callbacks
) -> Iterator[FinishedShard]:
    """Evaluate every shard on a cluster and yield each when it is written.

    Only names are sent through Ray. Each shard is written whole or not at all under its own name,
    so running a shard twice gives the same file; a driver that dies resumes from the disk.

    Args:
        shards: What to evaluate.
        settings: Of the workers; the packs must be found on every node, and the run folder too
            unless there is a remote store.
        address: Of a running cluster; None starts one on this machine, which no other can reach.
        callbacks: Told of each image; asked between shards whether to stop.

    Raises:
        InputError: If Ray is not installed.
        StoppedError: If the callbacks say so.
        DeviceError: If a shard fails again and again.
    """
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
    task = ray.remote(
        num_cpus=_CPUS_A_WORKER, max_retries=RETRIES, num_gpus=_count_gpus(settings.spec.device)
    )(_run_on_worker)
    pending = [task.remote(shard, settings) for shard in shards]
    while pending:
        done, pending = ray.wait(pending, num_returns=1, timeout=0.5)
        for future in done:
            try:
                finished, images = ray.get(future)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:
                raise DeviceError(f"{settings.out}: {error}") from error
            for references in images:
                callbacks.on_image(references)
            yield finished
        if callbacks.stop() and pending:
            for future in pending:
                ray.cancel(future)
            raise StoppedError(f"{settings.out}: stopped; the same command resumes")


def _count_gpus(device: str) -> int:
    return 1 if device.startswith("cuda") else 0


def _run_on_worker(shard: Shard, settings: WorkerSettings) -> tuple[FinishedShard, list[int]]:
    key = repr(settings)
    if key not in _workers:
        _workers.clear()
        _workers[key] = Worker(settings)
    if settings.remote is None:
        return _workers[key].run_alone(shard, lambda: False)
    with TemporaryDirectory(prefix="cosmos-board-") as out:
        return _workers[key].run_alone(shard, lambda: False, Path(out))


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
