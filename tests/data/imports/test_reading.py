"""Every layout that an import file can describe, on small files whose content is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.reading.files import read_raster
from cosmos_board.data.imports.reading.layers import make_drawn_layer
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.imports.spec.models import FileSpec
from cosmos_board.data.readers.dicom.images import read_dicom
from cosmos_board.data.source import SourceImage
from cosmos_board.data.volumes import Plane, take_slice
from tests.data.hostile import write_spec
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    make_dicom,
    save_nifti,
    save_picture,
    save_rtstruct,
    save_seg,
    save_series,
)
from tests.import_files import iter_source_images

PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")


def read_all(folder: Path, spec: str) -> list[SourceImage]:
    """Return what an import yields."""
    return list(iter_source_images(plan_import(parse_spec(spec, "spec.toml"), folder)))


def test_a_table_pairs_files_and_gives_modality_and_cluster(tmp_path: Path) -> None:
    for name in ("p", "q", "r"):
        save_picture(tmp_path / f"in/{name}.png", draw_noise(seed=ord(name)))
        save_picture(tmp_path / f"out/{name}.png", draw_square() * 255)
    (tmp_path / "pairs.csv").write_text(
        "image,mask,kind,who\nin/p.png,out/q.png,ct,a\nin/p.png,out/r.png,ct,a\nin/q.png,,ct,a\n"
        "in/r.png,out/r.png,x-ray,b\n"
    )
    spec = write_spec("{image}", "{mask}", more="table = 'pairs.csv'\ncluster = '{who}'")
    plan = plan_import(parse_spec(spec.replace("'ct'", "'{kind}'"), "s"), tmp_path)

    images = list(iter_source_images(plan))
    assert [(image.modality, image.cluster_key) for image in images] == [
        ("ct", "a"),
        ("x-ray", "b"),
    ]
    assert plan.images_without_mask == ("in/q.png",)


def test_a_table_may_be_of_windows(tmp_path: Path) -> None:
    save_picture(tmp_path / "in/p.png", draw_noise())
    save_picture(tmp_path / "out/p.png", draw_square() * 255)
    text = "image;mask\r\nin\\p.png;.\\out\\p.png\r\n"
    (tmp_path / "pairs.csv").write_text(text, "utf-8-sig", newline="")

    (image,) = read_all(tmp_path, write_spec("{image}", "{mask}", more="table = 'pairs.csv'"))

    assert image.masks["lesion"][0].sum() == 144


def test_slices_that_pair_by_name_follow_their_series(tmp_path: Path) -> None:
    """The files of the series are named against the order of their places."""
    series = save_series(tmp_path / "other")
    drawn = [draw_square(low=4 + z) * np.uint8(255) for z in range(4)]
    (tmp_path / "ct").mkdir()
    for z in range(4):
        dataset = make_dicom(draw_noise(seed=z) + np.uint16(900), 8.0 - 2 * z, series)
        dataset.save_as(tmp_path / f"ct/{z}.dcm", enforce_file_format=True)
        save_picture(tmp_path / f"mask/{z}.png", drawn[z])
    spec = write_spec("ct/*.dcm", "mask/*.png", "labels = { 255 = 'liver' }\nstack = 'name'",
                      "stack = 'name'")  # fmt: skip

    images = read_all(tmp_path, spec)

    areas = [int(image.masks["liver"][0].sum()) for image in images]
    assert areas == [int(mask.astype(bool).sum()) for mask in reversed(drawn)]
    first = (draw_noise(seed=3).astype(float), images[0].pixels.astype(float))
    assert np.corrcoef(first[0].ravel(), first[1].ravel())[0, 1] > 0.99


@pytest.mark.parametrize("option", ["resample = 'nearest'", "geometry = 'ignore'"])
def test_masks_in_dicom_stay_on_their_slices_however_files_are_named(
    option: str, tmp_path: Path
) -> None:
    """Both series are named head first; the masks lie a little beside the images."""
    for folder in ("ct", "mask"):
        (tmp_path / folder).mkdir()
    for z in range(4):
        image = make_dicom(draw_noise(seed=z) + np.uint16(900), 8.0 - 2 * z, "1.2.3")
        image.save_as(tmp_path / f"ct/{z}.dcm", enforce_file_format=True)
        drawn = draw_square(low=4 + z) + np.uint16(1000)
        mask = make_dicom(drawn, 8.0 - 2 * z, "1.2.4", ImagePositionPatient=[0.1, 0, 8.0 - 2 * z])
        mask.save_as(tmp_path / f"mask/{z}.dcm", enforce_file_format=True)
    meaning = "labels = { 1 = 'liver' }\nstack = 'name'"
    spec = write_spec("ct/*.dcm", "mask/*.dcm", meaning, f"stack = 'name'\n{option}")

    images = read_all(tmp_path, spec)

    wanted = [int(draw_square(low=4 + z).sum()) for z in (3, 2, 1, 0)]
    assert [int(image.masks["liver"][0].sum()) for image in images] == wanted


def test_pixels_with_a_patient_written_in_them_are_refused(tmp_path: Path) -> None:
    dataset = make_dicom(draw_noise().astype(np.uint16), 0.0, "1.2.3", BurnedInAnnotation="YES")
    dataset.save_as(tmp_path / "placed.dcm", enforce_file_format=True)
    del dataset.ImagePositionPatient
    dataset.save_as(tmp_path / "flat.dcm", enforce_file_format=True)

    with pytest.raises(InputError, match="BurnedInAnnotation: is YES"):
        read_dicom([tmp_path / "placed.dcm"])
    with pytest.raises(InputError, match="BurnedInAnnotation: is YES"):
        read_dicom([tmp_path / "flat.dcm"])


def test_pictures_stacked_by_name_are_a_volume(tmp_path: Path) -> None:
    for z in range(3):
        save_picture(tmp_path / f"a/{z}.png", draw_noise(seed=z))
        save_picture(tmp_path / f"b/{z}.png", draw_square(low=5 + z))
    spec = write_spec("a/*.png", "b/*.png", "object = 'lesion'\nstack = 'name'", "stack = 'name'")

    images = read_all(tmp_path, spec)

    assert len({image.cluster_key for image in images}) == 1
    assert [int(i.masks["lesion"][0].sum()) for i in images] == [15**2, 14**2, 13**2]


def test_a_picture_of_two_values_in_16_bit_is_black_and_white(tmp_path: Path) -> None:
    codes = draw_square().astype(np.uint16)
    save_picture(tmp_path / "image.png", codes * np.uint16(900) + np.uint16(100))
    save_picture(tmp_path / "mask.png", draw_square() * 255)

    (image,) = read_all(tmp_path, write_spec("image.png"))

    assert np.array_equal(image.pixels, codes * 255)


def test_a_picture_of_one_value_is_kept_and_noted(tmp_path: Path) -> None:
    save_picture(tmp_path / "image.png", np.full((32, 32), 900, np.uint16))
    save_picture(tmp_path / "mask.png", draw_square() * 255)

    (image,) = read_all(tmp_path, write_spec("image.png"))

    assert not image.pixels.any()
    assert "all pixels have one value" in image.notes


def test_a_dicom_seg_of_another_library_is_read(tmp_path: Path) -> None:
    drawn = np.zeros((4, 32, 32), bool)
    drawn[1, 4:20, 6:9], drawn[3, 10:15, 10:15] = True, True
    save_series(tmp_path / "ct")
    save_seg(tmp_path / "seg", tmp_path / "ct", drawn)
    meaning = "kind = 'dicom-seg'\nnames = { Lesion = 'lesion' }"

    images = read_all(tmp_path, write_spec("ct/*.dcm", "seg", meaning))

    assert [image.origin[-7:] for image in images] == ["axial 1", "axial 3"]
    for image, z in zip(images, (1, 3), strict=True):
        assert np.array_equal(image.masks["lesion"][0], drawn[z])


def test_a_contour_fills_the_voxels_whose_centres_it_encloses(tmp_path: Path) -> None:
    save_series(tmp_path / "ct")
    box = [1.9, 0.9, 2.0, 6.1, 0.9, 2.0, 6.1, 4.1, 2.0, 1.9, 4.1, 2.0]
    save_rtstruct(tmp_path / "rs", {"GTV-1": [box], "Body": [[0.0, 0, 0, 99, 0, 0, 99, 99, 0]]})
    meaning = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }\nskip = ['*']"

    (image,) = read_all(tmp_path, write_spec("ct/*.dcm", "rs", meaning))

    expected = np.zeros((32, 32), bool)
    expected[2:9, 4:13] = True
    assert np.array_equal(image.masks["lesion"][0], expected)


def test_annotations_of_coco_in_all_three_forms(tmp_path: Path) -> None:
    from pycocotools import mask as coco

    save_picture(tmp_path / "images/a.png", draw_noise())
    drawn = draw_square()
    packed = coco.encode(np.asfortranarray(drawn))["counts"].decode()
    runs = [8 * 32 + 8, *([12, 20] * 11), 12, 32 * 32 - 8 * 32 - 8 - 32 * 11 - 12]
    forms = ([[8, 8, 20, 8, 20, 20, 8, 20]], {"size": [32, 32], "counts": packed},
             {"size": [32, 32], "counts": runs})  # fmt: skip
    (tmp_path / "coco.json").write_text(
        json.dumps(
            {
                "images": [{"id": 7, "file_name": "a.png", "height": 32, "width": 32}],
                "categories": [{"id": 2, "name": "cell"}],
                "annotations": [
                    {"image_id": 7, "category_id": 2, "segmentation": form} for form in forms
                ],
            }
        )
    )
    meaning = "kind = 'coco'\nnames = { cell = 'cell' }\ninstances = 'labels'"

    (image,) = read_all(tmp_path, write_spec("images/{case}.png", "coco.json", meaning))

    assert len(image.masks["cell"]) == 3
    for mask in image.masks["cell"]:
        assert np.array_equal(mask, drawn)


def test_polygons_are_drawn(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", draw_noise())
    shapes = [
        {"label": "liver", "points": [[8, 8], [20, 8], [20, 20], [8, 20]]},
        {"label": "ruler", "points": [[0, 0], [3, 0], [3, 3]]},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"shapes": shapes}))
    meaning = "kind = 'polygons'\nnames = { liver = 'liver' }\nskip = ['ruler']"

    (image,) = read_all(tmp_path, write_spec("{case}.png", "{case}.json", meaning))

    assert list(image.masks) == ["liver"]
    assert np.array_equal(image.masks["liver"][0], draw_square() > 0)


def test_a_table_of_runs_is_drawn_down_the_columns(tmp_path: Path) -> None:
    for name in ("1.2.1", "1.2.2"):
        save_picture(tmp_path / f"{name}.png", draw_noise(seed=int(name[-1])))
    runs = " ".join(["264 12", *["20 12"] * 11])
    (tmp_path / "runs.csv").write_text(
        f"ImageId, EncodedPixels\n1.2.1, {runs}\n1.2.1,0 32\n1.2.2, -1\n"
    )
    meaning = "kind = 'runs'\nruns = 'relative'\nname = '{uid}'\nobject = 'pneumothorax'"

    images = read_all(tmp_path, write_spec("{uid}.png", "runs.csv", meaning))

    expected = draw_square() > 0
    expected[:, 0] = True
    assert np.array_equal(images[0].masks["pneumothorax"][0], expected)
    assert not images[1].masks["pneumothorax"][0].any()


@pytest.mark.parametrize("suffix", ["nrrd", "mha", "mhd"])
def test_volumes_stored_along_other_axes_are_turned_with_their_masks(
    tmp_path: Path, suffix: str
) -> None:
    """The image is stored as NIfTI in RAS, the mask as another format in another orientation."""
    voxels = draw_noise((12, 14, 5)).astype(np.int16)
    drawn = draw_square((12, 14, 5), 2, 9)
    drawn[2, 3, 1:] = 0
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    save_nifti(tmp_path / "image.nii.gz", voxels, affine)
    save_nifti(tmp_path / "plain.nii.gz", drawn, affine)
    turned = sitk.DICOMOrient(sitk.ReadImage(str(tmp_path / "plain.nii.gz")), "SPL")
    sitk.WriteImage(turned, str(tmp_path / f"mask.{suffix}"))

    one = read_all(tmp_path, write_spec("image.nii.gz", "plain.nii.gz"))
    other = read_all(tmp_path, write_spec("image.nii.gz", f"mask.{suffix}"))

    assert len(one) == len(other) > 0
    for left, right in zip(one, other, strict=True):
        assert np.array_equal(left.masks["lesion"][0], right.masks["lesion"][0])


def test_a_mask_on_another_grid_is_resampled_only_when_asked(tmp_path: Path) -> None:
    save_nifti(tmp_path / "image.nii.gz", draw_noise((16, 16, 3)), np.diag([1.0, 1, 4, 1]))
    half = np.diag([0.5, 0.5, 4, 1])
    half[:2, 3] = -0.25
    save_nifti(tmp_path / "mask.nii.gz", draw_square((32, 32, 3), 8, 20), half)

    with pytest.raises(InputError, match="geometry: lies elsewhere than its image"):
        read_all(tmp_path, write_spec("image.nii.gz"))
    images = read_all(tmp_path, write_spec("image.nii.gz", more="resample = 'nearest'"))

    assert [int(image.masks["lesion"][0].sum()) for image in images] == [36]


def test_a_picture_mask_of_another_size_is_resampled_only_when_asked(tmp_path: Path) -> None:
    save_picture(tmp_path / "image.png", draw_noise())
    save_picture(tmp_path / "mask.png", draw_square((16, 16), 4, 10))

    with pytest.raises(InputError, match="size: differs from that of its image"):
        read_all(tmp_path, write_spec("image.png"))
    (image,) = read_all(tmp_path, write_spec("image.png", more="resample = 'nearest'"))

    assert np.array_equal(image.masks["lesion"][0], draw_square() > 0)


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        pytest.param(draw_noise() > 99, (32, 32), id="1 bit"),
        pytest.param(draw_noise(), (32, 32), id="8-bit grey"),
        pytest.param(draw_noise().astype(np.uint16) * 99, (32, 32), id="16-bit grey"),
        pytest.param(draw_noise((32, 32, 3)), (32, 32, 3), id="colour"),
        pytest.param(draw_noise((32, 32, 4)), (32, 32, 3), id="colour and alpha"),
        pytest.param(draw_noise((32, 32, 2)), (32, 32), id="grey and alpha"),
    ],
)
def test_every_kind_of_png_becomes_8_bit_grey_or_colour(
    tmp_path: Path, array: NDArray[np.generic], shape: tuple[int, ...]
) -> None:
    save_picture(tmp_path / "image.png", array)
    save_picture(tmp_path / "mask.png", draw_square() * 255)

    (image,) = read_all(tmp_path, write_spec("image.png"))

    assert image.pixels.shape == shape
    assert image.pixels.dtype.name == "uint8"


def test_colour_in_16_bit_is_not_cut_to_its_upper_half(tmp_path: Path) -> None:
    """All values lie below 256 of 65,535, where Pillow would see nothing but black."""
    import cv2

    dark = draw_noise((32, 32, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "image.png"), dark[..., ::-1])
    save_picture(tmp_path / "mask.png", draw_square() * 255)

    (image,) = read_all(tmp_path, write_spec("image.png"))

    assert np.corrcoef(image.pixels.ravel(), dark.ravel())[0, 1] > 0.99


def test_an_x_ray_with_small_values_bright_is_turned(tmp_path: Path) -> None:
    dataset = make_dicom(draw_noise().astype(np.uint16), 0.0, "1.2.3")
    del dataset.ImagePositionPatient
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    save_picture(tmp_path / "mask.png", draw_square() * 255)

    (image,) = read_all(tmp_path, write_spec("image.dcm", "mask.png"))

    correlation = np.corrcoef(image.pixels.ravel(), draw_noise().ravel())[0, 1]
    assert correlation < -0.99


def test_frames_of_a_film_are_volumes_of_one_cluster(tmp_path: Path) -> None:
    film = draw_noise((16, 16, 3, 2))
    drawn = np.zeros((16, 16, 3, 2), np.uint8)
    drawn[2:12, 2:12, 1, 1] = 1
    save_nifti(tmp_path / "image.nii.gz", film)
    save_nifti(tmp_path / "mask.nii.gz", drawn)
    spec = write_spec("image.nii.gz", "", "object = 'lesion'\nframe = 'all'", "frame = 'all'")

    (image,) = read_all(tmp_path, spec)

    assert image.origin == "image.nii.gz frame 1 axial 1"


def test_instances_by_files_labels_and_pieces(tmp_path: Path) -> None:
    save_picture(tmp_path / "image.png", draw_noise())
    codes = draw_square(low=2, high=9)
    codes[20:28, 20:28], codes[2:9, 20:28] = 2, 2
    save_picture(tmp_path / "mask.png", codes)

    def count(meaning: str) -> int:
        (image,) = read_all(tmp_path, write_spec("image.png", "", meaning))
        return len(image.masks["cell"])

    labels = "labels = { '*' = 'cell' }"
    assert count(labels) == 1
    assert count(f"{labels}\ninstances = 'labels'") == 2
    assert count(f"{labels}\ninstances = 'components'") == 3
    assert count(f"{labels}\ninstances = 'files'") == 1


@given(
    drawn=arrays(np.bool_, st.tuples(*[st.integers(1, 5)] * 3)),
    plane=st.sampled_from(PLANES),
    data=st.data(),
)
def test_a_region_kept_as_its_box_is_cut_like_the_whole(
    drawn: NDArray[np.bool_], plane: Plane, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, drawn.shape[PLANES.index(plane)] - 1))

    parts = list(make_drawn_layer(drawn, ("lesion",), "").cut(plane, index))

    whole = take_slice(drawn, plane, index)
    assert len(parts) == 1 or not whole.any()
    assert all(np.array_equal(part.mask, whole) for part in parts)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy", "a.nrrd"])
def test_a_frame_of_a_format_that_holds_none_is_refused(name: str, tmp_path: Path) -> None:
    spec = FileSpec(files=name, frame=0)

    with pytest.raises(InputError, match="frame: is chosen, yet this format holds no frames"):
        read_raster(spec, [tmp_path / name], 0)
