"""Finds segmenters by name: built in, installed by others, in a file of code or of weights.

Nothing here imports torch; only the segmenter that is asked for is loaded.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.models.cards import CARDS, KNOWN
from cosmos_board.models.factories import (
    SAM_EXTRA,
    describe_error,
    get_attribute,
    import_file,
    make_segmenter,
    resolve_address,
)
from cosmos_board.models.weights.checkpoints import BY_HAND, CHECKPOINTS, cached_path
from cosmos_board.models.weights.weights_file import read_loader_name

if TYPE_CHECKING:  # listing must stay quick: these cost more than everything else here
    from importlib.metadata import EntryPoint

    from cosmos_board.models.segmenter import Segmenter

GROUP = "cosmos_board.models"
"""Entry-point group: a name, and a factory called with `checkpoint` and `device`."""

LOADER_GROUP = "cosmos_board.loaders"
"""Entry-point group of factories for files of fine-tuned weights, by the name in the file."""

BUILTIN: dict[str, str] = {name: known.loader for name, known in KNOWN.items() if known.loader}
"""What makes each built-in segmenter; works without the metadata of an installed package."""

WITHOUT_WEIGHTS = ("box-prior", "ellipsoid", "grabcut", "random-walker")
"""Built-ins that no `--checkpoint` beside them concerns."""

ADAPTERS: dict[str, str] = {
    "clicks": "cosmos_board.models.external.click_net:load",
    "exec": "cosmos_board.models.external.exec_model:load",
    "hf": "cosmos_board.models.external.hf:load",
    "onnx": "cosmos_board.models.external.onnx_sam:load",
}
"""What loads `PREFIX:ADDRESS`, by prefix: models of others in files of a known form, or in
programs."""

_NEEDS = {
    "clicks": ("onnxruntime",),
    "hf": (*SAM_EXTRA, "transformers"),
    "onnx": ("onnxruntime",),
}
"""Packages of each adapter."""

_PACKAGED = {"cosmos-tiny": Path(__file__).with_name("tiny") / "cosmos-tiny.safetensors"}


def load_segmenter(name: str, *, checkpoint: Path | None = None, device: str = "cpu") -> Segmenter:
    """Return the segmenter called `name`.

    Args:
        name: A name that `list_cards` knows, `my_model.py:MyModel`, a `.safetensors` file that
            names its loader, or `hf:`, `onnx:` or `clicks:` and an address, or `exec:` and a
            command.
        checkpoint: Weights to use instead of the published ones.
        device: `cpu`, `cuda`, `cuda:1` …

    Raises:
        UnknownNameError: If there is none of that name.
        InputError: If it cannot be loaded; one line says why.
    """
    prefix, _, address = (name := resolve_name(name)).partition(":")
    if prefix in ADAPTERS and address:
        return _adapt(prefix, address, checkpoint, device)
    if name.endswith(".safetensors"):
        return _load_weights(Path(name), device)
    if name.removesuffix(":").endswith(".py"):
        raise InputError("--model", name, "names no class in the file", want="my_model.py:MyModel")
    path, colon, attribute = name.rpartition(":")
    if colon and path.endswith(".py"):
        found = get_attribute(import_file(Path(path)), attribute, name)
    else:
        found = resolve_address(_locate(name), name)
    return make_segmenter(found, name, checkpoint=checkpoint, device=device)


def list_cards() -> list[ModelCard]:
    """Return the cards of all segmenters that can be loaded by name, in order of name.

    The card of an installed third-party segmenter is the `card` attribute of its factory where
    that is a `ModelCard`; otherwise only its name is known.
    """
    cards = {name: CARDS[name] for name in BUILTIN}
    for name, entry in _find_entries(GROUP).items():
        if name in CARDS:
            cards[name] = CARDS[name]
        elif name not in cards:
            cards[name] = _read_card(name, entry)
    return [cards[name] for name in sorted(cards)]


def get_card(name: str) -> ModelCard:
    """Return the card of a segmenter, or of a published one we have no adapter for.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    published = {name: known.card for name, known in KNOWN.items()}
    cards = {**published, **{card.name: card for card in list_cards()}}
    if name not in cards:
        raise UnknownNameError("--model", "name", name, cards)
    return cards[name]


