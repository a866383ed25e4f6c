"""How a device is named: `cpu`, `cuda`, `cuda:1`; with `+bf16` or `+fp16`, and `+compile`.

Precision is part of the name because it changes masks, and `+compile` because it changes timings:
both are kept with the run, and timings are only compared within a name. Only what sets torch up
imports it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.accelerators.cards import count_cards
from cosmos_board.core.errors import UsageError

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

_PRECISIONS: dict[str, Precision] = {"bf16": "bf16", "fp16": "fp16", "fp32": "fp32"}
_COMPILE = "compile"
_NAME = re.compile(r"cpu|cuda(:\d+)?")
_WANT = "such as cpu, cuda, cuda:1+bf16+compile"

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_NEVER = 2**31 - 1
_TOP_PAD_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model runs, and how."""

    name: str
    """As torch has it."""

    precision: Precision = "fp32"
    compiled: bool = False
    """Whether the image encoder is compiled before its first use."""

    @property
    def is_gpu(self) -> bool:
        """Whether it is no CPU."""
        return self.name != "cpu"

    @property
    def index(self) -> int | None:
        """Which of several GPUs it is; None where the name leaves that open, and for the CPU."""
        _, colon, index = self.name.partition(":")
        return int(index) if colon else None


CPU = Device("cpu")


def parse_device(text: str) -> Device:
    """Return what the name of a device says.

    Raises:
        UsageError: If it names no device that models run on, or something after a `+` is unknown or
            given twice; or if it is `cpu+fp16`.

    Example:
        >>> parse_device("cuda:1+bf16")
        Device(name='cuda:1', precision='bf16', compiled=False)
    """
    name, *options = text.split("+")
    precisions = [_PRECISIONS[option] for option in options if option in _PRECISIONS]
    known = len(precisions) + options.count(_COMPILE)
    if known != len(options) or len(precisions) > 1 or options.count(_COMPILE) > 1:
        raise UsageError("--device", "", "is no device", got=text, want=_WANT)
    if name == "mps":
        text = "has no float64, which everything mode and scores need"
        raise UsageError("--device", "", text, got=name, want="cpu or cuda")
    if not _NAME.fullmatch(name):
        raise UsageError("--device", "", "is no device", got=text, want=_WANT)
    if name == "cpu" and "fp16" in precisions:
        # A GPU's autocast squares in float32 there, a CPU's does not; 0.12 Dice are lost.
        problem = "loses what SAM's layer norms square, and is slower than float32"
        raise UsageError("--device", "", problem, got=text, want="cpu or cpu+bf16")
    return Device(name, precisions[0] if precisions else "fp32", _COMPILE in options)


def refuse_absent(text: str) -> Device:
    """Return what the name of a device says, where this machine has that device.

    Raises:
        UsageError: If it has not, or the name is none.
    """
    chosen = parse_device(text)
    if chosen.is_gpu and (chosen.index or 0) >= (cards := count_cards()):
        want = f"cpu, or cuda:0 to cuda:{cards - 1}" if cards else "cpu"
        raise UsageError("--device", "", "is not available here", got=chosen.name, want=want)
    return chosen


def place(text: str, number: int) -> str:
    """Return the device of worker `number` (0, 1 …): workers take all GPUs in turn.

    A device that is named by its index stays, and so does the CPU.

    Example:
        >>> place("cuda:1+bf16", 7), place("cpu+bf16", 7)
        ('cuda:1+bf16', 'cpu+bf16')
    """
    chosen = parse_device(text)
    if not chosen.is_gpu or chosen.index is not None or not (cards := count_cards()):
        return text
    return text.replace("cuda", f"cuda:{number % cards}", 1)


def drop_index(text: str) -> str:
    """Return the name of a device without saying which of several it is.

    Example:
        >>> drop_index("cuda:1+bf16")
        'cuda+bf16'
    """
    return re.sub(r":\d+", "", text)


def prepare_device(device: str) -> Device:
    """Return what the name of a device says, after setting torch up for it.

    Raises:
        UsageError: If there is no such device here.
    """
    chosen = refuse_absent(device)
    if not chosen.is_gpu:
        tune_cpu()
        return chosen
    # Images of many sizes leave gaps between blocks of fixed size, until none is large enough.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    import torch

    # cuDNN rounds float32 convolutions to TF32 unless told otherwise; fp32 means fp32.
    torch.backends.cudnn.allow_tf32 = False
    # Of several algorithms the same one each time, whatever is measured at the moment.
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if chosen.index is not None:  # else libraries would take memory on the first GPU too
        torch.cuda.set_device(chosen.index)
    return chosen


def tune_cpu(threads: int = 1) -> None:
    """Keep freed memory in this process and let torch use `threads` threads.

    Large temporaries that go back to the kernel have to be faulted in again, which costs as
    much as the arithmetic of a mask decoder and makes batches slower than single prompts.
    One thread per process is the default: it gives the same bits on every machine and no
    thread waits for a slower one; run several workers to use several cores.
    """
    import torch

    keep_freed_memory()
    torch.set_num_threads(threads)


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; return whether it agreed (False on other systems)."""
    mallopt = _find_mallopt()
    if mallopt is None:
        return False
    wanted = (
        (_M_MMAP_THRESHOLD, _NEVER),
        (_M_TRIM_THRESHOLD, _NEVER),
        (_M_TOP_PAD, _TOP_PAD_BYTES),
    )
    return all([mallopt(parameter, number) == 1 for parameter, number in wanted])


def _find_mallopt() -> Callable[[int, int], int] | None:
    if os.name != "posix" or platform.libc_ver()[0] != "glibc":
        return None
    try:
        mallopt: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return None
    return mallopt
