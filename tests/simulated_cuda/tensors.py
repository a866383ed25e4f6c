# ruff: noqa: ANN401 (operations of torch take and return anything)
"""Tensors of simulated GPUs, and what becomes of an operation on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from tests.simulated_cuda.gpus import find_line, get_gpus

_DATA_DEPENDENT = {"nonzero", "masked_select", "_unique2", "repeat_interleave"}


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
        get_gpus().log("fetch")
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


class SimulationMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Shows operations that make tensors, which no tensor of a GPU is given to."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        return _run(func, args, kwargs or {})


def pin(tensor: torch.Tensor) -> torch.Tensor:
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
    get_gpus().launch(name, out, index)
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
    if index >= get_gpus().count:
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
        get_gpus().log("fetch")
    elif not isinstance(source, SimulatedTensor) and target is not None:
        _note_upload(source, non_blocking=bool(kwargs.get("non_blocking")))
    if target is None:
        return out
    get_gpus().launch("_to_copy", out, target)
    return SimulatedTensor(out, target)


def _copy_into(
    target: torch.Tensor,
    source: torch.Tensor,
    non_blocking: bool = False,
) -> torch.Tensor:
    if isinstance(target, SimulatedTensor) and not isinstance(source, SimulatedTensor):
        _note_upload(source, non_blocking=non_blocking)
    elif isinstance(source, SimulatedTensor) and not isinstance(target, SimulatedTensor):
        get_gpus().log("fetch")
    _to_values(target).copy_(_to_values(source))
    return target


def _note_upload(source: torch.Tensor, *, non_blocking: bool) -> None:
    if not (non_blocking and getattr(source, "is_simulated_pinned", False)):
        get_gpus().log("upload")


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
            f"{' and '.join(devices)}! ({func}) at {find_line()[0]}"
        )


def _note_waits(name: str, args: Any) -> None:
    gpus = get_gpus()
    if name in ("_local_scalar_dense", "equal"):
        gpus.log("item")
    elif name in _DATA_DEPENDENT:
        gpus.log("shape")
    elif name in ("index", "index_put", "index_put_"):
        indices = [index for index in args[1] if isinstance(index, torch.Tensor)]
        if any(not isinstance(index, SimulatedTensor) for index in indices):
            gpus.log("upload")
        is_fill = name != "index" and args[2].numel() == 1  # CUDA fills without counting
        if any(index.dtype == torch.bool for index in indices) and not is_fill:
            gpus.log("shape")


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
