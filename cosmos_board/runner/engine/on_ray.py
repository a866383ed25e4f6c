"""The same work units on a Ray cluster: shards are idempotent, on a shared disk or in a depot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cosmos_board.core.errors import DeviceError, InputError, StoppedError
from cosmos_board.models.factories import name_install
from cosmos_board.runner.engine.local import Crew, Job, Worker
from cosmos_board.runner.engine.watchdog import end_when_stuck
from cosmos_board.runner.engine.work import ShardReport

RETRIES = 20
"""How often a shard is handed out anew after its worker died."""

_CPUS_A_WORKER = 1

_workers: dict[str, Worker] = {}
"""One worker a process: Ray keeps processes, so models are loaded once in each."""


def run_jobs_on_ray(
    jobs: Sequence[Job],
    crew: Crew,
    *,
    address: str | None,
    on_image: Callable[[int], None],
    stop: Callable[[], bool],
) -> Iterator[ShardReport]:
    """Run every job on a cluster and yield its report as it ends.

    Only names travel through Ray. Each shard is written whole or not at all under its own name,
    so a shard that is run twice is the same shard; a driver that dies resumes from the disk.

    Args:
        jobs: What to do.
        crew: What every worker needs; its packs must be found on every node, and its `out` too
            unless there is a depot.
        address: Of a running cluster; None starts one on this machine, which no other can reach.
        on_image: Called with the number of references of each image that is done.
        stop: Asked between reports.

    Raises:
        InputError: If Ray is not installed.
        StoppedError: If `stop` says so.
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
        num_cpus=_CPUS_A_WORKER, max_retries=RETRIES, num_gpus=_gpus(crew.spec.device)
    )(_run_on_worker)
    pending = [task.remote(job, crew) for job in jobs]
    while pending:
        done, pending = ray.wait(pending, num_returns=1, timeout=0.5)
        for future in done:
            try:
                report, images = ray.get(future)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:
                raise DeviceError(f"{crew.out}: {error}") from error
            for references in images:
                on_image(references)
            yield report
        if stop() and pending:
            for future in pending:
                ray.cancel(future)
            raise StoppedError(f"{crew.out}: stopped; the same command resumes")


def _gpus(device: str) -> int:
    return 1 if device.startswith("cuda") else 0


def _run_on_worker(job: Job, crew: Crew) -> tuple[ShardReport, list[int]]:
    key = repr(crew)
    if key not in _workers:
        _workers.clear()
        _workers[key] = Worker(crew)
    images: list[int] = []
    with end_when_stuck(crew.hang_s) as is_alive:

        def stop() -> bool:
            is_alive()
            return False

        with _workplace(crew) as out:
            [report] = _workers[key].run([job], on_image=images.append, stop=stop, out=out)
    return report, images


@contextmanager
def _workplace(crew: Crew) -> Iterator[Path | None]:
    """Yield a folder of the worker's own where it delivers what it finishes; None is the run's."""
    if crew.depot is None:
        yield None
        return
    with TemporaryDirectory(prefix="cosmos-board-") as out:
        yield Path(out)


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
