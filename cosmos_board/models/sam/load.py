"""Makes SAM ViT-B, ViT-L and ViT-H out of files of weights."""

from __future__ import annotations

from pathlib import Path

import torch
from segment_anything import sam_model_registry
from torch import nn

from cosmos_board.models.cards import CARDS
from cosmos_board.models.devices import prepare_device
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.weights.checkpoints import find_checkpoint
from cosmos_board.models.weights.state_dicts import fill_module, read_weights
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


def _load(name: str, size: str, checkpoint: Path | None, device: str) -> SamSegmenter:
    chosen = prepare_device(device)
    sam = build_official(size, checkpoint or find_checkpoint(name), name)
    return SamSegmenter(sam, card=describe_tuned(CARDS[name], checkpoint), device=chosen)


def build_official(size: str, path: Path, name: str) -> nn.Module:
    """Return an official SAM (`vit_b`, `vit_l`, `vit_h`) with the weights at `path` of `name`.

    Raises:
        InputError: If the file holds other weights.
    """
    with torch.device("meta"):
        sam = sam_model_registry[size]()
    fill_module(sam, read_weights(path), path, name)
    module: nn.Module = sam
    return module
