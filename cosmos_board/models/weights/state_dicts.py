"""State dicts as training scripts save them: what stands around the weights is taken off."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

WRAPPERS = ("model", "state_dict", "model_state_dict", "net", "network", "ema", "model_ema")
"""Keys under which scripts put the weights; where there are several the first holds them."""

PREFIXES = ("module.", "_orig_mod.", "sam.", "model.")
"""What wrappers such as `DataParallel`, `torch.compile` and `LightningModule` put before names."""

_DEPTH = 2
"""How many wrappers may stand around each other."""

HARMLESS: list[Any] = [
    Namespace,
    np.dtype,
    np._core.multiarray.scalar,  # a loss, as many scripts save it
    *(type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64, np.bool_)),
]
"""Types beside the weights that run no code when they are read."""


def find_state(content: object, depth: int = _DEPTH) -> dict[str, Tensor] | None:
    """Return the weights in what `torch.load` gave, or None where there are none.

    They are the mapping itself, or stand under one of `WRAPPERS`, once or twice, with an optimizer,
    an epoch and the like beside them.

    Example:
        >>> import torch
        >>> sorted(find_state({"epoch": 3, "model": {"state_dict": {"a": torch.zeros(1)}}}))
        ['a']
    """
    if not isinstance(content, Mapping):
        return None
    for key in WRAPPERS if depth else ():
        if (found := find_state(content.get(key), depth - 1)) is not None:
            return found
    state = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    beside = [value for value in content.values() if not isinstance(value, Tensor)]
    plain = all(isinstance(value, str | int | float | None) for value in beside)
    return state if state and plain else None


def strip_prefixes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without the `PREFIXES` that all their names share.

    Example:
        >>> import torch
        >>> sorted(strip_prefixes({"module.sam.a": torch.zeros(1), "module.sam.b": torch.ones(1)}))
        ['a', 'b']
    """
    found = dict(state)
    while common := next((p for p in PREFIXES if all(name.startswith(p) for name in found)), None):
        if not found:
            break
        found = {name.removeprefix(common): value for name, value in found.items()}
    return found
