"""State dicts in files of weights, and modules that are filled with them.

What training scripts put around the weights is taken off.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cosmos_board.core.errors import InputError

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


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.pth` or `.safetensors` file, on the CPU; runs no code of it.

    What training scripts put around them is taken off: see `find_state`.

    Raises:
        InputError: If there is no such file or it holds anything else.
    """
    if not path.is_file():
        raise InputError(path, "", "no such file")
    try:
        if path.suffix == ".safetensors":
            return strip_prefixes(load_file(path))
        with torch.serialization.safe_globals(HARMLESS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise InputError(path, "", "holds no weights that can be read", got=reason) from error
    state = find_state(content)
    if state is None:
        raise InputError(path, "", "is no state dict", want="a mapping of names to tensors")
    return strip_prefixes(state)


def fill_module(module: nn.Module, weights: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Put `weights` into a module that was built on the meta device.

    Floating-point weights of any precision take that of the module: what is stored in half
    precision is computed with as the device says, not as the file does.

    Raises:
        InputError: If names, shapes or kinds of numbers are not those of the module.
    """
    types = {key: tensor.dtype for key, tensor in module.state_dict().items()}
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    shapes = {key: tensor.shape for key, tensor in weights.items()}
    if expected != shapes:
        wrong = sorted(key for key in {*expected, *shapes} if expected.get(key) != shapes.get(key))
        first = wrong[0]
        raise InputError(
            path,
            first,
            f"is not as {name} has it, nor are {len(wrong) - 1} other tensors",
            got=_show(shapes.get(first)),
            want=_show(expected.get(first)),
        )
    for key, tensor in weights.items():
        if tensor.is_floating_point() != types[key].is_floating_point:
            raise InputError(path, key, "is of another type", got=tensor.dtype, want=types[key])
    cast = {key: tensor.to(types[key]) for key, tensor in weights.items()}
    module.load_state_dict(cast, assign=True)
    for key, buffer in list(module.named_buffers()):
        if buffer.is_meta:  # not part of the weights, such as SAM's mean and deviation
            owner, _, attribute = key.rpartition(".")
            setattr(module.get_submodule(owner), attribute, torch.zeros(buffer.shape))


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
        if (state := find_state(content.get(key), depth - 1)) is not None:
            return state
    state = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    others = [value for value in content.values() if not isinstance(value, Tensor)]
    plain = all(isinstance(value, str | int | float | None) for value in others)
    return state if state and plain else None


def strip_prefixes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without the `PREFIXES` that all their names share.

    Example:
        >>> import torch
        >>> sorted(strip_prefixes({"module.sam.a": torch.zeros(1), "module.sam.b": torch.ones(1)}))
        ['a', 'b']
    """
    stripped = dict(state)
    while common := next(
        (p for p in PREFIXES if all(name.startswith(p) for name in stripped)), None
    ):
        if not stripped:
            break
        stripped = {name.removeprefix(common): value for name, value in stripped.items()}
    return stripped


def _show(shape: torch.Size | None) -> str:
    return "nothing" if shape is None else str(tuple(shape))
