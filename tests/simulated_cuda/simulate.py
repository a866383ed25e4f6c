"""Makes torch believe that there are GPUs, in this thread and in those that it begins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch

from tests.simulated_cuda.gpus import SimulatedGpus, activate, get_gpus
from tests.simulated_cuda.tensors import SimulationMode, pin


class _Event:
    """A mark in the stream of a card, as `torch.cuda.Event` is."""

    def __init__(self, *, enable_timing: bool = False) -> None:
        assert enable_timing, "an event that is not for timing has no use here"
        self._at_s = 0.0

    def record(self, stream: object = None) -> None:
        self._at_s = get_gpus().seconds

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        """Wait until the card has come here."""

    def elapsed_time(self, end: _Event) -> float:
        return 1000 * (end._at_s - self._at_s)


@contextmanager
def simulate_gpus(count: int = 1) -> Iterator[SimulatedGpus]:
    """Let this process have `count` simulated GPUs while the block runs, in threads begun in it."""
    gpus = SimulatedGpus(count)
    with pytest.MonkeyPatch.context() as patch:
        _patch_torch(patch, gpus)
        _patch_threads(patch)
        overwritten = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            with activate(gpus), _believe():
                yield gpus
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(overwritten)


@contextmanager
def _believe() -> Iterator[None]:
    """Simulate in this thread."""
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with SimulationMode():  # type: ignore[no-untyped-call]
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
        "device_count": lambda: gpus.count,
        "current_device": lambda: 0,
        "device": lambda _: nullcontext(),
        "get_device_name": lambda _=None: "Simulated GPU",
        "get_device_properties": lambda _=None: type("Properties", (), properties)(),
        "empty_cache": empty_cache,
        "current_stream": lambda _=None: None,
        "set_device": lambda _: None,
        "synchronize": lambda _=None: gpus.log("item"),
        "_lazy_init": lambda: None,
        "Event": _Event,
    }.items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    # A tensor of this kind cannot be made in inference mode.
    patch.setattr(torch, "inference_mode", torch.no_grad)
    patch.setattr(torch.Tensor, "pin_memory", pin)
    patch.setattr(torch.Tensor, "backward", lambda *_, **__: None)


def _patch_threads(patch: pytest.MonkeyPatch) -> None:
    run = threading.Thread.run

    def believe_and_run(thread: threading.Thread) -> None:
        with _believe():
            run(thread)

    patch.setattr(threading.Thread, "run", believe_and_run)
