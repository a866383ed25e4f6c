"""Which datasets have a pack in a folder of packs; opens nothing but `pack.json`."""

from __future__ import annotations

import json
from pathlib import Path

PACKS = Path("packs")
"""Where packs lie unless somebody says otherwise."""


def find_packs(folder: Path) -> dict[str, Path]:
    """Return where the packs in `folder` are, by the name that each states."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*/pack.json")):
        try:
            name = json.loads(path.read_text("utf-8"))["name"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # `data check` says what is wrong with it
        if isinstance(name, str):
            found.setdefault(name, path.parent)
    return found
