"""References on a device, uploaded once for everything that is scored against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.errors import InputError
from cosmos_board.metrics.device.boundaries import (
    SIDE_LIMIT_PX,
    PointLists,
    find_bands,
    list_points,
)
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.reference import PreparedReference

CAPACITY_LIMIT = 8192
"""Boundary pixels beyond which run lengths on the CPU are the better way."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceReferences:
    """References of one image, or of images of one size, on a device."""

    prepared: tuple[PreparedReference, ...]
    masks: Tensor
    """bool, (R, Y, X)."""

    bands: Tensor
    """Inner bands, bool, (R, Y, X)."""

    points: PointLists
    relative_sq: Tensor
    """`PreparedReference.relative_sq` of each, int64, (R,)."""


def upload_references(
    references: Sequence[PreparedReference], device: torch.device | str
) -> DeviceReferences:
    """Return references of one size on `device`, with boundaries and bands.

    Raises:
        InputError: If there are none, their sizes differ, or a side is 2,896 px or more.
    """
    if not references:
        raise InputError("references", "number", "there are none", got=0, want="at least 1")
    shape = references[0].mask.shape
    for reference in references:
        check_size(reference.mask.shape, shape)
    if max(shape) >= SIDE_LIMIT_PX:
        raise InputError(
            "references", "size", "is too large", got=shape, want=f"below {SIDE_LIMIT_PX} px"
        )
    masks = upload(np.stack([reference.mask for reference in references]), device)
    longest = max(reference.boundary_px for reference in references)
    points = list_points(masks, min(longest, CAPACITY_LIMIT))
    relative_sq = upload(np.array([reference.relative_sq for reference in references]), device)
    return DeviceReferences(tuple(references), masks, find_bands(masks), points, relative_sq)
