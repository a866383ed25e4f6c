"""What a safetensors file says about itself, read without torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file

LOADER_KEY = "architecture"
"""Metadata key that names the segmenter whose loader reads the file."""

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000
"""The format's own limit."""


def hash_weights(path: Path) -> str:
    """Return the sha256 of a file of weights, in hex; of a folder, that of its files' hashes.

    Raises:
        InputError: If there is no such file or folder.
    """
    if not path.exists():
        raise InputError(path, "", "no such file")
    if not path.is_dir():
        return hash_file(path)
    files = sorted(file for file in path.iterdir() if file.is_file())
    lines = "".join(f"{hash_weights(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file.

    Raises:
        InputError: If there is no such file or it is none.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if not 2 <= length <= _MAX_HEADER_BYTES:
                raise ValueError(f"header of {length} bytes")
            header = json.loads(file.read(length))
        metadata = header.get("__metadata__", {})
        return {str(key): str(entry) for key, entry in metadata.items()}
    except FileNotFoundError as error:
        raise InputError(path, "", "no such file") from error
    except (ValueError, AttributeError) as error:
        raise InputError(path, "header", "is no safetensors file", got=error) from error


def names_itself(path: Path) -> bool:
    """Return whether a file was fine-tuned by us: it has a name of its own and names its base."""
    return path.suffix == ".safetensors" and {"base", "name"} <= read_metadata(path).keys()


def read_loader_name(path: Path) -> str:
    """Return the name of the loader that a file of weights asks for.

    Raises:
        InputError: If it names none.
    """
    metadata = read_metadata(path)
    if LOADER_KEY not in metadata:
        raise InputError(
            path, "metadata", f"has no {LOADER_KEY}", want="a file written by `finetune`"
        )
    return metadata[LOADER_KEY]
