"""Processes that learn together: each on images of its own, all with the same weights.

On a busy machine two processes that meet once a step get more done than two threads that meet a
thousand times in it.
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


class Peers:
    """One of `count` processes; alone where `count` is 1."""

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes; the same bits in all of them."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.count
        sizes = [tensor.numel() for tensor in tensors]
        for tensor, part in zip(tensors, torch.split(flat, sizes), strict=True):
            tensor.detach().copy_(part.view_as(tensor))

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average gradients; a prompt that only one process drew leaves the others without some."""
        if self.count == 1:
            return
        there = torch.tensor([float(p.grad is not None) for p in parameters])
        dist.all_reduce(there)
        taught = [p for p, count in zip(parameters, there.tolist(), strict=True) if count]
        for parameter in taught:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self.average([p.grad for p in taught if p.grad is not None])

    def wait(self) -> None:
        """Return once every process is here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def meet(count: int, follow: Callable[[Peers], None]) -> Iterator[Peers]:
    """Start `count` − 1 processes that run `follow`, and yield the first peer to lead them.

    Should the leader die, the others notice at their next step and end.

    Args:
        count: How many processes, this one included.
        follow: Importable by name, or a `functools.partial` of such a function.
    """
    if count == 1:
        yield Peers()
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "meeting"
        context = mp.get_context("spawn")
        others = [
            context.Process(
                target=_run, args=(os.getpid(), rank, count, place, follow), daemon=True
            )
            for rank in range(1, count)
        ]
        for other in others:
            other.start()
        try:
            yield _join(0, count, place)
        finally:
            dist.destroy_process_group()
            for other in others:
                other.join(10)
                other.kill()


def _join(rank: int, count: int, place: Path) -> Peers:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=count)
    return Peers(rank, count)


def _run(leader: int, rank: int, count: int, place: Path, follow: Callable[[Peers], None]) -> None:
    end_with(leader)
    try:
        follow(_join(rank, count, place))
    except RuntimeError:  # the leader is gone
        os._exit(1)
