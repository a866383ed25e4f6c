# ruff: noqa: ANN401 (operations of torch take and return anything)
"""Simulated GPUs: tensors that say `cuda:0` and compute on the CPU, for machines without a GPU.

The real code runs, with real numbers. As on a GPU, an operation on tensors of two devices raises,
so does `.numpy()`, and autocast follows the lists of CUDA. What a GPU would make the host wait for
is logged with the line that caused it; memory can run out, in each of the forms that drivers and
libraries report; and kernels take the seconds that a test says. There are no gradients: the
autograd engine asks for a real device. Nothing that passes here has run on a GPU.
"""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import pytest
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

Wait: TypeAlias = Literal["fetch", "upload", "item", "shape"]
"""`fetch`: a copy to the host; `upload`: a copy from memory that is not pinned; `item`: a number
that Python asks for; `shape`: a result whose size depends on values, such as of a bool index."""

_PACKAGE = str(Path(__file__).parents[1] / "cosmos_board")
_DATA_DEPENDENT = {"nonzero", "masked_select", "_unique2", "repeat_interleave"}
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
    """Only kernels launched from a file whose path contains this can run out of memory."""

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

    def _log(self, kind: Wait) -> None:
        self.waits.append(Logged(kind, *_find_line()))

    def _launch(self, name: str, out: object, index: int) -> None:
        if name in _VIEWS:
            return
        self.launches[index] += 1
        if self.most_elements is None:
            return
        sizes = [leaf.numel() for leaf in pytree.tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        if max(sizes, default=0) > self.most_elements and self.within in _list_files():
            self.refused += 1
            raise MEMORY_ERRORS[self.form]()


class SimulatedTensor(torch.Tensor):
    """A tensor on a simulated card, whose values lie on the CPU."""

    values: torch.Tensor  # type: ignore[assignment] # that of sparse tensors is of no use here

    @staticmethod
    def __new__(cls: type[SimulatedTensor], values: torch.Tensor, index: int) -> SimulatedTensor:
        made: SimulatedTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            values.shape,
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            layout=values.layout,
            device=torch.device("cuda", index),
        )
        made.values = values
        return made

    def tolist(self) -> Any:
        _gpus()._log("fetch")
        return self.values.tolist()

    def numpy(self, **_: object) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"SimulatedTensor({self.values})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        return _run(func, args, kwargs or {})


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        return _run(func, args, kwargs or {})


class _Event:
    """A mark in the stream of a card, as `torch.cuda.Event` is."""

    def __init__(self, *, enable_timing: bool = False) -> None:
        assert enable_timing, "an event that is not for timing has no use here"
        self._at_s = 0.0

    def record(self, stream: object = None) -> None:
        self._at_s = _gpus().seconds

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        """Wait until the card has come here."""

    def elapsed_time(self, end: _Event) -> float:
        return 1000 * (end._at_s - self._at_s)


@contextmanager
def simulate_gpus(count: int = 1) -> Iterator[SimulatedGpus]:
    """Let this process have `count` simulated GPUs while the block runs, in threads begun in it."""
    global _active
    gpus = SimulatedGpus(count)
    with pytest.MonkeyPatch.context() as patch:
        _patch_torch(patch, gpus)
        _patch_threads(patch)
        _active = gpus
        overwritten = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            with _believe():
                yield gpus
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(overwritten)
            _active = None


_active: SimulatedGpus | None = None


def _gpus() -> SimulatedGpus:
    assert _active is not None, "a tensor outlived its simulated card"
    return _active


@contextmanager
def _believe() -> Iterator[None]:
    """Simulate in this thread."""
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with _Mode():  # type: ignore[no-untyped-call]
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(False)


def _patch_torch(patch: pytest.MonkeyPatch, gpus: SimulatedGpus) -> None:
    torch._C._ensureCUDADeviceGuardSet()

    def empty_cache() -> None:
        gpus.emptied += 1

    properties = {"name": "Simulated GPU", "total_memory": 80 << 30, "major": 9, "minor": 0}
    for name, value in {
        "is_available": lambda: True,
        "is_bf16_supported": lambda *_, **__: True,
        "device_count": lambda: count_visible(gpus.count),
        "current_device": lambda: 0,
        "device": lambda _: nullcontext(),
        "get_device_name": lambda _=None: "Simulated GPU",
        "get_device_properties": lambda _=None: type("Properties", (), properties)(),
        "empty_cache": empty_cache,
        "current_stream": lambda _=None: None,
        "set_device": lambda _: None,
        "synchronize": lambda _=None: gpus._log("item"),
        "_lazy_init": lambda: None,
        "Event": _Event,
    }.items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    # A tensor of this kind cannot be made in inference mode.
    patch.setattr(torch, "inference_mode", torch.no_grad)
    patch.setattr(torch.Tensor, "pin_memory", _pin)
    patch.setattr(torch.Tensor, "backward", lambda *_, **__: None)


def count_visible(count: int) -> int:
    """Return how many cards there are; a test may patch it."""
    return count


def _patch_threads(patch: pytest.MonkeyPatch) -> None:
    run = threading.Thread.run

    def believe_and_run(thread: threading.Thread) -> None:
        with _believe():
            run(thread)

    patch.setattr(threading.Thread, "run", believe_and_run)


