"""Networks that somebody exported to a file: what they say of themselves, and how to run them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError

Arrays = dict[str, NDArray[np.float32]]
_MAX_CARD_BYTES = 100_000


class ExportNotes(BaseModel):
    """What stands in the JSON file beside an exported network; every field may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, pattern=r"^[a-z0-9.]+(-[a-z0-9.]+)*$", max_length=60)
    label: str | None = None
    family: str | None = None
    licence: str = "unknown"
    source: str = ""
    training_data: tuple[str, ...] | None = None
    base_model: str | None = None
    description: str = ""

    input_size_px: int | None = Field(default=None, ge=16, le=8192)
    """Side of the input square, where the file does not fix it."""

    fit: Literal["pad", "squash"] | None = None
    pixel_mean: tuple[float, float, float] | None = None
    """Subtracted per channel, in grey levels."""

    pixel_std: tuple[float, float, float] | None = None
    """What the difference is divided by."""

    channels: Literal[3, 4] | None = None
    """Of a click network's image: the fourth is the mask before; where the file does not say."""

    output: Literal["logits", "probability"] = "logits"
    """What a click network returns."""

    def describe(self, fallback: str, **facts: Any) -> ModelCard:  # noqa: ANN401 (fields of a card)
        """Return a card; `fallback` names what has no name, `facts` are the adapter's own."""
        name = self.name or re.sub(r"[^a-z0-9.]+", "-", fallback.lower()).strip("-.")
        family = facts.pop("family")
        return ModelCard(
            name=name,
            label=self.label or name,
            family=self.family or family,
            kind="promptable",
            licence=self.licence,
            source=self.source,
            training_data=self.training_data,
            base_model=self.base_model,
            description=self.description or f"An exported {family} network.",
            **facts,
        )


def read_notes(path: Path) -> ExportNotes:
    """Return the notes at `path`, or none of them where there is no such file.

    Raises:
        InputError: If it is not as described.
    """
    if not path.is_file():
        return ExportNotes()
    try:
        with path.open("rb") as file:
            return ExportNotes.model_validate_json(file.read(_MAX_CARD_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(path, field, first["msg"]) from error


class OnnxNetwork:
    """A network in an ONNX file, on the CPU with one thread: the same bits on every machine.

    Raises:
        InputError: If ONNX Runtime does not take it.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if not path.is_file():
            raise InputError(path, "", "no such file")
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has an exception of its own for every failure
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            raise InputError(path, "", "cannot be loaded", got=reason) from error
        self.inputs: dict[str, tuple[int | str | None, ...]] = {
            tensor.name: tuple(tensor.shape) for tensor in self._session.get_inputs()
        }
        """Shape by name; an axis of no fixed length is a word or None."""
        self.outputs: tuple[str, ...] = tuple(tensor.name for tensor in self._session.get_outputs())

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> Arrays:
        """Return every output by name."""
        outputs = self._session.run(None, dict(given))
        return dict(zip(self.outputs, outputs, strict=True))


def fixed_length(shape: tuple[int | str | None, ...], axis: int) -> int | None:
    """Return how long an axis of an input is; None where any length will do."""
    length = shape[axis]
    return length if isinstance(length, int) and length > 0 else None
