"""Files of fine-tuned weights: written with their provenance, read as models of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import StorageError
from cosmos_board.models.weights.weights_file import LOADER_KEY, read_metadata


def write_weights(
    path: Path, state: Mapping[str, Tensor], facts: Mapping[str, str], *, halve: bool = False
) -> None:
    """Write a safetensors file into an existing folder, whole or not at all.

    `facts` are kept in the header, where `architecture` names the loader, which expects the names
    of `state`; `halve` stores floating-point tensors in half precision.

    Raises:
        StorageError: If the disk fails.
    """
    assert LOADER_KEY in facts, "a file must name its loader"
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    if halve:
        tensors = {
            name: value.to(torch.float16) if value.is_floating_point() else value
            for name, value in tensors.items()
        }
    content = _in_order(save(tensors, dict(facts)))
    hidden = path.with_name(f".{path.name}.part")
    try:
        hidden.write_bytes(content)
        hidden.replace(path)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise StorageError(f"{path}: write: {error.strerror}") from error


def _in_order(content: bytes) -> bytes:
    """Return safetensors with its header sorted: the library's order changes from run to run."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]


def describe_tuned(card: ModelCard, checkpoint: Path | None) -> ModelCard:
    """Return `card` with what a fine-tuned checkpoint says of itself; unchanged for any other.

    A tuned model has a name of its own, and the packs it learnt from count as its training data,
    those of a base that was itself tuned too. Where it is unknown what the base saw, only
    `seen_clusters` says what came on top.
    """
    if checkpoint is None or checkpoint.suffix != ".safetensors":
        return card
    facts = read_metadata(checkpoint)
    if "base" not in facts or "name" not in facts:
        return card
    packs = tuple(facts.get("training_data", "").split())
    known = card.training_data
    seen_packs = tuple(facts.get("seen_packs", "").split())
    learnt = dict.fromkeys([*packs, *(pack.partition("@")[0] for pack in seen_packs)])
    return replace(
        card,
        name=facts["name"],
        label=f"{card.label}, {facts.get('method', 'fine-tuned')} on {', '.join(packs)}",
        training_data=None if known is None else tuple(dict.fromkeys([*known, *learnt])),
        description=f"{card.label} fine-tuned ({facts.get('method', '?')}) on {', '.join(packs)}.",
        base_model=facts["base"],
        seen_clusters=tuple(facts.get("seen_clusters", "").split()),
        seen_packs=seen_packs,
    )
