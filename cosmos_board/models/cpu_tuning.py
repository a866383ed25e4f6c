"""Settings that make torch models fast on a CPU without changing their results."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_NEVER = 2**31 - 1
_TOP_PAD_BYTES = 256 << 20


def tune_cpu(threads: int = 1) -> None:
    """Keep freed memory in this process and let torch use `threads` threads.

    Large temporaries that go back to the kernel have to be faulted in again, which costs as
    much as the arithmetic of a mask decoder and makes batches slower than single prompts.
    One thread per process is the default: it gives the same bits on every machine and no
    barrier waits for a busy neighbour; run several workers to use several cores.
    """
    import torch

    keep_freed_memory()
    torch.set_num_threads(threads)


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; return whether it listened (False on other systems)."""
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
        found: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return None
    return found
