"""What simulated GPUs log, and what they refuse."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch.utils import _pytree as pytree

Wait: TypeAlias = Literal["fetch", "upload", "item", "shape"]
"""`fetch`: a copy to the host; `upload`: a copy from memory that is not pinned; `item`: a number
that Python asks for; `shape`: a result whose size depends on values, such as of a bool index."""

_PACKAGE = str(Path(__file__).parents[2] / "cosmos_board")
_VIEWS = {
    "view", "_unsafe_view", "expand", "permute", "transpose", "t", "slice", "select", "unsqueeze",
    "squeeze", "split", "split_with_sizes", "unbind", "detach", "alias", "as_strided",
    "_reshape_alias", "lift_fresh", "diagonal", "unfold",
}  # fmt: skip

MEMORY_ERRORS: dict[str, Callable[[], Exception]] = {
    "allocator": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "driver": lambda: torch.AcceleratorError("CUDA error: out of memory\nSearch for more"),
    "library": lambda: RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    "rocm": lambda: RuntimeError("HIP error: out of memory\nSearch for more"),
}
"""What memory that runs out looks like, by who noticed."""


class Logged(NamedTuple):
    """Something that the host waited for, and the last line of ours that led to it."""

    kind: Wait
    where: str
    function: str


@dataclass(slots=True, eq=False)
class SimulatedGpus:
    """The state of the simulated GPUs; from `simulate_gpus`."""

    count: int
    waits: list[Logged] = field(default_factory=list)
    launches: Counter[int] = field(default_factory=Counter)
    """Kernels by card."""

    seconds: float = 0.0
    """What the kernels so far take, one after the other: the time on the cards."""

    emptied: int = 0
    """How often cached memory was given back."""

    most_elements: int | None = None
    """A kernel whose result has more elements than this does not fit; None: all fit."""

    within: str = ""
    """Only kernels below a function like this, `models/sam/decoder.py:decode` or a part of that,
    can run out of memory."""

    form: str = "allocator"
    """Which of `MEMORY_ERRORS` is raised."""

    refused: int = 0
    """How many kernels did not fit."""

    def work(self, seconds: float) -> None:
        """Launch a kernel that takes so long."""
        self.seconds += seconds

    def hidden_waits(self) -> list[Logged]:
        """Return the waits that are no fetch, but for those while a model is made."""
        return [wait for wait in self.waits if wait.kind != "fetch" and wait.function != "__init__"]

    def fetches(self) -> list[str]:
        """Return the lines that fetched."""
        return [wait.where for wait in self.waits if wait.kind == "fetch"]

    def log(self, kind: Wait) -> None:
        self.waits.append(Logged(kind, *find_line()))

    def launch(self, name: str, out: object, index: int) -> None:
        if name in _VIEWS:
            return
        self.launches[index] += 1
        if self.most_elements is None:
            return
        sizes = [leaf.numel() for leaf in pytree.tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        if max(sizes, default=0) > self.most_elements and self.within in _list_functions():
            self.refused += 1
            raise MEMORY_ERRORS[self.form]()


_active: list[SimulatedGpus] = []


def get_gpus() -> SimulatedGpus:
    """Return the GPUs that this process has now."""
    assert _active, "a tensor outlived its simulated card"
    return _active[-1]


@contextmanager
def activate(gpus: SimulatedGpus) -> Iterator[None]:
    """Let these be the GPUs while the block runs."""
    _active.append(gpus)
    try:
        yield
    finally:
        _active.pop()


def find_line() -> tuple[str, str]:
    """Return the last line of the package on the stack, as `runner/run.py:12`, and its function."""
    for frame in reversed(traceback.extract_stack(limit=60)):
        if frame.filename.startswith(_PACKAGE):
            return f"{frame.filename[len(_PACKAGE) + 1 :]}:{frame.lineno}", frame.name
    return "", ""


def _list_functions() -> str:
    return "\n".join(f"{frame.filename}:{frame.name}" for frame in traceback.extract_stack())
