"""What lies on the disk while training runs: enough to go on as if nothing had happened."""

from __future__ import annotations

import io
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import write_rows
from cosmos_board.store.training import TRAINING_LOG

CHECKPOINT_FILE = "checkpoint.pt"
LOG_FILE = "log.parquet"


def write_checkpoint(
    folder: Path, state: dict[str, Any], settings: dict[str, Any], log: list[dict[str, float]]
) -> None:
    """Write learner state, settings and log, whole or not at all.

    Args:
        folder: Exists.
        state: From `Learner.state`.
        settings: What makes the run what it is; a resumed run must have the same.
        log: One row per step so far; also written as Parquet for people to read.

    Raises:
        StorageError: If the disk fails.
    """
    buffer = io.BytesIO()
    torch.save({"state": state, "settings": settings, "log": log}, buffer)
    write_bytes(folder / CHECKPOINT_FILE, buffer.getvalue())
    write_rows(folder / LOG_FILE, TRAINING_LOG, log)


def read_checkpoint(
    folder: Path, settings: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, float]]] | None:
    """Return the learner's state and the log, or None where the folder holds no checkpoint.

    Raises:
        InputError: If the checkpoint belongs to other settings, or is none.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        found, state, log = kept["settings"], kept["state"], kept["log"]
    except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        raise InputError(path, "", "is no checkpoint of a training") from error
    for name, wanted in settings.items():
        if found.get(name) != wanted:
            raise InputError(path, name, "belongs to another run", got=found.get(name), want=wanted)
    return state, log
