"""Masks brought onto the voxels of their image: by place, by names of slices, or as stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.slice_names import find_unpaired, read_slice_names
from cosmos_board.data.imports.spec.models import ImageSpec
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.volumes import Volume, orient, turn_like


def fit_mask(
    job: ImageJob, files: MaskFiles, mask: Raster, values: NDArray[Any], image: Raster
) -> NDArray[Any]:
    """Return the voxels of a mask as they lie on the oriented image, axes (Z, Y, X).

    `values` are what was made of its voxels, axes (Y, X) or (Z, Y, X).

    Raises:
        InputError: If the mask does not belong to the image, or does not fit it.
    """
    where = show_path(files.paths[0])
    shape = image.shape_zyx
    voxels = values if values.ndim == 3 else values[np.newaxis]
    if mask.affine_lps is not None and job.spec.geometry == "check":
        volume = Volume(voxels, mask.affine_lps, mask.placed)
        placed = fit_by_place(volume, image, job.spec, where)
        if placed is not None:
            return _orient(placed, image)
    if mask.order is not None and image.order is not None and voxels.shape == shape:
        # Files pair by their names, while volumes hold them by their place.
        _refuse_unpaired(job, files, image)
        by_name = voxels if mask.affine_lps is None else voxels[np.argsort(mask.order)]
        voxels = by_name[list(image.order)]
    if voxels.shape != shape:
        _refuse_unturned(mask, voxels.shape, image, where)
        if job.spec.resample != "nearest" or voxels.shape[0] != shape[0]:
            raise InputError(
                where, "size", "differs from that of its image", got=voxels.shape, want=shape
            )
        voxels = resize_nearest(voxels, shape)
    return _orient(voxels, image)


def fit_by_place(
    mask: Volume, image: Raster, spec: ImageSpec, where: str, *, part: bool = False
) -> NDArray[Any] | None:
    """Return a mask by its place, as the image's file holds it; None where neither says its place.

    With `part`, it may cover a part of the image.

    Raises:
        InputError: If it lies elsewhere, or only one of both says where it lies.
    """
    if image.affine_lps is None:
        return None
    grid = image.grid
    if lies_like(mask, grid):
        return turn_like(mask, grid).voxels
    if mask.placed != image.placed:
        raise InputError(
            where, "geometry", "one of image and mask does not say where it lies",
            got=f"only the {'image' if image.placed else 'mask'} does",
            want="both, or geometry = 'ignore', which pairs voxels in the order of the files",
        )  # fmt: skip
    if not mask.placed:
        return None
    if spec.resample == "nearest" or (part and lies_within(mask, grid)):
        return resample_nearest(mask, grid)
    raise InputError(
        where, "geometry", "lies elsewhere than its image", got=mask.voxels.shape,
        want=f"{image.shape_zyx}, or resample or geometry in the import file",
    )  # fmt: skip


def _orient(voxels: NDArray[Any], image: Raster) -> NDArray[Any]:
    return orient(Volume(voxels, image.grid.affine_lps)).voxels


def _refuse_unturned(mask: Raster, shape: tuple[int, ...], image: Raster, where: str) -> None:
    """Refuse a mask that fits only without the orientation tag of one of both files."""
    z, y, x = image.shape_zyx
    turns = max(image.orientation, mask.orientation)
    if turns > 4 and image.orientation != mask.orientation and shape == (z, x, y):
        whose = "its image" if image.orientation > 4 else "the mask"
        raise InputError(
            where, "orientation tag", f"of {whose} turns it, and only unturned they fit",
            got=turns, want="a mask of the picture as viewers show it, or orientation = 'ignore'",
        )  # fmt: skip


def _refuse_unpaired(job: ImageJob, files: MaskFiles, image: Raster) -> None:
    """Refuse slices of other numbers: only here it is known whether they lie somewhere in space."""
    # One file may hold all slices: then it has no name for each.
    image_names, mask_names = (
        read_slice_names(paths) if len(paths) == image.shape_zyx[0] else None
        for paths in (job.paths, files.paths)
    )
    by_order = "order" in (job.spec.stack, files.spec.stack)
    reason = find_unpaired(image_names, mask_names, by_order=by_order, placed=image.is_placed)
    if reason:
        raise InputError(show_path(files.paths[0]), "stack", reason)


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
