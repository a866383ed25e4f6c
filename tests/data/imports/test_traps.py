"""What real sources are known to do wrong or otherwise, one test each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec, read_spec
from cosmos_board.data.imports.spec.models import ImportSpec
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square, save_nifti
from tests.import_files import SPECS, iter_source_images
from tests.shared import SHARED, needs_shared

pytestmark = needs_shared


def _read(source: str, spec: ImportSpec | None = None) -> dict[str, SourceImage]:
    plan = plan_import(spec or read_spec(SPECS / f"{source}.toml"), SHARED / "data" / source)
    return {image.origin: image for image in iter_source_images(plan)}


def _without(source: str, **changes: object) -> ImportSpec:
    """Return the import file of a source with fields of all its masks changed."""
    spec = read_spec(SPECS / f"{source}.toml")
    images = tuple(
        entry.model_copy(
            update={"masks": tuple(mask.model_copy(update=changes) for mask in entry.masks)}
        )
        for entry in spec.images
    )
    return spec.model_copy(update={"images": images})


def _open(path: str) -> NDArray[Any]:
    with Image.open(SHARED / "data" / path) as picture:
        return np.asarray(picture)


def test_an_object_that_is_absent_from_a_picture_is_empty_and_no_error() -> None:
    images = _read("cosmos_authors")

    absent = [
        origin
        for origin, image in images.items()
        if "right-ventricle" in image.masks and not image.masks["right-ventricle"][0].any()
    ]
    assert len(absent) == 2


def test_volumes_that_are_empty_on_purpose_give_no_reference() -> None:
    images = _read("totalsegmentator").values()

    assert not any(image.masks.keys() & {"prostate", "brain"} for image in images)


def test_an_image_without_a_mask_is_listed_and_not_read() -> None:
    spec = read_spec(SPECS / "sam_med2d_demo.toml")
    plan = plan_import(spec, SHARED / "data/sam_med2d_demo")

    assert plan.images_without_mask == ("images/amos_0507_31.png",)
    assert "1 images without a mask: images/amos_0507_31.png" in plan.describe()


def test_two_pieces_of_one_side_are_one_reference_and_two_sides_are_two() -> None:
    image = _read("sam_med2d_demo")["images/s0619_32.png"]

    pieces = [_open(f"sam_med2d_demo/masks/s0619_32_hip_left_00{i}.png") > 0 for i in (0, 1)]
    assert len(image.masks["hip"]) == 2
    assert np.array_equal(image.masks["hip"][0], pieces[0] | pieces[1])


def test_soft_masks_are_cut_at_half_of_their_range() -> None:
    folder = "BTCV/Cervix/2609008-Image_axis1_maxslice"
    soft = np.load(SHARED / "data/medscribble" / folder / "seg.npy")
    image = _read("medscribble", _without("medscribble", threshold=None))[f"{folder}/img.npy"]

    assert len(np.unique(soft)) > 2
    assert np.array_equal(image.masks["bladder"][0], soft > soft.max() / 2)


def test_jpeg_masks_need_a_threshold() -> None:
    with pytest.raises(InputError, match="threshold: is needed for a mask in a lossy format"):
        _read("cvc_colondb", _without("cvc_colondb", threshold=None))

    (mask,) = _read("cvc_colondb")["images/160.jpg"].masks["polyp"]
    assert np.array_equal(mask, _open("cvc_colondb/masks/160.jpg").max(axis=2) > 127)


def test_values_a_little_below_255_are_foreground() -> None:
    (mask,) = _read("duke_oct_dme")["images/img_5.png"].masks["intraretinal-fluid"]

    assert mask.sum() == (_open("duke_oct_dme/masks/img_5.png")[..., 0] > 0).sum()


def test_coloured_labels_go_to_the_nearest_colour() -> None:
    """Edges are blended: hundreds of colours stand for three objects."""
    path = "abdomen_mr_uwm/masks/case113_day12_slice_0068.png"
    rgb = _open(path).astype(int)
    image = _read("abdomen_mr_uwm")["images/case113_day12_slice_0068.png"]

    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > 300
    palette = {
        "": (0, 0, 0),
        "colon": (255, 255, 0),
        "small-bowel": (0, 200, 0),
        "stomach": (255, 0, 0),
    }
    distance = np.stack([((rgb - colour) ** 2).sum(axis=2) for colour in palette.values()])
    for position, name in enumerate(palette):
        if name:
            assert np.array_equal(image.masks[name][0], distance.argmin(axis=0) == position)


def test_nested_objects_contain_each_other() -> None:
    for image in _read("glaucoma_smdg").values():
        disc, cup = image.masks["optic-disc"][0], image.masks["optic-cup"][0]

        assert (disc & cup).sum() == cup.sum() < disc.sum()


def test_volumes_of_any_orientation_are_seen_the_same_way() -> None:
    """PSR, RAS and LAS files: what nibabel calls canonical, flipped to left and back."""
    for name in ("t2/t2", "t1/t1w", "t2s/t2s"):
        file = nib.as_closest_canonical(nib.load(SHARED / f"data/sct_spinal_cord/{name}.nii.gz"))
        segmentation = {"t2s/t2s": "t2s/t2s_seg"}.get(name, f"{name}_seg-manual")
        drawn = nib.as_closest_canonical(
            nib.load(SHARED / f"data/sct_spinal_cord/{segmentation}.nii.gz")
        )
        lps = np.asarray(drawn.dataobj)[::-1, ::-1].transpose(2, 1, 0) > 0
        images = [
            image
            for origin, image in _read("sct_spinal_cord").items()
            if origin.startswith(f"{name}.nii.gz")
        ]
        axis = {"axial": 0, "coronal": 1, "sagittal": 2}[images[0].origin.split()[1]]
        stored = {"t2/t2": "PSR", "t1/t1w": "RAS", "t2s/t2s": "LAS"}[name]
        assert f"stored as {stored}" in images[0].notes
        areas = [
            int(image.masks["spinal-cord"][0].sum())
            for image in images
            if "spinal-cord" in image.masks
        ]
        expected = lps.sum(axis=tuple({0, 1, 2} - {axis}))

        assert areas == expected[expected > 0].tolist()
        assert file.shape == drawn.shape


def test_labels_stored_as_0_9999999_are_whole_numbers(tmp_path: Path) -> None:
    """Cutting off decimals would turn every such 1 into 0, and 2.0000001 is no third object."""
    drawn = draw_square((16, 16, 4), 2, 12) * np.float32(0.9999999)
    drawn[12:] = np.float32(2.0000002)
    save_nifti(tmp_path / "image.nii.gz", draw_noise((16, 16, 4)))
    save_nifti(tmp_path / "mask.nii.gz", drawn)
    codes = "labels = { 1 = 'lesion', 2 = 'liver' }"
    plan = plan_import(parse_spec(write_spec("image.nii.gz", "", codes), "s"), tmp_path)

    sums = {name: 0 for name in ("lesion", "liver")}
    for image in iter_source_images(plan):
        for name, (mask,) in image.masks.items():
            sums[name] += int(mask.sum())

    assert sums == {"lesion": 10 * 10 * 2, "liver": 4 * 16 * 4}


def test_an_image_whose_largest_value_is_0_9999999_is_white_there() -> None:
    folder = "BTCV/Cervix/2609008-Image_axis1_maxslice"
    stored = np.load(SHARED / "data/medscribble" / folder / "img.npy")

    image = _read("medscribble")[f"{folder}/img.npy"]

    assert stored.max() == np.float32(0.9999999)
    assert (image.pixels.max(), image.pixels.min()) == (255, 0)


def test_labels_stored_in_floating_point_keep_their_codes() -> None:
    image = _read("oasis_malf")["Atlases/OASIS-TRT-20-1_slice118.nii.gz axial 0"]
    file = SHARED / "data/oasis_malf/Labels/OASIS-TRT-20-1_DKT31_CMA_labels_slice118.nii.gz"
    codes = np.asarray(nib.load(file).dataobj)

    assert {int(mask.sum()) for mask in image.masks["thalamus"]} == {
        int((codes == 10).sum()),
        int((codes == 49).sum()),
    }


def test_a_second_observer_is_kept_beside_the_reference() -> None:
    """One observer's file holds 0 and 255, the other's indices 0 and 1."""
    image = _read("drive")["images/01_test.tif"]

    (first,) = image.masks["retinal-vessel"]
    (second,) = image.observers["second"]["retinal-vessel"]
    assert np.array_equal(first, _open("drive/1st_manual/01_manual1.gif") == 255)
    assert np.array_equal(second, _open("drive/2nd_manual/01_manual2.gif") == 1)
    assert 0.7 < 2 * (first & second).sum() / (first.sum() + second.sum()) < 1


def test_palette_indices_are_codes_whatever_their_colour() -> None:
    file = "prostate_transverse/masks/nosignificativo2270014.png"
    (mask,) = _read("prostate_transverse")["images/nosignificativo2270014.png"].masks["prostate"]

    assert np.array_equal(mask, _open(file) == 1)


def test_an_opaque_alpha_channel_is_dropped() -> None:
    images = _read("dsb2018").values()

    assert {image.pixels.shape[2:] for image in images} == {(3,)}
    assert {image.notes for image in images} == {("8 bit", "opaque alpha channel dropped")}


def test_three_formats_of_one_case_agree() -> None:
    """DICOM slices, NRRD labels and a DICOM SEG: order comes from the place of each slice."""
    for image in _read("dcmqi_ct_liver").values():
        (liver,) = image.masks["liver"]

        assert np.array_equal(image.observers["dicom-seg"]["liver"][0], liver)
        assert np.array_equal(image.observers["single-label"]["liver"][0], liver)


def test_instance_numbers_need_not_be_contiguous() -> None:
    image = _read("stardist")["img2d.tif"]

    assert len(image.masks["nucleus"]) == 125


def test_an_array_archive_holds_image_and_mask() -> None:
    images = _read("medsam2_recist")

    assert {image.pixels.dtype.name for image in images.values()} == {"uint8"}
    assert len({image.cluster_key for image in images.values()}) == 2
