"""Masks of another size or place → the voxels of their image, by the nearest voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.data.volumes import Volume, orient

_OFF = 0.1
"""Share of a voxel by which the corners of mask and image may differ."""


def resize_nearest(voxels: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """Return every slice brought to another size; a pixel takes the one its centre falls into.

    Args:
        voxels: Axes (Z, Y, X).
        shape: Wanted, with the same number of slices.

    Example:
        >>> resize_nearest(np.array([[[1, 2]]]), (1, 2, 4)).tolist()
        [[[1, 1, 2, 2], [1, 1, 2, 2]]]
    """
    rows, columns = (
        np.floor((np.arange(new) + 0.5) * old / new).astype(np.intp)
        for old, new in zip(voxels.shape[1:], shape[1:], strict=True)
    )
    return voxels[:, rows[:, np.newaxis], columns]


def lies_like(mask: Volume, image: Volume) -> bool:
    """Return whether the voxels of both lie in the same places, whatever their storage order."""
    one, other = orient(mask), orient(image)
    if one.voxels.shape != other.voxels.shape:
        return False
    allowed = _OFF * min(other.spacing_mm)
    return bool(np.abs(_corners(one) - _corners(other)).max() <= allowed)


def resample_nearest(mask: Volume, image: Volume) -> NDArray[Any]:
    """Return the values of `mask` at the voxel centres of `image`, 0 outside of it."""
    to_mask = np.linalg.inv(mask.affine_lps) @ image.affine_lps
    depth, height, width = image.voxels.shape
    result = np.zeros(image.voxels.shape, mask.voxels.dtype)
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    size = np.array(mask.voxels.shape[::-1])
    for z in range(depth):
        places = np.stack([x, y, np.full_like(x, z)], -1) @ to_mask[:3, :3].T + to_mask[:3, 3]
        index = np.floor(places + 0.5).astype(np.intp)
        inside = ((index >= 0) & (index < size)).all(axis=-1)
        i, j, k = index[inside].T
        result[z][inside] = mask.voxels[k, j, i]
    return result


def _corners(volume: Volume) -> NDArray[np.float64]:
    z, y, x = volume.voxels.shape
    ends = np.array([[i, j, k, 1.0] for i in (0, x - 1) for j in (0, y - 1) for k in (0, z - 1)])
    return ends @ volume.affine_lps[:3].T
