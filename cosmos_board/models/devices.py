"""How a device is named: `cpu`, `cuda`, `cuda:1`; with `+bf16` or `+fp16`, and `+compile`.

Precision is part of the name because it changes masks, and `+compile` because it changes timings:
both are kept with the run, and timings are only compared within a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.core.errors import InputError

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

_PRECISIONS: dict[str, Precision] = {"bf16": "bf16", "fp16": "fp16", "fp32": "fp32"}
_COMPILE = "compile"


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model runs, and how."""

    name: str
    """As torch has it."""

    precision: Precision = "fp32"
    compiled: bool = False
    """Whether the image encoder is compiled before its first use."""


CPU = Device("cpu")


def parse_device(text: str) -> Device:
    """Return what the name of a device says.

    Raises:
        InputError: If something after a `+` is unknown, or given twice.

    Example:
        >>> parse_device("cuda:1+bf16")
        Device(name='cuda:1', precision='bf16', compiled=False)
    """
    name, *options = text.split("+")
    precisions = [_PRECISIONS[option] for option in options if option in _PRECISIONS]
    known = len(precisions) + options.count(_COMPILE)
    if known != len(options) or len(precisions) > 1 or options.count(_COMPILE) > 1:
        raise InputError(
            "--device", "", "is no device", got=text, want="such as cpu, cuda, cuda:1+bf16+compile"
        )
    return Device(name, precisions[0] if precisions else "fp32", _COMPILE in options)
