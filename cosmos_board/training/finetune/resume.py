"""A fine-tuning on the disk after its last whole epoch, so that a kill costs one epoch at most."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from cosmos_board.store.files import write_bytes


@dataclass(frozen=True, slots=True)
class KeptTuning:
    """A file that is there while a tuning is under way."""

    path: Path
    settings: dict[str, Any]
    """What makes the tuning what it is; one with others starts anew."""

    def read(self) -> dict[str, Any] | None:
        """Return what `write` was given last; None where nothing of this very tuning is there."""
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            state: dict[str, Any] = kept["state"]
        except (OSError, UnpicklingError, RuntimeError, EOFError, KeyError, TypeError):
            return None
        return state if kept.get("settings") == self.settings else None

    def write(self, state: dict[str, Any]) -> None:
        """Keep the state, whole or not at all.

        Raises:
            StorageError: If the disk fails.
        """
        buffer = io.BytesIO()
        torch.save({"state": state, "settings": self.settings}, buffer)
        write_bytes(self.path, buffer.getvalue())

    def drop(self) -> None:
        """Remove the file: the tuning is over."""
        self.path.unlink(missing_ok=True)
