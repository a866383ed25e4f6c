"""Real volumes with their objects, where a machine has them, and imperfect copies of masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import nibabel
import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from cosmos_board.core.volumes import SpacingMm, VolumeMask
from tests.shared import SHARED

_MARGIN = 6
_NIFTIS = {
    "totalsegmentator/example_seg.nii.gz": range(1, 118),
    "totalsegmentator/example_seg_mr.nii.gz": range(1, 51),
    "sct_spinal_cord/t1/t1w_seg-manual.nii.gz": range(1, 2),
}


@dataclass(frozen=True, slots=True, eq=False)
class RealObject:
    """One annotated object of a real volume, cut out with a margin."""

    name: str
    mask: VolumeMask
    """bool, axes (slice, row, column)."""

    spacing_mm: SpacingMm


def iter_real_objects() -> Iterator[RealObject]:
    """Yield every object of more than 50 voxels: CT and MR, read without our own readers."""
    folder = SHARED / "data"
    for path, codes in _NIFTIS.items():
        image = nibabel.load(folder / path)
        x, y, z = map(float, image.header.get_zooms()[:3])
        labels = np.asarray(image.dataobj).transpose(2, 1, 0)
        for code in codes:
            yield from _cut_out(f"{path} {code}", labels == code, (z, y, x))
    for file in sorted((folder / "medsam2_recist").glob("*.npz")):
        with np.load(file) as arrays:
            x, y, z = arrays["spacing"].tolist()
            yield from _cut_out(file.name, arrays["gts"] > 0, (z, y, x))
    for name in ("brain1", "brain2", "breast1"):
        image = sitk.ReadImage(str(folder / "pyradiomics" / f"{name}_label.nrrd"))
        x, y, z = image.GetSpacing()
        yield from _cut_out(name, sitk.GetArrayFromImage(image) > 0, (z, y, x))


def distort(mask: VolumeMask, seed: int) -> VolumeMask:
    """Return what a model might draw: moved, grown or shrunk, ragged, too short or too long."""
    rng = np.random.default_rng(seed)
    moved = ndimage.shift(mask.astype(np.float32), rng.uniform(-1.5, 1.5, 3), order=1)
    field = ndimage.gaussian_filter(rng.standard_normal(mask.shape), 2)
    drawn: VolumeMask = moved + rng.uniform(0.5, 2) * field / field.std() * 0.25 > 0.5
    drawn[: int(rng.integers(0, _MARGIN + 3))] = False
    return drawn if drawn.any() else mask


def _cut_out(name: str, mask: VolumeMask, spacing_mm: SpacingMm) -> Iterator[RealObject]:
    if np.count_nonzero(mask) > 50:
        (box,) = ndimage.find_objects(mask.astype(np.int8))
        yield RealObject(name, np.pad(mask[box], _MARGIN), spacing_mm)
