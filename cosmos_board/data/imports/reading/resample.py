"""Masks of another size or place → the voxels of their image, by the nearest voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.data.volumes import Volume, turn_like

_OFF = 0.1
"""Share of a voxel by which the corners of mask and image may differ."""


def resize_nearest(voxels: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """Return every slice brought to another size; a pixel takes the one its centre falls into.

    `voxels` have axes (Z, Y, X), and `shape` as many slices.

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
    turned = turn_like(mask, image)
    if turned.voxels.shape != image.voxels.shape:
        return False
    allowed = _OFF * min(image.spacing_mm)
    return bool(np.abs(_corners(turned) - _corners(image)).max() <= allowed)


def lies_within(mask: Volume, image: Volume) -> bool:
    """Return whether the voxels of a mask are some of those of the image, in the same places."""
    turned = turn_like(mask, image)
    size = turned.voxels.shape[::-1]
    first = np.rint((np.linalg.inv(image.affine_lps) @ turned.affine_lps)[:3, 3]).astype(int)
    if (first < 0).any() or (first + size > image.voxels.shape[::-1]).any():
        return False
    i, j, k = (slice(low, low + count) for low, count in zip(first, size, strict=True))
    affine = image.affine_lps.copy()
    affine[:3, 3] += affine[:3, :3] @ first
    return lies_like(mask, Volume(image.voxels[k, j, i], affine))


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
