"""Makes segmenters: finds a factory in a package or a file of code, and calls it.

An error in code that is not ours becomes one line that names that code.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cosmos_board.accelerators.memory import is_device_full
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import CosmosBoardError, InputError, UnknownNameError

if TYPE_CHECKING:
    from cosmos_board.models.segmenter import Segmenter

SAM_EXTRA = ("torch", "torchvision", "segment_anything", "safetensors")
"""Packages that the extra `sam` brings."""

_EXTRAS = {"huggingface_hub": "hf", "onnxruntime": "onnx", "timm": "hf", "transformers": "hf"}
"""The extra that brings a package."""


_EXTRA_OF_PREFIX = {"hf": "hf", "onnx": "onnx", "clicks": "onnx"}
"""The extra that brings all that an adapter needs."""


def name_install(extra: str) -> str:
    """Return the command that installs an extra: the package is installed from its folder.

    Example:
        >>> name_install("hf")
        "pip install -e '.[hf]' in the folder of cosmos-board"
    """
    return f"pip install -e '.[{extra}]' in the folder of cosmos-board"


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
        own = _EXTRA_OF_PREFIX.get(name.partition(":")[0]) or _EXTRAS.get(missing)
        extra = "sam" if own is None and missing in SAM_EXTRA else own
        remedy = name_install(extra) if extra else f"pip install {missing}"
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
    folder = path.resolve().parent
    _forget_neighbours()
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            path,
            "",
            "needs a module that is not found",
            got=error.name,
            want=f"it installed, or {error.name}.py beside the file",
        ) from error
    except (Exception, SystemExit) as error:  # somebody else's code may fail in any way
        raise InputError(path, "", "fails when imported", got=describe_error(error)) from error
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            # Kept at the end: imports at prediction still work, and no other module is hidden.
            sys.path.append(str(folder))
            _appended.append(str(folder))
        _neighbours[path.resolve()] = _find_neighbours(folder, before)
    return module


_neighbours: dict[Path, dict[str, Path]] = {}
"""By file of code: the modules beside it that it imported, and where they lie."""

_appended: list[str] = []
"""What was added to `sys.path`, at most one folder."""


def _forget_neighbours() -> None:
    """Make a file import the modules beside it, not those of the same names beside another."""
    for modules in _neighbours.values():
        for name in modules:
            sys.modules.pop(name, None)
    while _appended:
        sys.path.remove(_appended.pop())


def _find_neighbours(folder: Path, before: set[str]) -> dict[str, Path]:
    """Return the modules in `folder` that were imported since, by name."""
    neighbours = {}
    for name in set(sys.modules) - before:
        file, top = getattr(sys.modules[name], "__file__", None), name.partition(".")[0]
        if not isinstance(file, str) or top == "cosmos_board":
            continue
        # Not what is installed in an environment that lies in the folder, too.
        if (
            Path(file).resolve().is_relative_to(folder / top)
            or folder / f"{top}.py" == Path(file).resolve()
        ):
            neighbours[name] = Path(file)
    return neighbours


def find_code(path: Path) -> list[Path]:
    """Return the file of a user's code and the modules beside it that it imported, in order."""
    return [path, *sorted(set(_neighbours.get(path.resolve(), {}).values()))]


def get_attribute(module: ModuleType, attribute: str, name: str) -> object:
    """Return an attribute of `module`.

    Raises:
        UnknownNameError: If there is none of that name; the message offers the module's own.
    """
    value: object = getattr(module, attribute, None)
    if value is None:
        offered = [
            word
            for word, member in vars(module).items()
            if not word.startswith("_") and getattr(member, "__module__", None) == module.__name__
        ]
        raise UnknownNameError(name, "attribute", attribute, offered)
    return value


def make_segmenter(found: object, name: str, *, checkpoint: Path | None, device: str) -> Segmenter:
    """Return a segmenter: `found` itself, or what it makes of `checkpoint` and `device`.

    Only arguments that a factory takes are handed to it.

    Raises:
        InputError: If `found` neither is nor makes a segmenter, fails, or takes no checkpoint.
    """
    from cosmos_board.core.prompts import PROMPTS  # brings numpy, which listing does not need
    from cosmos_board.models.segmenter import Segmenter

    segmenter = found
    if callable(found):
        segmenter = _call(found, name, {"checkpoint": checkpoint, "device": device})
    try:
        is_one = isinstance(segmenter, Segmenter)  # this reads the card
    except Exception as error:  # somebody else's code may fail in any way
        raise InputError(name, "card", "cannot be read", got=describe_error(error)) from error
    if not is_one:
        raise InputError(
            name,
            "",
            "is no segmenter",
            got=type(segmenter).__name__,
            want="card, embed, predict and segment_everything",
        )
    assert isinstance(segmenter, Segmenter)
    card: object = segmenter.card
    if not isinstance(card, ModelCard):
        raise InputError(name, "card", "is none", got=type(card).__name__, want="ModelCard")
    for prompt in card.prompts:
        if prompt not in PROMPTS:
            raise UnknownNameError(name, "card.prompts", str(prompt), PROMPTS)
    return segmenter


def _call(factory: Callable[..., object], name: str, offered: dict[str, object]) -> object:
    from inspect import signature

    parameters = signature(factory).parameters
    missing = [
        key
        for key, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        and key not in offered
    ]
    if missing:
        raise InputError(
            name,
            "",
            "has arguments that nobody gives it",
            got=", ".join(missing),
            want="defaults for all but checkpoint and device",
        )
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    arguments = {key: given for key, given in offered.items() if takes_all or key in parameters}
    if offered["checkpoint"] is not None and "checkpoint" not in arguments:
        raise InputError(name, "--checkpoint", "is not taken by this segmenter")
    if getattr(factory, "__module__", "").startswith("cosmos_board."):
        return factory(**arguments)
    try:
        return factory(**arguments)
    except (CosmosBoardError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # somebody else's code may fail in any way
        if is_device_full(error):
            raise
        raise InputError(name, "", "fails when made", got=describe_error(error)) from error


def describe_error(error: BaseException) -> str:
    """Return the type and text of an exception."""
    return f"{type(error).__name__}: {error}"
