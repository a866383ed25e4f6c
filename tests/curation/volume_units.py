"""Source units of volumes for tests: balls of known place in noise, made anew from a seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from cosmos_board.core.volumes import SpacingMm, VolumeMask
from cosmos_board.data.source import Region, SourceImage, SourceUnit, VolumeSlice
from cosmos_board.phantoms.solids import Ellipsoid, draw_solid

SHAPE = (9, 32, 32)
SPACING_MM: SpacingMm = (3.0, 1.0, 1.0)
ORGAN, CELLS = Region("organ", False, ""), Region("cell", True, "")


def ball(slice_: int, y: int, x: int, radius_mm: float) -> VolumeMask:
    """Return a ball around a voxel."""
    centre = (slice_ * SPACING_MM[0], float(y), float(x))
    return draw_solid(Ellipsoid((radius_mm, radius_mm, radius_mm)), SHAPE, SPACING_MM, centre)


def slice_volume(
    regions: Mapping[Region, VolumeMask],
    *,
    seed: int = 0,
    spacing_mm: SpacingMm | None = SPACING_MM,
    cluster: str = "",
) -> Iterator[SourceImage]:
    """Yield the slices of a noisy volume; noise depends on the seed alone."""
    shape = next(iter(regions.values())).shape
    voxels = np.random.default_rng(seed).integers(0, 200, shape, dtype=np.uint8)
    for index, pixels in enumerate(voxels):
        here = {region: mask[index] for region, mask in regions.items()}
        yield SourceImage(
            pixels=pixels,
            modality="synthetic",
            cluster_key=cluster or f"patient {seed}",
            masks={region.object: (mask,) for region, mask in here.items() if mask.any()},
            volume=VolumeSlice(index=index, spacing_mm=spacing_mm, regions=here),
            origin=f"volume {seed} slice {index}",
        )


def make_volume_unit(name: str, images: Iterable[SourceImage]) -> SourceUnit:
    """Return one unit of these slices; only for this process."""
    held = tuple(images)
    return SourceUnit(name, name, lambda: held)


def without_volumes(unit: SourceUnit) -> SourceUnit:
    """Return what an import reads that keeps no volumes."""
    images = tuple(
        replace(image, volume=None) for image in unit.read() if not image.serves_volume_only
    )
    return SourceUnit(f"{unit.key} flat", unit.origin, lambda: images)