def find_card(name: str, checkpoint: Path | None = None) -> ModelCard:
    """Return the card of whatever `load_segmenter` takes; what has no name of ours is loaded.

    Raises:
        UnknownNameError: If there is none of that name.
        InputError: If it cannot be loaded.
    """
    if ":" in name or name.endswith((".safetensors", ".py")):
        return load_segmenter(name, checkpoint=checkpoint).card
    return get_card(name)


def find_own_card(name: str) -> ModelCard | None:
    """Return the card of a segmenter that comes whole with the package and can be loaded here.

    None for any other: what its card says, or whether it can be loaded, shows when it is.
    """
    comes_whole = name in BUILTIN and (name in _PACKAGED or locate_weights(name) is None)
    return CARDS[name] if comes_whole and is_ready(name) else None


def resolve_name(name: str) -> str:
    """Return what a known model is loaded as; any other name as it is."""
    known = KNOWN.get(name)
    return name if known is None else known.loads_as or name


def locate_weights(name: str, checkpoint: Path | None = None) -> Path | None:
    """Return the weights that `load_segmenter` would read, or None where it reads none.

    A file, or a folder where a model is several files; it need not exist, and nothing is loaded.
    """
    prefix, _, address = (name := resolve_name(name)).partition(":")
    if prefix not in ADAPTERS and name.endswith(".safetensors"):
        return Path(name)
    if name in WITHOUT_WEIGHTS:
        return None
    if checkpoint is not None:
        return checkpoint
    if prefix == "hf":
        from cosmos_board.models.external.hf_files import WEIGHTS, locate

        return (locate(address) or Path(address)) / WEIGHTS
    if prefix == "exec":
        return None  # the program knows
    if prefix in ADAPTERS:
        return Path(address)
    if name in CHECKPOINTS:
        return cached_path(name)
    return _PACKAGED.get(name)


def is_ready(name: str) -> bool:
    """Return whether a named segmenter could be loaded here and now, without fetching anything."""
    weights = locate_weights(name)
    if weights is None:
        return name not in BY_HAND and name in {**_values(GROUP), **BUILTIN}
    needed = _NEEDS.get(resolve_name(name).partition(":")[0], SAM_EXTRA)
    return weights.exists() and all(importlib.util.find_spec(package) for package in needed)


def is_loader(name: str) -> bool:
    """Return whether a file of fine-tuned weights can name `name` as what loads it."""
    prefix, _, address = name.partition(":")
    return (prefix == "hf" and bool(address)) or name in _find_loaders()


def _adapt(prefix: str, address: str, checkpoint: Path | None, device: str) -> Segmenter:
    make = resolve_address(ADAPTERS[prefix], f"{prefix}:{address}")
    assert callable(make)
    segmenter: Segmenter = make(address, checkpoint=checkpoint, device=device)
    return segmenter


def _load_weights(path: Path, device: str) -> Segmenter:
    loader = read_loader_name(path)
    prefix, _, address = loader.partition(":")
    if prefix == "hf" and address:  # fine-tuned; the others are never written by us
        if address.startswith("."):  # a folder, as seen from the file
            address = os.path.normpath(path.resolve().parent / address)
        return _adapt(prefix, address, path, device)
    loaders = _find_loaders()
    if loader not in loaders:
        raise UnknownNameError(path, "loader", loader, loaders)
    return make_segmenter(
        resolve_address(loaders[loader], loader), str(path), checkpoint=path, device=device
    )


def _find_loaders() -> dict[str, str]:
    return {**BUILTIN, **_values(GROUP), **_values(LOADER_GROUP)}


def _locate(name: str) -> str:
    loaders = {**_values(GROUP), **BUILTIN}
    if name in KNOWN and name not in loaders:
        raise InputError(
            name,
            "",
            "is known, but we have no adapter for it",
            want="my_model.py:MyModel, a class of your own around its code",
        )
    if name not in loaders:
        raise UnknownNameError("--model", "name", name, loaders)
    return loaders[name]


def _values(group: str) -> dict[str, str]:
    return {name: entry.value for name, entry in _find_entries(group).items()}


def _find_entries(group: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=group)}


def _read_card(name: str, entry: EntryPoint) -> ModelCard:
    unknown = ModelCard(name=name, label=name, family=name, kind="promptable", prompts=())
    try:
        card = getattr(entry.load(), "card", None)
    except Exception as error:  # one broken package must not hide the others
        return replace(unknown, description=f"cannot be loaded: {describe_error(error)}")
    return replace(card, name=name) if isinstance(card, ModelCard) else unknown
