"""The state of an unfinished training on disk, from which the same training continues."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import write_bytes


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """Where the state of one training is kept while it runs."""

    path: Path
    settings: dict[str, Any]
    """Plain values that the training depends on; others may not continue from its state."""

    def read(self) -> dict[str, Any] | None:
        """Return the state, its tensors on the CPU; None where there is no file.

        Raises:
            InputError: If the file is no checkpoint, or one of a training with other settings.
        """
        if not self.path.exists():
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            state, settings = dict(content["state"]), dict(content["settings"])
        except (OSError, UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
            raise InputError(self.path, "", "is no checkpoint of a training") from error
        for name, want in self.settings.items():
            if (got := settings.get(name)) != want:
                raise InputError(self.path, name, "belongs to another run", got=got, want=want)
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Write the state (tensors and plain values), whole or not at all.

        Raises:
            StorageError: If the disk fails.
        """
        buffer = io.BytesIO()
        torch.save({"state": state, "settings": self.settings}, buffer)
        write_bytes(self.path, buffer.getvalue())
