"""Where the files of a `hf:` segmenter lie and what they hold; needs neither torch nor network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError
from cosmos_board.models.factories import name_install

PREFIX = "hf:"
WEIGHTS = "model.safetensors"
_CONFIG = "config.json"
_SHAPES = {"in_chans", "features_only", "out_indices", "output_stride", "embed_dim", "depth"}
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")

_CARDS = {
    "facebook/sam-vit-base": "sam-vit-b",
    "facebook/sam-vit-large": "sam-vit-l",
    "facebook/sam-vit-huge": "sam-vit-h",
    "wanglab/medsam-vit-base": "medsam",
    "facebook/sam2.1-hiera-tiny": "sam2.1-tiny",
    "facebook/sam2.1-hiera-small": "sam2.1-small",
    "facebook/sam2.1-hiera-base-plus": "sam2.1-base-plus",
    "facebook/sam2.1-hiera-large": "sam2.1-large",
    "facebook/sam3": "sam3",
    "yonigozlan/EdgeTAM-hf": "edgetam",
}
"""Repositories that hold a known model, by `owner/name`."""


def known_name(address: str) -> str | None:
    """Return the name of the known model at an address: a repository, or a folder that ends so.

    Example:
        >>> known_name("/data/facebook/sam2.1-hiera-tiny/")
        'sam2.1-tiny'
    """
    return _CARDS.get("/".join(address.replace("\\", "/").rstrip("/").split("/")[-2:]))


def locate(address: str) -> Path | None:
    """Return the folder of a repository that was fetched, or of one on disk; None if neither."""
    folder = Path(address)
    if folder.is_dir():
        return folder
    if not _REPOSITORY.fullmatch(address):
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    config_path = try_to_load_from_cache(address, _CONFIG)
    return Path(config_path).parent if isinstance(config_path, str) else None


def find_folder(address: str) -> Path:
    """Return the folder that `locate` finds, after checking that it holds a model.

    Raises:
        InputError: If there is none, or it holds no safetensors weights.
    """
    folder = locate(address)
    if folder is None:
        if _REPOSITORY.fullmatch(address):
            remedy = f"`cosmos-board models fetch {PREFIX}{address}`, or a folder"
            raise InputError(PREFIX + address, "", "was not fetched", want=remedy)
        raise InputError(
            PREFIX + address, "", "is no folder and no repository", want="hf:OWNER/NAME"
        )
    for name in (_CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(
                folder, name, "is missing", want="what `save_pretrained` writes, in one file"
            )
    return folder


def read_model_type(folder: Path) -> str:
    """Return the architecture that `config.json` names.

    Raises:
        InputError: If it cannot be read or names none.
    """
    path = folder / _CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(path, "model_type", "cannot be read", got=repr(error)) from error


def refuse_foreign_parts(folder: Path) -> None:
    """Refuse a configuration that would make the library fetch or open something else.

    A backbone of timm is made from a name and arguments in `config.json`: a name with an address
    is downloaded, and some arguments are paths.

    Raises:
        InputError: If a backbone is named so, or takes other arguments than shapes.
    """
    path = folder / _CONFIG
    for part in _find_parts(json.loads(path.read_text(encoding="utf-8"))):
        name, given = part.get("architecture"), part.get("model_args") or {}
        if name is not None and not re.fullmatch(r"[\w.-]+", str(name)):
            raise InputError(path, "architecture", "is no name in timm", got=repr(name)[:80])
        if foreign := sorted(set(given) - _SHAPES):
            raise InputError(path, "model_args", "says more than shapes", got=foreign[0][:80])


def _find_parts(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 (JSON)
    if isinstance(document, dict):
        yield document
        for each in document.values():
            yield from _find_parts(each)
    elif isinstance(document, list):
        for each in document:
            yield from _find_parts(each)


def fetch(address: str) -> Path:
    """Download configuration and safetensors weights of a repository; return its folder.

    The hub keeps weights under their sha256, which is compared.

    Raises:
        InputError: If that fails; nothing but JSON and safetensors is ever fetched.
    """
    if not _REPOSITORY.fullmatch(address):
        raise InputError(PREFIX + address, "", "is no repository", want="hf:OWNER/NAME")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise InputError(
            "models fetch", "", "needs huggingface_hub", want=name_install("hf")
        ) from error
    try:
        folder = Path(snapshot_download(address, allow_patterns=["*.json", WEIGHTS]))
    except Exception as error:  # the client has many ways to fail
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
        raise InputError(PREFIX + address, "", "cannot be fetched", got=reason) from error
    from cosmos_board.downloads.single import check_sha256

    weights = (folder / WEIGHTS).resolve()
    if re.fullmatch("[0-9a-f]{64}", weights.name):
        check_sha256(weights, weights.name)
    return folder
