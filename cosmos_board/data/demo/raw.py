"""The raw files of the demo packs as source images, thinned out so that the demo stays short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from cosmos_board.core.masks import Mask
from cosmos_board.data.intensities import Normalisation, normalise
from cosmos_board.data.readers.dicom.images import read_dicom
from cosmos_board.data.readers.dicom.rtstruct import rasterise, read_rtstruct
from cosmos_board.data.readers.nifti import read_nifti
from cosmos_board.data.readers.tiff import read_tiff
from cosmos_board.data.source import Region, SourceImage, VolumeSlice
from cosmos_board.data.volumes import Volume, choose_plane, count_slices, orient, take_slice
from cosmos_board.phantoms.controlled import DEMO_SPECS, PhantomSpec, phantom_pack_images
from cosmos_board.phantoms.volumes import draw_phantom_volume

_PERCENTILE = Normalisation("percentile")
_LARGE_PX = 50
_HALF = 128
_NUCLEI = 12
_BRAIN_SLICES = 5
_CHEST_SLICES = 4
_PHANTOMS = 24
_PHANTOM_SIDE = 160


def read_nuclei(folder: Path) -> Iterator[SourceImage]:
    """Yield the fluorescence picture with `_NUCLEI` of its nuclei, evenly over their labels."""
    images = folder / "stardist/data/images"
    pixels, labels = (read_tiff(images / f"{name}2d.tif").array for name in ("img", "mask"))
    values, sizes = np.unique(labels[labels > 0], return_counts=True)
    large = values[sizes > _LARGE_PX]
    yield SourceImage(
        pixels=normalise(pixels, _PERCENTILE, where="img2d.tif"),
        modality="microscopy",
        cluster_key="img2d",
        masks={"nucleus": tuple(labels == large[i] for i in spread(len(large), _NUCLEI))},
        origin="img2d.tif",
    )


def read_brain(folder: Path) -> Iterator[SourceImage]:
    """Yield axial slices of the template with both tissues and the brain they make up.

    A tissue is where its probability map reaches half of its range; the brain is where both
    together do, with the holes of each slice (the ventricles) filled.
    """
    t1, grey, white = (_read_map(folder, name) for name in ("t1", "gm", "wm"))
    both = grey.voxels.astype(np.int32) + white.voxels
    objects = {
        "grey-matter": grey.voxels >= _HALF,
        "white-matter": white.voxels >= _HALF,
        "brain": np.stack([binary_fill_holes(drawn >= _HALF) for drawn in both]),
    }
    yield from _cut(t1, objects, "mr-t1", "template", _BRAIN_SLICES)


def read_chest(folder: Path, patient: int) -> Iterator[SourceImage]:
    """Yield axial slices of one patient's CT with the contoured tumour."""
    files = folder / f"cerr/datasets/radiomics_phantom_dicom/pat_{patient}"
    scan = read_dicom(sorted(files.glob("DCM_IMG_*.dcm"))).volume
    (region,) = read_rtstruct(next(iter(files.glob("DCM_RS_*.dcm"))))
    tumour = orient(Volume(rasterise(region, scan, region.name), scan.affine_lps))
    objects = {"lung-cancer": tumour.voxels}
    yield from _cut(orient(scan), objects, "ct", f"patient {patient}", _CHEST_SLICES)


def read_phantoms(_folder: Path) -> Iterator[SourceImage]:
    """Yield synthetic pictures of three targets; nothing is read."""
    shrink = _PHANTOM_SIDE**2 / 256**2
    specs = tuple(replace(spec, size_px=round(spec.size_px * shrink)) for spec in DEMO_SPECS)
    yield from draw_phantoms(_PHANTOMS, side=_PHANTOM_SIDE, specs=specs)


def draw_phantoms(
    count: int,
    *,
    start: int = 0,
    seed: int = 0,
    side: int,
    specs: tuple[PhantomSpec, ...] = DEMO_SPECS,
) -> Iterator[SourceImage]:
    """Yield synthetic pictures, one cluster each; the objects of `specs` differ."""
    for image in phantom_pack_images(count, start=start, seed=seed, side=side, specs=specs):
        yield SourceImage(
            pixels=image.pixels,
            modality="synthetic",
            cluster_key=image.cluster,
            masks={name: (mask,) for name, mask in image.references},
            origin=image.cluster,
        )


def draw_phantom_volumes(count: int, *, start: int = 0, seed: int = 0) -> Iterator[SourceImage]:
    """Yield every slice of synthetic volumes, one cluster each; of all kinds of solids."""
    for number in range(start, start + count):
        phantom = draw_phantom_volume((seed << 32) + number)
        for index, pixels in enumerate(phantom.voxels):
            regions = {
                Region(reference.object, False, reference.instance): reference.mask[index]
                for reference in phantom.references
            }
            part = VolumeSlice(index=index, spacing_mm=phantom.spacing_mm, regions=regions)
            masks: dict[str, tuple[Mask, ...]] = {}
            for region, mask in regions.items():
                if mask.any():
                    masks[region.object] = (*masks.get(region.object, ()), mask)
            yield SourceImage(
                pixels=pixels,
                modality="synthetic",
                cluster_key=phantom.cluster,
                masks=masks,
                volume=part,
                origin=f"{phantom.cluster}, slice {index}",
            )


def spread(n: int, k: int) -> list[int]:
    """Return `k` even positions among `n`, all of them where there are fewer.

    Example:
        >>> spread(10, 3), spread(2, 3)
        ([1, 5, 8], [0, 1])
    """
    return [(2 * i + 1) * n // (2 * k) for i in range(k)] if n > k else list(range(n))


def _read_map(folder: Path, name: str) -> Volume:
    file = f"nilearn/datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    return orient(read_nifti(folder / file).volume)


def _cut(
    volume: Volume,
    objects: Mapping[str, NDArray[np.bool_]],
    modality: str,
    origin: str,
    slices: int,
) -> Iterator[SourceImage]:
    """Yield `slices` slices, even over those that show enough of every object."""
    plane = choose_plane(volume.spacing_mm)
    shown = [
        index
        for index in range(count_slices(volume.voxels, plane))
        if all(
            np.count_nonzero(take_slice(drawn, plane, index)) > _LARGE_PX
            for drawn in objects.values()
        )
    ]
    voxels = normalise(volume.voxels, _PERCENTILE, where=origin)
    for index in (shown[i] for i in spread(len(shown), slices)):
        yield SourceImage(
            pixels=take_slice(voxels, plane, index),
            modality=modality,
            cluster_key=origin,
            masks={name: (take_slice(drawn, plane, index),) for name, drawn in objects.items()},
            origin=f"{origin}, {plane} slice {index}",
        )
