"""The file of `cosmos-tiny`: half-precision safetensors that say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from segment_anything.modeling import Sam
from torch import Tensor

from cosmos_board.core.errors import InputError
from cosmos_board.models.sam.load import read_weights
from cosmos_board.models.tiny.model import build_tiny
from cosmos_board.models.weights.tuned_weights import write_weights
from cosmos_board.models.weights.weights_file import LOADER_KEY, read_loader_name

ARCHITECTURE = "cosmos-tiny"
PIXEL_MEAN = (127.5, 127.5, 127.5)
PIXEL_STD = (64.0, 64.0, 64.0)


def write_tiny(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write weights in half precision.

    Args:
        path: Of the file; its folder exists.
        state: As `build_tiny().state_dict()` names them.
        metadata: Where they come from; kept in the file's header.
    """
    write_weights(path, state, {LOADER_KEY: ARCHITECTURE, **metadata}, halve=True)


def load_tiny(path: Path | None = None) -> Sam:
    """Return `cosmos-tiny` with the weights at `path`, or those that ship with the package.

    Raises:
        InputError: If the file holds weights of something else.
    """
    if path is None:
        with as_file(files("cosmos_board.models").joinpath("weights/cosmos-tiny.safetensors")) as p:
            return load_tiny(p)
    if (found := read_loader_name(path)) != ARCHITECTURE:
        raise InputError(path, LOADER_KEY, "cannot be loaded", got=found, want=ARCHITECTURE)
    state = read_weights(path)
    sam = build_tiny()
    wanted = sam.state_dict()
    if set(state) != set(wanted):
        differing = sorted(set(state) ^ set(wanted))
        raise InputError(path, differing[0], "names weights that the architecture does not have")
    for name, value in state.items():
        if value.shape != wanted[name].shape:
            raise InputError(
                path,
                name,
                "has another shape",
                got=tuple(value.shape),
                want=tuple(wanted[name].shape),
            )
    sam.load_state_dict({name: value.to(wanted[name].dtype) for name, value in state.items()})
    return sam.eval()
