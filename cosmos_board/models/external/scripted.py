"""A click network in a TorchScript file; only loaded where the user trusts its maker."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.models.devices import tune_cpu
from cosmos_board.models.external.exported import Arrays, ExportNotes


class ScriptNetwork:
    """Runs a script that is called with an image and points.

    Args:
        path: Of the file; loading it runs what its maker put there.
        notes: Must name `input_size_px` and `channels`, which a script does not tell.

    Raises:
        InputError: If torch does not take the file.
    """

    def __init__(self, path: Path, notes: ExportNotes) -> None:
        if not path.is_file():
            raise InputError(path, "", "no such file")
        tune_cpu()
        try:
            with warnings.catch_warnings():
                # That torch would rather have another format is no news to who has this file.
                warnings.simplefilter("ignore", FutureWarning)
                self._module: Any = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(path, "", "cannot be loaded", got=reason) from error
        side = notes.input_size_px
        self.inputs: dict[str, tuple[int | str | None, ...]] = {
            "image": (1, notes.channels, side, side),
            "points": (1, None, 3),
        }

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> Arrays:
        """Return the output; the first, or `instances`, where there are several."""
        image, points = (torch.as_tensor(given[name]) for name in ("image", "points"))
        with torch.inference_mode():
            output = self._module(image, points)
        if isinstance(output, dict):
            output = output.get("instances", next(iter(output.values())))
        elif isinstance(output, (tuple, list)):
            output = output[0]
        return {"mask": output.numpy()}
