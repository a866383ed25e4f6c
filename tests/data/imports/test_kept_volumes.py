"""Volumes of every format are kept with all slices, and the 2-D study stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.volumes import SpacingMm
from cosmos_board.curation.curate import ImportReport, curate
from cosmos_board.curation.volumes import NO_SPACING
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import make_pack_info, parse_spec, read_spec
from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.volumes import PackVolumes, VolumeItem
from tests.data.raw_files import draw_noise, make_dicom, save_nifti, save_picture
from tests.import_files import SPECS
from tests.shared import SHARED, needs_shared

SPACING_MM: SpacingMm = (2.0, 0.5, 0.75)
VOXELS = np.stack([draw_noise((24, 28), seed=z) for z in range(8)])
DRAWN = np.zeros(VOXELS.shape, np.uint8)
DRAWN[1:6, 4:16, 6:18] = 1
DRAWN[6, 5:7, 6:9] = 1  # too small for the 2-D study

STATED = "spacing_mm = [2.0, 0.5, 0.75]"


def import_pack(folder: Path, images: str, masks: str = "", *, keep: bool = True) -> ImportReport:
    """Import what lies in `folder`; `images` and `masks` are lines of TOML."""
    text = (
        f"schema_version = 1\nname = 'scans'\nkeep_volumes = {str(keep).lower()}\n"
        f"[[images]]\nmodality = 'ct'\n{images}\n"
        f"[[images.masks]]\n{masks or images}\nlabels = {{ 1 = 'liver' }}\n"
    )
    spec = parse_spec(text, "spec.toml")
    out = folder.with_name(f"pack-{keep}")
    units = plan_import(spec, folder).units()
    report = curate(units, make_pack_info(spec), out, workers=1)
    assert report.quarantined == ()
    assert check_pack(out) == []
    return report


def read_volume(folder: Path) -> VolumeItem:
    """Return the one volume of the pack that `import_pack` made."""
    (item,) = PackVolumes(open_pack(folder.with_name("pack-True"))).iter_items()
    return item


def write_nifti(path: Path, array: NDArray[Any]) -> None:
    save_nifti(path, array.transpose(2, 1, 0), np.diag([-0.75, -0.5, 2.0, 1.0]))


def write_itk(path: Path, array: NDArray[Any]) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.75, 0.5, 2.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))


def write_series(folder: Path, array: NDArray[Any]) -> None:
    folder.mkdir(parents=True)
    for z, pixels in enumerate(array):
        tags = {"PixelSpacing": [0.5, 0.75], "RescaleIntercept": 0}
        dataset = make_dicom(pixels.astype(np.uint16), 2.0 * z, f"1.2.{len(folder.name)}", **tags)
        dataset.save_as(folder / f"{z}.dcm", enforce_file_format=True)


def write_tiff(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, array, metadata={"axes": "ZYX"}, ome=path.name.endswith(".ome.tif"))


def write_pictures(folder: Path, array: NDArray[Any]) -> None:
    for z, pixels in enumerate(array):
        save_picture(folder / f"{z}.png", pixels)


def write_array(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


PLAIN = "normalisation = 'none'"
FORMATS: dict[str, tuple[str, Callable[[Path, NDArray[Any]], None], str, str]] = {
    "NIfTI": ("{}.nii.gz", write_nifti, "", PLAIN),
    "NRRD": ("{}.nrrd", write_itk, "", PLAIN),
    "MetaImage": ("{}.mha", write_itk, "", PLAIN),
    "DICOM series": ("{}/*.dcm", write_series, "", "normalisation = 'window 127.5/255'"),
    "TIFF stack": ("{}.tif", write_tiff, "", f"{PLAIN}\n{STATED}"),
    "OME-TIFF stack": ("{}.ome.tif", write_tiff, "", f"{PLAIN}\n{STATED}"),
    "pictures": ("{}/*.png", write_pictures, "stack = 'name'", f"{PLAIN}\n{STATED}"),
    "array": ("{}.npy", write_array, "", f"{PLAIN}\n{STATED}"),
}
"""By name: pattern, writer, lines for images and masks, lines for images alone."""


@pytest.mark.parametrize("name", FORMATS)
def test_a_volume_of_this_format_is_kept_as_it_was_drawn(tmp_path: Path, name: str) -> None:
    pattern, write, both, images = FORMATS[name]
    source = tmp_path / "source"
    for which, array in (("image", VOXELS), ("mask", DRAWN)):
        path = source / pattern.format(which)
        write(path.parent if path.name.startswith("*") else path, array)

    entry = f"files = '{pattern.format('image')}'\n{both}"
    masks = f"files = '{pattern.format('mask')}'\n{both}"
    report = import_pack(source, f"{entry}\n{images}", masks)

    item = read_volume(source)
    (reference,) = item.references
    np.testing.assert_array_equal(item.volume.voxels, VOXELS)
    np.testing.assert_array_equal(reference.mask(), DRAWN > 0)
    assert item.volume.spacing_mm == SPACING_MM
    assert report.info.counts.images == 5
    flat = import_pack(source, f"{entry}\n{images}", masks, keep=False).info
    assert (flat.content_sha256, flat.prompts_sha256, flat.counts) == (
        report.info.content_sha256, report.info.prompts_sha256, report.info.counts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plane", "spacing_mm"),
    [("axial", (2.0, 0.5, 0.75)), ("coronal", (0.5, 2.0, 0.75)), ("sagittal", (0.75, 2.0, 0.5))],
)
def test_spacing_and_slices_follow_the_plane(
    tmp_path: Path, plane: str, spacing_mm: SpacingMm
) -> None:
    source = tmp_path / "source"
    write_nifti(source / "image.nii.gz", VOXELS)
    write_nifti(source / "mask.nii.gz", DRAWN)

    import_pack(source, f"files = 'image.nii.gz'\nplane = '{plane}'\n{PLAIN}",
                "files = 'mask.nii.gz'")  # fmt: skip

    item = read_volume(source)
    (reference,) = item.references
    # Rows of other planes run from head to foot, z from foot to head.
    ways: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
        "axial": lambda array: array,
        "coronal": lambda array: array[::-1].transpose(1, 0, 2),
        "sagittal": lambda array: array[::-1].transpose(2, 0, 1),
    }
    seen = ways[plane]
    assert item.volume.spacing_mm == spacing_mm
    np.testing.assert_array_equal(item.volume.voxels, seen(VOXELS))
    np.testing.assert_array_equal(reference.mask(), seen(DRAWN) > 0)


def test_each_frame_of_four_dimensions_is_a_volume(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for which, array in (("image", np.stack([VOXELS, VOXELS[::-1]])), ("mask", [DRAWN, DRAWN])):
        affine = np.diag([-0.75, -0.5, 2.0, 1.0])
        path = source / f"{which}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        nib.save(nib.Nifti1Image(np.asarray(array).transpose(3, 2, 1, 0), affine), path)

    report = import_pack(
        source, f"files = 'image.nii.gz'\nframe = 'all'\n{PLAIN}",
        "files = 'mask.nii.gz'\nframe = 'all'",
    )  # fmt: skip

    assert report.info.volumes is not None
    assert (report.info.volumes.volumes, report.info.volumes.clusters) == (2, 1)


def test_a_volume_of_unknown_spacing_is_counted(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_array(source / "image.npy", VOXELS)
    write_array(source / "mask.npy", DRAWN)

    report = import_pack(source, f"files = 'image.npy'\n{PLAIN}", "files = 'mask.npy'")

    assert report.counts.dropped[NO_SPACING] == 1
    assert report.info.volumes is None


@pytest.mark.parametrize("value", ["[1.0, 2.0]", "[1.0, 0.0, 1.0]", "3", "[1.0, nan, 1.0]"])
def test_a_spacing_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError, match=r"images\[0\]\.spacing_mm: are no distances"):
        import_pack(tmp_path, f"files = 'a.npy'\nspacing_mm = {value}")


@needs_shared
@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(slice(2, 3), id="mr"),
        pytest.param(slice(0, 2), id="ct, twice with other masks", marks=pytest.mark.slow),
    ],
)
def test_a_real_volume_keeps_every_slice_and_the_2d_study(tmp_path: Path, entries: slice) -> None:
    spec = read_spec(SPECS / "totalsegmentator.toml")
    infos = []
    for keep in (False, True):
        images = (one.model_copy(update={"keep_volumes": keep}) for one in spec.images[entries])
        read = spec.model_copy(update={"images": tuple(images)})
        units = plan_import(read, SHARED / "data" / "totalsegmentator").units()
        infos.append(curate(units, make_pack_info(read), tmp_path / str(keep), workers=1).info)

    flat, kept = infos
    assert (kept.content_sha256, kept.counts) == (flat.content_sha256, flat.counts)
    (item,) = PackVolumes(open_pack(tmp_path / "True")).iter_items()
    assert item.volume.spacing_mm == (3.0, 3.0, 3.0)
    assert len(item.references) >= 20
    assert check_pack(tmp_path / "True") == []
