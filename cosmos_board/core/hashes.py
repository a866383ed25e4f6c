"""Hashes of files and of facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_facts(facts: Mapping[str, object]) -> str:
    """Return 16 hexadecimal digits that depend on what can be written as JSON, not on its order.

    Example:
        >>> hash_facts({"a": 1, "b": None}) == hash_facts({"b": None, "a": 1})
        True
    """
    text = json.dumps(facts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
