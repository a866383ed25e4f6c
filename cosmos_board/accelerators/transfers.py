"""Copies from the host to a device."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def upload(values: NDArray[Any] | Tensor, device: torch.device | str) -> Tensor:
    """Return values on a device, in their own type; on the CPU they share their memory.

    On a GPU the host does not wait: the copy starts from pinned memory, in order with the kernels
    that are launched before and after it.
    """
    tensor = torch.as_tensor(values)
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
