"""Data-parallel training on the CPU: processes with equal weights, each on images of its own.

On a busy machine two processes that synchronise once a step get more done than two threads that
synchronise a thousand times in it. torch's `DistributedDataParallel` would need all decoder calls
of a step in one `forward`, and would broadcast the batch statistics instead of averaging them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from cosmos_board.core.processes import end_with


class WorkerGroup:
    """This process as number `rank` of `size` workers; by default it works alone."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the workers; the same bits in all of them."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        lengths = [tensor.numel() for tensor in tensors]
        for tensor, mean in zip(tensors, torch.split(flat, lengths), strict=True):
            tensor.detach().copy_(mean.view_as(tensor))

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average gradients; one that a worker lacks, since no prompt of it used it, is zero."""
        if self.size == 1:
            return
        counts = torch.tensor([float(p.grad is not None) for p in parameters])
        dist.all_reduce(counts)
        used = [p for p, count in zip(parameters, counts.tolist(), strict=True) if count]
        for parameter in used:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self.average([p.grad for p in used if p.grad is not None])

    def wait(self) -> None:
        """Return once every worker has called this."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def start_workers(size: int, target: Callable[[WorkerGroup], object]) -> Iterator[WorkerGroup]:
    """Start `size` − 1 processes that run `target`, and yield this process's place among them.

    Should this process die, the others notice at their next step and end. `target` is importable
    by name, or a `functools.partial` of such a function.
    """
    if size == 1:
        yield WorkerGroup()
        return
    with tempfile.TemporaryDirectory() as folder:
        rendezvous = Path(folder) / "rendezvous"
        context = mp.get_context("spawn")
        others = [
            context.Process(
                target=_run, args=(os.getpid(), rank, size, rendezvous, target), daemon=True
            )
            for rank in range(1, size)
        ]
        for other in others:
            other.start()
        try:
            yield _join(0, size, rendezvous)
        finally:
            dist.destroy_process_group()
            for other in others:
                other.join(10)
                other.kill()


def _join(rank: int, size: int, rendezvous: Path) -> WorkerGroup:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=size)
    return WorkerGroup(rank, size)


def _run(
    parent_pid: int, rank: int, size: int, rendezvous: Path, target: Callable[[WorkerGroup], object]
) -> None:
    end_with(parent_pid)
    try:
        target(_join(rank, size, rendezvous))
    except RuntimeError:  # the first worker is gone
        os._exit(1)
