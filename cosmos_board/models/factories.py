"""Makes segmenters: finds a factory in a package or a file of code, and calls it.

Whatever goes wrong in somebody else's code becomes one line that says whose it is.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cosmos_board.core.errors import CosmosBoardError, InputError, UnknownNameError

if TYPE_CHECKING:
    from cosmos_board.models.segmenter import Segmenter

SAM_EXTRA = ("torch", "torchvision", "segment_anything", "safetensors")
"""Packages that the extra `sam` brings."""

_EXTRAS = {"huggingface_hub": "hf", "onnxruntime": "onnx", "timm": "hf", "transformers": "hf"}
"""The extra that brings a package."""


def resolve_address(address: str, name: str) -> object:
    """Return what stands at `package.module:attribute`; `name` is what the user asked for.

    Raises:
        InputError: If a package that it needs is missing; the message says how to install it.
        UnknownNameError: If the module has no such attribute.
    """
    module_name, _, attribute = address.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        missing = (error.name or module_name).partition(".")[0]
        extra = "sam" if missing in SAM_EXTRA else _EXTRAS.get(missing)
        remedy = f"pip install 'cosmos-board[{extra}]'" if extra else f"install {missing}"
        raise InputError(
            "--model", name, "needs a package that is not installed", got=missing, want=remedy
        ) from error
    return get_attribute(module, attribute, name)


def import_file(path: Path) -> ModuleType:
    """Return the module in a file of the user's; its code is run.

    Raises:
        InputError: If there is no such file, or it fails when imported.
    """
    if not path.is_file():
        raise InputError(path, "", "no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # somebody else's code may fail in any way
        raise InputError(path, "", "fails when imported", got=describe_error(error)) from error
    return module


def get_attribute(module: ModuleType, attribute: str, name: str) -> object:
    """Return an attribute of `module`.

    Raises:
        UnknownNameError: If there is none of that name; the message offers the module's own.
    """
    found: object = getattr(module, attribute, None)
    if found is None:
        offered = [
            word
            for word, value in vars(module).items()
            if not word.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
        raise UnknownNameError(name, "attribute", attribute, offered)
    return found


def make_segmenter(found: object, name: str, *, checkpoint: Path | None, device: str) -> Segmenter:
    """Return a segmenter: `found` itself, or what it makes of `checkpoint` and `device`.

    Only arguments that a factory takes are handed to it.

    Raises:
        InputError: If `found` neither is nor makes a segmenter, fails, or takes no checkpoint.
    """
    from cosmos_board.models.segmenter import Segmenter

    segmenter = found
    if callable(found):
        segmenter = _call(found, name, {"checkpoint": checkpoint, "device": device})
    if not isinstance(segmenter, Segmenter):
        raise InputError(
            name,
            "",
            "is no segmenter",
            got=type(segmenter).__name__,
            want="card, embed, predict and segment_everything",
        )
    return segmenter


def _call(factory: Callable[..., object], name: str, offered: dict[str, object]) -> object:
    from inspect import signature

    parameters = signature(factory).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    taken = {key: given for key, given in offered.items() if takes_all or key in parameters}
    if offered["checkpoint"] is not None and "checkpoint" not in taken:
        raise InputError(name, "--checkpoint", "is not taken by this segmenter")
    if getattr(factory, "__module__", "").startswith("cosmos_board."):
        return factory(**taken)
    try:
        return factory(**taken)
    except (CosmosBoardError, MemoryError):
        raise
    except Exception as error:  # somebody else's code may fail in any way
        raise InputError(name, "", "fails when made", got=describe_error(error)) from error


def describe_error(error: Exception) -> str:
    """Return the type and text of an exception."""
    return f"{type(error).__name__}: {error}"
