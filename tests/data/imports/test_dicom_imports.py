"""DICOM from the import file to the image: both routes agree, and masks lie where they were."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.source import SourceImage
from tests.data.dicom_makers import item, make_enhanced, make_seg, place, save, shared_geometry
from tests.data.hostile import write_spec
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    make_dicom,
    save_picture,
    save_rtstruct,
)
from tests.import_files import iter_source_images

TILTED = [1.0, 0, 0, 0, 0.96592583, -0.25881905]


def _read(folder: Path, spec: str) -> list[SourceImage]:
    return list(iter_source_images(plan_import(parse_spec(spec, "spec.toml"), folder)))


def _save_volume(
    folder: Path, voxels: NDArray[np.uint16], heights_mm: list[float], **tags: object
) -> None:
    for i, (pixels, z_mm) in enumerate(zip(voxels, heights_mm, strict=True)):
        dataset = make_dicom(pixels, z_mm, f"1.2.{len(folder.name)}", **tags)
        dataset.SOPInstanceUID = generate_uid()
        save(dataset, folder / f"{i:02d}.dcm")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("space", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("normalisation", ["percentile", "minmax", "window 120/200"])
def test_a_picture_is_the_same_with_and_without_a_place(
    tmp_path: Path, normalisation: str, space: str, bits: int
) -> None:
    pixels = draw_noise().astype(np.uint8 if bits == 8 else np.uint16)
    dataset = make_dicom(pixels, 0.0, "1.2.3", PhotometricInterpretation=space)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelData, dataset.RescaleIntercept = pixels.tobytes(), 0
    save(dataset, tmp_path / "placed.dcm")
    del dataset.ImagePositionPatient
    save(dataset, tmp_path / "bare.dcm")
    save_picture(tmp_path / "mask.png", draw_square() * 255)
    more = f"normalisation = '{normalisation}'"

    (placed,) = _read(tmp_path, write_spec("placed.dcm", "mask.png", more=more))
    (bare,) = _read(tmp_path, write_spec("bare.dcm", "mask.png", more=more))

    assert np.array_equal(placed.pixels, bare.pixels)
    sign = np.corrcoef(bare.pixels.ravel(), draw_noise().ravel())[0, 1]
    assert sign > 0.9 if space == "MONOCHROME2" else sign < -0.9


def test_a_series_that_shows_small_values_bright_is_turned(tmp_path: Path) -> None:
    voxels = np.stack([draw_noise(seed=z).astype(np.uint16) for z in range(3)])
    for space in ("MONOCHROME1", "MONOCHROME2"):
        _save_volume(tmp_path / space, voxels, [0, 2, 4], PhotometricInterpretation=space)
        _save_volume(tmp_path / f"{space}-mask", draw_square((3, 32, 32)).astype(np.uint16),
                     [0, 2, 4], RescaleIntercept=0)  # fmt: skip

    turned, plain = (
        _read(tmp_path, write_spec(f"{space}/*.dcm", f"{space}-mask/*.dcm",
                                   more="normalisation = 'minmax'"))
        for space in ("MONOCHROME1", "MONOCHROME2")
    )  # fmt: skip

    for one, other in zip(turned, plain, strict=True):
        assert np.abs(one.pixels.astype(int) + other.pixels - 255).max() <= 1
        assert any("small values were bright" in note for note in one.notes)


def test_a_window_is_in_hounsfield_units_of_each_frame(tmp_path: Path) -> None:
    groups = [
        place([0.0, 0, z], PixelValueTransformationSequence=[
            item(RescaleSlope=1, RescaleIntercept=-1000 * (z // 2 + 1), RescaleType="HU")])
        for z in (2, 0)
    ]  # fmt: skip
    frames = np.stack([np.full((6, 8), value, np.uint16) for value in (2040, 1040)])
    save(make_enhanced(frames, groups), tmp_path / "image.dcm")
    seg = make_seg(draw_square((2, 6, 8), 0, 4), [place([0.0, 0, z]) for z in (0, 2)], {1: "A"})
    save(seg, tmp_path / "seg.dcm")
    spec = write_spec("image.dcm", "seg.dcm", "kind = 'dicom-seg'\nnames = { A = 'liver' }",
                      "normalisation = 'window 40/400'\nplane = 'axial'")  # fmt: skip

    images = _read(tmp_path, spec)

    assert [np.unique(image.pixels).tolist() for image in images] == [[128], [128]]
    assert [int(image.masks["liver"][0].sum()) for image in images] == [16, 16]


def test_contours_and_segments_on_a_tilted_series_lie_on_the_same_rows(tmp_path: Path) -> None:
    """The contour encloses rows 8 to 19 of every slice, by the position of each slice."""
    down = np.array(TILTED[3:])
    voxels = np.stack([draw_noise(seed=z).astype(np.uint16) for z in range(5)])
    _save_volume(tmp_path / "ct", voxels, [0, 4, 8, 12, 16], ImageOrientationPatient=TILTED)
    contours, places = [], []
    for z_mm in (0.0, 4.0, 8.0, 12.0, 16.0):
        corner = np.array([0.0, 0.0, z_mm])
        edges = [(7.5, 7.5), (19.5, 7.5), (19.5, 19.5), (7.5, 19.5)]
        points = [corner + [0.5 * x, 0, 0] + down * 0.5 * y for x, y in edges]
        contours.append(np.concatenate(points).tolist())
        places.append(place(corner))
    save_rtstruct(tmp_path / "rs.rt", {"A": contours})
    drawn = draw_square((5, 32, 32), 8, 20)
    drawn[:] = draw_square()
    save(make_seg(drawn, places, {1: "A"}, shared=shared_geometry(TILTED)), tmp_path / "seg")

    for masks, kind in (("rs.rt", "rtstruct"), ("seg", "dicom-seg")):
        meaning = f"kind = '{kind}'\nnames = {{ A = 'liver' }}"
        images = _read(tmp_path, write_spec("ct/*.dcm", masks, meaning, "plane = 'axial'"))

        assert len(images) == 5
        for image in images:
            assert np.array_equal(image.masks["liver"][0], draw_square() > 0)
            assert "slices shifted evenly" in image.notes[-1]


def _save_pair(folder: Path, heights_mm: list[float], drawn: NDArray[np.uint8]) -> str:
    """Write an image series of four slices and a series of masks; return the import file."""
    voxels = np.stack([draw_noise(seed=z).astype(np.uint16) for z in range(4)])
    _save_volume(folder / "ct", voxels, [0, 2, 4, 6])
    _save_volume(folder / "mask", drawn.astype(np.uint16), heights_mm, RescaleIntercept=0)
    return write_spec("ct/*.dcm", "mask/*.dcm")


def test_slices_of_a_mask_lie_by_position(tmp_path: Path) -> None:
    drawn = np.stack([draw_square(low=4 + z) for z in range(4)])
    spec = _save_pair(tmp_path, [6, 2, 0, 4], drawn)

    areas = [int(image.masks["lesion"][0].sum()) for image in _read(tmp_path, spec)]

    assert areas == [int(drawn[position].sum()) for position in (2, 1, 3, 0)]


@pytest.mark.parametrize(
    ("heights_mm", "message"),
    [
        ([2, 4, 6, 8], "geometry: lies elsewhere than its image"),
        ([2, 4, 6], "geometry: lies elsewhere than its image"),
        ([0, 2, 6], "slices are missing or shifted"),
        ([0, 2, 4, 4], "lies at the same place"),
    ],
)
def test_masks_with_shifted_or_missing_slices_are_refused(
    tmp_path: Path, heights_mm: list[float], message: str
) -> None:
    spec = _save_pair(tmp_path, heights_mm, draw_square((4, 32, 32), 0, 20)[: len(heights_mm)])

    with pytest.raises(InputError, match=message):
        _read(tmp_path, spec)


def test_a_mask_of_some_slices_is_put_by_position_when_resampled(tmp_path: Path) -> None:
    drawn = np.stack([draw_square(low=4 + z) for z in range(2)])
    spec = _save_pair(tmp_path, [4, 2], drawn)
    spec = spec.replace("modality = 'ct'", "modality = 'ct'\nresample = 'nearest'")

    images = _read(tmp_path, spec)

    assert [image.origin[-7:] for image in images] == ["axial 1", "axial 2"]
    assert np.array_equal(images[0].masks["lesion"][0], drawn[1] > 0)


def test_a_mask_that_shows_small_values_bright_needs_labels(tmp_path: Path) -> None:
    for name, pixels in (("image", draw_noise()), ("mask", draw_square())):
        dataset = make_dicom(pixels.astype(np.uint16), 0.0, "1.2.3", RescaleIntercept=0)
        dataset.PhotometricInterpretation = "MONOCHROME1"
        del dataset.ImagePositionPatient
        save(dataset, tmp_path / f"{name}.dcm")

    with pytest.raises(InputError, match="a mask's foreground is not sure"):
        _read(tmp_path, write_spec("image.dcm"))
    (image,) = _read(tmp_path, write_spec("image.dcm", "", "labels = { 1 = 'lesion' }"))
    assert np.array_equal(image.masks["lesion"][0], draw_square() > 0)


def test_each_folder_of_an_organ_is_a_series_of_masks(tmp_path: Path) -> None:
    voxels = np.stack([draw_noise(seed=z).astype(np.uint16) for z in range(3)])
    _save_volume(tmp_path / "p/ct", voxels, [0, 2, 4])
    for low, organ in ((4, "liver"), (6, "bone"), (8, "left kidney")):
        drawn = np.stack([draw_square(low=low + z) for z in range(3)])
        _save_volume(tmp_path / f"p/masks/{organ}", drawn.astype(np.uint16) * 255, [0, 2, 4],
                     RescaleIntercept=0)  # fmt: skip
    meaning = "name = '{organ}'\nnames = { liver = 'liver', '*kidney' = 'kidney' }\nskip = ['bone']"

    images = _read(tmp_path, write_spec("{p}/ct/*.dcm", "{p}/masks/{organ}/*.dcm", meaning))

    for z, image in enumerate(images):
        assert sorted(image.masks) == ["kidney", "liver"]
        assert np.array_equal(image.masks["liver"][0], draw_square(low=4 + z) > 0)
        assert np.array_equal(image.masks["kidney"][0], draw_square(low=8 + z) > 0)


def test_codes_in_a_series_of_masks_need_labels(tmp_path: Path) -> None:
    drawn = draw_square((4, 32, 32), 0, 20)
    drawn[:, 5:9, 5:9] = 2
    spec = _save_pair(tmp_path, [0, 2, 4, 6], drawn)

    with pytest.raises(InputError, match="object: stands for several codes"):
        _read(tmp_path, spec)
    labels = "labels = { 1 = 'liver', 2 = 'lesion' }"
    images = _read(tmp_path, write_spec("ct/*.dcm", "mask/*.dcm", labels))
    assert [int(image.masks["lesion"][0].sum()) for image in images] == [16] * 4


def test_a_mask_compressed_with_losses_needs_a_threshold(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(draw_square() * np.uint8(255)).save(file, "JPEG")
    for name in ("image", "mask"):
        dataset = make_dicom(draw_noise().astype(np.uint16), 0.0, "1.2.3", RescaleIntercept=0)
        del dataset.ImagePositionPatient
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        dataset.PixelData = encapsulate([file.getvalue()])
        dataset["PixelData"].is_undefined_length = True
        save(dataset, tmp_path / f"{name}.dcm")

    with pytest.raises(InputError, match="threshold: is needed for a mask in a lossy format"):
        _read(tmp_path, write_spec("image.dcm"))
    (image,) = _read(tmp_path, write_spec("image.dcm", "", "object = 'lesion'\nthreshold = 127"))
    assert np.array_equal(image.masks["lesion"][0], draw_square() > 0)


def test_another_frame_of_reference_is_taken_when_geometry_is_ignored(tmp_path: Path) -> None:
    voxels = np.stack([draw_noise(seed=z).astype(np.uint16) for z in range(2)])
    _save_volume(tmp_path / "ct", voxels, [0, 2], FrameOfReferenceUID="1.2.4")
    seg = make_seg(draw_square((2, 32, 32), 0, 20), [place([0.0, 0, z]) for z in (0, 2)],
                   {1: "A"}, FrameOfReferenceUID="1.2.5")  # fmt: skip
    save(seg, tmp_path / "seg")
    meaning = "kind = 'dicom-seg'\nnames = { A = 'liver' }"

    with pytest.raises(InputError, match="seg: FrameOfReferenceUID: differs"):
        _read(tmp_path, write_spec("ct/*.dcm", "seg", meaning))
    images = _read(tmp_path, write_spec("ct/*.dcm", "seg", meaning, "geometry = 'ignore'"))
    assert len(images) == 2


def test_segments_that_are_skipped_may_lie_anywhere(tmp_path: Path) -> None:
    voxels = np.stack([draw_noise(seed=z).astype(np.uint16) for z in range(2)])
    _save_volume(tmp_path / "ct", voxels, [0, 2])
    codes = draw_square((3, 32, 32), 0, 20)
    codes[2] *= 2
    groups = [place([0.0, 0, z]) for z in (0, 2, 50)]
    save(make_seg(codes, groups, {1: "A", 2: "B"}), tmp_path / "seg")
    meaning = "kind = 'dicom-seg'\nnames = { A = 'liver' }"

    with pytest.raises(InputError, match="means nothing: add it or skip it"):
        _read(tmp_path, write_spec("ct/*.dcm", "seg", meaning))
    images = _read(tmp_path, write_spec("ct/*.dcm", "seg", f"{meaning}\nskip = ['B']"))
    assert [int(image.masks["liver"][0].sum()) for image in images] == [400, 400]


def test_pixels_that_are_not_square_are_kept_and_said(tmp_path: Path) -> None:
    dataset = make_dicom(draw_noise().astype(np.uint16), 0.0, "1.2.3", PixelAspectRatio=[2, 1])
    del dataset.ImagePositionPatient
    save(dataset, tmp_path / "image.dcm")
    save_picture(tmp_path / "mask.png", draw_square() * 255)

    (image,) = _read(tmp_path, write_spec("image.dcm", "mask.png"))

    assert image.pixels.shape == (32, 32)
    assert image.notes[-1] == "pixels are not square, kept as they are"


def test_pictures_of_a_film_pair_with_the_pictures_of_a_mask(tmp_path: Path) -> None:
    film = np.stack([draw_noise((6, 8), seed=z).astype(np.uint16) for z in range(3)])
    drawn = np.stack([draw_square((6, 8), 0, 2 + z).astype(np.uint16) for z in range(3)])
    for name, frames in (("image", film), ("mask", drawn)):
        save(make_enhanced(frames, [Dataset()] * 3), tmp_path / f"{name}.dcm")
    spec = write_spec("image.dcm", "", "object = 'lesion'\nframe = 'all'", "frame = 'all'")

    images = _read(tmp_path, spec)

    assert [int(image.masks["lesion"][0].sum()) for image in images] == [4, 9, 16]
    for z, image in enumerate(images):
        assert np.corrcoef(image.pixels.ravel(), film[z].ravel())[0, 1] > 0.98


def test_files_without_a_place_are_stacked_by_name_when_asked(tmp_path: Path) -> None:
    for z in range(3):
        for name, pixels in (("image", draw_noise(seed=z)), ("mask", draw_square(low=5 + z))):
            dataset = make_dicom(pixels.astype(np.uint16), 0.0, "1.2.3", RescaleIntercept=0)
            del dataset.ImagePositionPatient
            save(dataset, tmp_path / f"{name}/{z}.dcm")
    stack = "stack = 'name'"

    with pytest.raises(InputError, match="ImagePositionPatient: is missing, so that the 3 files"):
        _read(tmp_path, write_spec("image/*.dcm"))
    images = _read(tmp_path, write_spec("image/*.dcm", "", f"object = 'lesion'\n{stack}", stack))

    assert [int(image.masks["lesion"][0].sum()) for image in images] == [15**2, 14**2, 13**2]
