"""From low-resolution logits to masks at native size.

On a GPU these are the bilinear steps of `Frame.to_native`. On a CPU they are one: a native
pixel depends on three low-resolution ones along each axis at most, and where the compiled
loops are installed (extra `fast`) logits are never written out at native size.
"""

from __future__ import annotations

from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.masks import Mask
from cosmos_board.models.sam.everything_grid import EverythingSettings, is_stable
from cosmos_board.models.sam.geometry import Frame

if TYPE_CHECKING:
    from cosmos_board.models.sam.native_compiled import Taps


def to_native_masks(frame: Frame, low: torch.Tensor) -> torch.Tensor:
    """Return where native logits are positive, bool, axes (…, Y, X); `low` has axes (…, y, x)."""
    planes = low.float().flatten(0, -3)
    compiled = _find_compiled() if low.device.type == "cpu" else None
    if compiled is None:
        masks = frame.to_native(planes[:, None])[:, 0] > 0
    else:
        rows, columns = _get_taps(frame, *low.shape[-2:])
        masks = torch.from_numpy(compiled.measure(planes.numpy(), rows, columns, 0.0)[0])
    return masks.reshape(*low.shape[:-2], *masks.shape[-2:])


def find_stable_masks(
    frame: Frame, low: torch.Tensor, settings: EverythingSettings
) -> tuple[list[Mask], Mask]:
    """Return the masks that hardly change with the threshold, and which of the n they are.

    Of low-resolution logits (n, y, x): masks, bool, axes (Y, X) each, and a bool array (n,).
    """
    planes, offset = low.float(), settings.stability_offset
    compiled = _find_compiled() if low.device.type == "cpu" else None
    if compiled is not None:
        rows, columns = _get_taps(frame, *low.shape[-2:])
        masks, strict, lax = compiled.measure(planes.numpy(), rows, columns, offset)
        kept = is_stable(strict, lax, settings.stability)
        return [masks[index] for index in np.flatnonzero(kept)], kept
    native = frame.to_native(planes[:, None])[:, 0]
    counts = [(native > level).flatten(1).sum(1, dtype=torch.int32) for level in (offset, -offset)]
    strict, lax = torch.stack(counts).cpu().numpy()
    kept = is_stable(strict, lax, settings.stability)
    chosen = native[upload(np.flatnonzero(kept), native.device)] > 0
    return list(chosen.cpu().numpy()), kept


@cache
def _find_compiled() -> ModuleType | None:
    try:
        from cosmos_board.models.sam import native_compiled
    except (ImportError, RuntimeError):
        return None
    return native_compiled


@lru_cache(maxsize=64)
def _get_taps(frame: Frame, low_height: int, low_width: int) -> tuple[Taps, Taps]:
    lows, natives, side = (low_height, low_width), (frame.height, frame.width), frame.input_size_px
    if frame.fit == "squash":  # one step: the first of the two leaves everything in place
        rows, columns = map(_make_taps, lows, lows, lows, natives, (0, 0))
    else:
        rows, columns = map(_make_taps, lows, (side, side), frame.content, natives, frame.corner)
    return rows, columns


def _make_taps(low: int, side: int, content: int, native: int, begin: int) -> Taps:
    """Return for each native position its first low-resolution one and three weights.

    low → side, `content` of which, from `begin` on, → native; torch's positions and its float32.
    """
    left, right, share = _bilinear(content, native)
    left, right = left + begin, right + begin
    first, second, weight = _bilinear(low, side)
    base = np.minimum(first[left], max(low - 3, 0))
    weights = np.zeros((native, 3), np.float32)
    rows = np.arange(native)
    for at, part in ((left, 1 - share), (right, share)):
        for index, factor in ((first[at], 1 - weight[at]), (second[at], weight[at])):
            np.add.at(weights, (rows, index - base), part * factor)
    return base, weights


def _bilinear(
    size_in: int, size_out: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return both neighbours of each position and the weight of the second."""
    scale = np.float32(size_in) / np.float32(size_out)
    centres = (np.arange(size_out, dtype=np.float32) + np.float32(0.5)) * scale
    position = np.maximum(centres - np.float32(0.5), np.float32(0))
    first = np.minimum(position.astype(np.int64), size_in - 1)
    second = np.minimum(first + 1, size_in - 1)
    return first, second, position - first.astype(np.float32)