def _pin(tensor: torch.Tensor) -> torch.Tensor:
    pinned = tensor.clone()
    pinned.is_simulated_pinned = True  # type: ignore[attr-defined]
    return pinned


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = func.overloadpacket.__name__
    leaves = pytree.tree_leaves((args, kwargs))
    here = [leaf for leaf in leaves if isinstance(leaf, SimulatedTensor)]
    if name == "_to_copy":
        return _copy(func, args[0], kwargs)
    if name == "copy_":
        return _copy_into(*args, **kwargs)
    index = _find_card(here, kwargs.get("device"))
    if index is None:
        return func(*args, **kwargs)
    _refuse_mixing(func, name, args, leaves, here)
    _note_waits(name, args)
    plain_args, plain = pytree.tree_map(_to_values, (args, kwargs))
    if plain.get("device") is not None:
        plain["device"] = "cpu"
    if name in ("_softmax", "_log_softmax") and plain_args[2]:
        plain_args = (plain_args[0].float(), plain_args[1], False)  # CUDA has one kernel for both
    out = func(*plain_args, **plain)
    _gpus()._launch(name, out, index)
    written = _find_written(func, args, kwargs)
    if written is not None:
        return written
    return out if name == "_local_scalar_dense" else pytree.tree_map(_Place(index).__call__, out)


@dataclass(frozen=True, slots=True)
class _Place:
    """Puts tensors on a card."""

    card: int

    def __call__(self, value: Any) -> Any:
        is_plain = isinstance(value, torch.Tensor) and not isinstance(value, SimulatedTensor)
        return SimulatedTensor(value, self.card) if is_plain else value


def _to_values(value: Any) -> Any:
    return value.values if isinstance(value, SimulatedTensor) else value


def _card_of(device: object) -> int | None:
    """Return the index of a card, None for the CPU."""
    if device is None or torch.device(device).type != "cuda":  # type: ignore[call-overload]
        return None
    index = torch.device(device).index or 0  # type: ignore[call-overload]
    if index >= _gpus().count:
        raise RuntimeError("CUDA error: invalid device ordinal")
    return int(index)


def _find_card(here: list[SimulatedTensor], device: object) -> int | None:
    return here[0].device.index if here else _card_of(device)


def _copy(func: Any, source: torch.Tensor, kwargs: dict[str, Any]) -> torch.Tensor:
    rest = {key: value for key, value in kwargs.items() if key != "device"}
    device = kwargs.get("device", source.device)
    target = _card_of(device)
    out: torch.Tensor = func(_to_values(source), **rest)
    if isinstance(source, SimulatedTensor) and target is None:
        _gpus()._log("fetch")
    elif not isinstance(source, SimulatedTensor) and target is not None:
        _note_upload(source, non_blocking=bool(kwargs.get("non_blocking")))
    if target is None:
        return out
    _gpus()._launch("_to_copy", out, target)
    return SimulatedTensor(out, target)


def _copy_into(
    target: torch.Tensor,
    source: torch.Tensor,
    non_blocking: bool = False,
) -> torch.Tensor:
    if isinstance(target, SimulatedTensor) and not isinstance(source, SimulatedTensor):
        _note_upload(source, non_blocking=non_blocking)
    elif isinstance(source, SimulatedTensor) and not isinstance(target, SimulatedTensor):
        _gpus()._log("fetch")
    _to_values(target).copy_(_to_values(source))
    return target


def _note_upload(source: torch.Tensor, *, non_blocking: bool) -> None:
    if not (non_blocking and getattr(source, "is_simulated_pinned", False)):
        _gpus()._log("upload")


def _refuse_mixing(
    func: Any,
    name: str,
    args: Any,
    leaves: list[Any],
    here: list[SimulatedTensor],
) -> None:
    """Raise where tensors lie on several devices; numbers and indices from the CPU may."""
    indices = args[1] if name in ("index", "index_put", "index_put_") else []
    others = [
        leaf
        for leaf in leaves
        if isinstance(leaf, torch.Tensor)
        and not isinstance(leaf, SimulatedTensor)
        and leaf.dim()
        and not any(leaf is index for index in indices)
    ]
    if others or len({tensor.device for tensor in here}) > 1:
        devices = sorted({str(tensor.device) for tensor in [*here, *others]})
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{' and '.join(devices)}! ({func}) at {_find_line()[0]}"
        )


def _note_waits(name: str, args: Any) -> None:
    gpus = _gpus()
    if name in ("_local_scalar_dense", "equal"):
        gpus._log("item")
    elif name in _DATA_DEPENDENT:
        gpus._log("shape")
    elif name in ("index", "index_put", "index_put_"):
        indices = [index for index in args[1] if isinstance(index, torch.Tensor)]
        if any(not isinstance(index, SimulatedTensor) for index in indices):
            gpus._log("upload")
        is_fill = name != "index" and args[2].numel() == 1  # CUDA fills without counting
        if any(index.dtype == torch.bool for index in indices) and not is_fill:
            gpus._log("shape")


def _find_written(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Return the tensors that an operation wrote into and returns; None where it made new ones."""
    written = []
    for returned in func._schema.returns:
        alias = returned.alias_info
        if alias is None or not alias.is_write:
            return None
        for place, argument in enumerate(func._schema.arguments):
            given = argument.alias_info
            if given is not None and given.is_write and given.after_set == alias.after_set:
                written.append(args[place] if place < len(args) else kwargs[argument.name])
    return None if not written else written[0] if len(written) == 1 else tuple(written)


def _find_line() -> tuple[str, str]:
    """Return the last line of the package on the stack, as `runner/run.py:12`, and its function."""
    for frame in reversed(traceback.extract_stack(limit=60)):
        if frame.filename.startswith(_PACKAGE):
            return f"{frame.filename[len(_PACKAGE) + 1 :]}:{frame.lineno}", frame.name
    return "", ""


def _list_files() -> str:
    return "\n".join(frame.filename for frame in traceback.extract_stack())
