"""Makes the built-in segmenters of the SAM family out of files of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from segment_anything import sam_model_registry
from torch import Tensor, nn

from cosmos_board.core.errors import InputError
from cosmos_board.models.cards import CARDS
from cosmos_board.models.cpu_tuning import tune_cpu
from cosmos_board.models.devices import Device, parse_device
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.weights.checkpoints import find_checkpoint
from cosmos_board.models.weights.state_dicts import HARMLESS, find_state, strip_prefixes
from cosmos_board.models.weights.tuned_weights import describe_tuned


def load_vit_b(*, checkpoint: Path | None, device: str) -> SamSegmenter:
    """Return SAM ViT-B, from `checkpoint` or the fetched official weights."""
    return _load("sam-vit-b", "vit_b", checkpoint, device)


def load_vit_l(*, checkpoint: Path | None, device: str) -> SamSegmenter:
    """Return SAM ViT-L, from `checkpoint` or the fetched official weights."""
    return _load("sam-vit-l", "vit_l", checkpoint, device)


def load_vit_h(*, checkpoint: Path | None, device: str) -> SamSegmenter:
    """Return SAM ViT-H, from `checkpoint` or the fetched official weights."""
    return _load("sam-vit-h", "vit_h", checkpoint, device)


def prepare_device(device: str) -> Device:
    """Return what the name of a device says, after setting torch up for it.

    Raises:
        InputError: If there is no such device here.
    """
    chosen = parse_device(device)
    try:
        kind = torch.device(chosen.name).type
    except RuntimeError as error:
        raise InputError("--device", "", "is no device", got=device, want="cpu or cuda") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError("--device", "", "is not available here", got=chosen.name, want="cpu")
    if kind == "cpu":
        tune_cpu()
    elif kind == "cuda":
        # cuDNN rounds float32 convolutions to TF32 unless told otherwise; fp32 means fp32.
        torch.backends.cudnn.allow_tf32 = False
        # Of several algorithms the same one each time, whatever is measured at the moment.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    return chosen


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.pth` or `.safetensors` file, on the CPU; runs no code of it.

    What training scripts put around them is taken off: see `find_state`.

    Raises:
        InputError: If there is no such file or it holds anything else.
    """
    if not path.is_file():
        raise InputError(path, "", "no such file")
    try:
        if path.suffix == ".safetensors":
            return strip_prefixes(load_file(path))
        with torch.serialization.safe_globals(HARMLESS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise InputError(path, "", "holds no weights that can be read", got=reason) from error
    state = find_state(content)
    if state is None:
        raise InputError(path, "", "is no state dict", want="a mapping of names to tensors")
    return strip_prefixes(state)


def fill_module(module: nn.Module, weights: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Put `weights` into a module that was built on the meta device.

    Floating-point weights of any precision take that of the module: what is stored in half
    precision is computed with as the device says, not as the file does.

    Raises:
        InputError: If names, shapes or kinds of numbers are not those of the module.
    """
    types = {key: tensor.dtype for key, tensor in module.state_dict().items()}
    wanted = {key: tensor.shape for key, tensor in module.state_dict().items()}
    found = {key: tensor.shape for key, tensor in weights.items()}
    if wanted != found:
        wrong = sorted(key for key in {*wanted, *found} if wanted.get(key) != found.get(key))
        first = wrong[0]
        raise InputError(
            path,
            first,
            f"is not as {name} has it, nor are {len(wrong) - 1} other tensors",
            got=_show(found.get(first)),
            want=_show(wanted.get(first)),
        )
    for key, tensor in weights.items():
        if tensor.is_floating_point() != types[key].is_floating_point:
            raise InputError(path, key, "is of another type", got=tensor.dtype, want=types[key])
    cast = {key: tensor.to(types[key]) for key, tensor in weights.items()}
    module.load_state_dict(cast, assign=True)


def _load(name: str, size: str, checkpoint: Path | None, device: str) -> SamSegmenter:
    chosen = prepare_device(device)
    sam = build_official(size, checkpoint or find_checkpoint(name), name)
    return SamSegmenter(sam, card=describe_tuned(CARDS[name], checkpoint), device=chosen)


def build_official(size: str, path: Path, name: str) -> nn.Module:
    """Return an official SAM with the weights at `path`.

    Args:
        size: `vit_b`, `vit_l` or `vit_h`.
        path: Of the weights.
        name: Of the segmenter, for messages.

    Raises:
        InputError: If the file holds other weights.
    """
    with torch.device("meta"):
        sam = sam_model_registry[size]()
    fill_module(sam, read_weights(path), path, name)
    # Not part of the weights; ours are in the segmenter, but the module must leave meta whole.
    for buffer in ("pixel_mean", "pixel_std"):
        setattr(sam, buffer, torch.zeros(3, 1, 1))
    module: nn.Module = sam
    return module


def _show(shape: torch.Size | None) -> str:
    return "nothing" if shape is None else str(tuple(shape))
