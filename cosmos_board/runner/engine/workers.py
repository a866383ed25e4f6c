"""How many processes suit a model on this machine, where nobody says."""

from __future__ import annotations

import os
from pathlib import Path

from cosmos_board.core.cards import ModelCard

_GIB = 1 << 30
_BASE_BYTES = _GIB
"""What a worker holds beside its model: Python, torch, a block of a pack, masks."""

_BYTES_PER_PARAMETER = 20
"""float32 weights, and what an encoder's activations and a batch of masks came to for SAM ViT-B."""


_LEAST_IMAGES = 4
"""A process that starts for fewer takes longer than it saves."""


def choose_workers(card: ModelCard, device: str, images: int) -> int:
    """Return one process per processor that this one may use, as far as memory and images go.

    Every process computes on one thread (`models.cpu_tuning`), so that rows do not depend on the
    answer. A model on a GPU has one process, and so has a learned one that does not say how large
    it is: nobody knows whether a second would fit.

    Args:
        card: Of the model.
        device: As given to `--device`.
        images: How many it has to evaluate.
    """
    if not device.startswith("cpu") or (card.kind == "promptable" and card.parameters is None):
        return 1
    each = _BASE_BYTES + _BYTES_PER_PARAMETER * (card.parameters or 0)
    fitting = min(_count_processors(), _read_available_bytes() // each, images // _LEAST_IMAGES)
    return max(1, fitting)


def _count_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return memory that could be had without swapping; half of all where the system is silent."""
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) << 10
    except (OSError, ValueError):
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * _GIB
