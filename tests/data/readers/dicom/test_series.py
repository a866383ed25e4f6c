"""Series of single-frame files: slices lie where their positions say, or are refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.uid import MediaStorageDirectoryStorage

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.dicom.images import read_dicom
from cosmos_board.data.volumes import Voxels
from tests.data.dicom_makers import AXIAL, number_slice, save_slices
from tests.data.raw_files import make_dicom, save_rtstruct, save_series

STRAIGHT = [[0.0, 0.0, 2.0 * z] for z in range(5)]


def _first_values(voxels: Voxels) -> list[int]:
    return [int(slice_[0, 0]) for slice_ in voxels]


def test_slices_lie_by_position_whatever_their_names(tmp_path: Path) -> None:
    corners = [[0.0, 0.0, z] for z in (4.0, 0.0, 6.0, 2.0)]
    paths = save_slices(tmp_path, corners)

    image = read_dicom(random.Random(0).sample(paths, len(paths)))

    assert _first_values(image.array) == [1, 3, 0, 2]


@pytest.mark.parametrize(
    "orientation", [[1.0, 0, 0, 0, 1, 0], [0.0, 1, 0, 0, 0, -1], [0.6, 0.8, 0, 0, 0, -1]]
)
def test_place_and_values_equal_those_of_simpleitk(
    tmp_path: Path, orientation: list[float]
) -> None:
    normal = np.cross(orientation[:3], orientation[3:])
    corners = [[10.0, -20.0, 30.0] + normal * 2.5 * z for z in (2, 0, 3, 1)]
    paths = save_slices(
        tmp_path, corners, ImageOrientationPatient=orientation, PixelSpacing=[0.7, 0.4]
    )
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    other = reader.Execute()

    volume = read_dicom(paths).volume

    assert np.array_equal(volume.voxels, sitk.GetArrayFromImage(other))
    for index in ((0, 0, 0), (7, 5, 3), (2, 1, 1)):
        place = volume.affine_lps @ (*index, 1)
        assert place[:3] == pytest.approx(other.TransformIndexToPhysicalPoint(index))


def test_a_gantry_tilt_keeps_every_slice_at_its_position(tmp_path: Path) -> None:
    angle = np.deg2rad(15)
    orientation = [1.0, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]
    paths = save_slices(tmp_path, [[-4, -3, 100 + 5.0 * z] for z in range(6)],
                        ImageOrientationPatient=orientation)  # fmt: skip

    image = read_dicom(paths)

    assert image.affine_lps is not None
    assert "gantry tilt" in image.notes[-1]
    for z in range(6):
        assert image.affine_lps @ [0, 0, z, 1] == pytest.approx([-4, -3, 100 + 5.0 * z, 1])


def test_rounding_of_positions_and_directions_is_no_drift_and_no_refusal(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    corners = [[0.0, 0.0, 0.625 * z] + rng.uniform(-1, 1, 3) * 2e-3 for z in range(40)]
    directions = tuple(
        (np.array([1.0, 0, 0, 0, 1, 0]) + rng.uniform(-1, 1, 6) * 1e-5).tolist() for _ in corners
    )
    paths = save_slices(tmp_path, corners, ImageOrientationPatient=directions,
                        PixelSpacing=tuple([0.5, 0.5 + i * 1e-7] for i in range(40)))  # fmt: skip

    image = read_dicom(paths)

    assert image.affine_lps is not None
    assert not image.notes
    assert image.affine_lps[:3, 2] == pytest.approx([0, 0, 0.625], abs=1e-3)


def test_a_spacing_of_a_micrometre_is_read_and_a_gap_in_it_seen(tmp_path: Path) -> None:
    corners = [[0.0, 0.0, 0.001 * z] for z in range(6)]
    paths = save_slices(tmp_path, corners, PixelSpacing=[0.0005, 0.0005])

    volume = read_dicom(paths).volume

    assert volume.spacing_mm == pytest.approx((0.001, 0.0005, 0.0005))
    with pytest.raises(InputError, match="slices are missing or shifted"):
        read_dicom(paths[:2] + paths[3:])


def _with(**changes: object) -> dict[str, object]:
    return changes


@pytest.mark.parametrize(
    ("corners", "tags", "message"),
    [
        pytest.param(
            STRAIGHT[:2] + STRAIGHT[3:], {},
            "02.dcm: ImagePositionPatient: is unevenly far from .*01.dcm: slices are missing or "
            r"shifted \(got 4 mm, want 2 mm\)", id="a missing slice",
        ),
        pytest.param(
            [[0.0, 0, z] for z in (0, 2, 4.3, 6, 8)], {}, "slices are missing or shifted",
            id="a slice out of step",
        ),
        pytest.param(
            [[0.0, 0, z] for z in (0, 2, 4, 7, 10, 13)], {}, "slices are missing or shifted",
            id="two spacings",
        ),
        pytest.param(
            [*STRAIGHT, STRAIGHT[2]], {}, "lies at the same place as .*02.dcm", id="a slice twice"
        ),
        pytest.param(
            STRAIGHT * 2, {}, "lies at the same place as", id="two acquisitions at one place"
        ),
        pytest.param(
            [[0.0, 0, 0]] * 3, {}, "lies at the same place as", id="all at one place"
        ),
        pytest.param(
            [[0.0, 0, 0], [0.0, 0, 2], [1.0, 0, 4], [0.0, 0, 6]], {},
            "is shifted within its plane against", id="a slice shifted sideways",
        ),
        pytest.param(
            [[0.0, 0.1 * z * z, 2.0 * z] for z in range(5)], {},
            "is shifted within its plane against", id="a bent stack",
        ),
        pytest.param(
            STRAIGHT, _with(SeriesInstanceUID=("1.2.3", "1.2.3", "1.2.9", "1.2.3", "1.2.3")),
            "02.dcm: SeriesInstanceUID: differs from the other slices", id="two series",
        ),
        pytest.param(
            STRAIGHT,
            _with(ImageOrientationPatient=(*[AXIAL] * 4, [1.0, 0, 0, 0, 0, -1])),
            "04.dcm: ImageOrientationPatient: differs", id="two directions",
        ),
        pytest.param(
            STRAIGHT, _with(PixelSpacing=tuple([[0.5, 0.5]] * 4 + [[0.6, 0.5]])),
            "04.dcm: PixelSpacing: differs", id="two sizes of pixels",
        ),
        pytest.param(
            STRAIGHT,
            _with(PhotometricInterpretation=tuple(["MONOCHROME2"] * 4 + ["MONOCHROME1"])),
            "04.dcm: PhotometricInterpretation: differs", id="some turned",
        ),
        pytest.param(
            STRAIGHT, _with(ImageType=tuple([["ORIGINAL", "PRIMARY", "LOCALIZER"]]
                                            + [["ORIGINAL", "PRIMARY", "AXIAL"]] * 4)),
            "00.dcm: ImageType: is LOCALIZER", id="a localizer among them",
        ),
        pytest.param(
            STRAIGHT, _with(PixelSpacing=[0.5, 0.0]), "PixelSpacing: is no distance", id="no width"
        ),
        pytest.param(
            STRAIGHT, _with(PixelSpacing=[-0.5, 0.5]), "PixelSpacing: is no distance",
            id="negative",
        ),
        pytest.param(
            STRAIGHT, _with(ImageOrientationPatient=[1.0, 0, 0, 1, 0, 0]),
            "ImageOrientationPatient: is no pair of perpendicular directions", id="one direction",
        ),
        pytest.param(
            STRAIGHT, _with(ImagePositionPatient=tuple([*STRAIGHT[:4], None])),
            "04.dcm: ImagePositionPatient: is missing", id="one without a place",
        ),
    ],
)  # fmt: skip
def test_what_is_no_even_stack_of_one_series_is_refused(
    tmp_path: Path, corners: list[list[float]], tags: dict[str, object], message: str
) -> None:
    paths = save_slices(tmp_path, corners, **tags)

    with pytest.raises(InputError, match=message) as caught:
        read_dicom(paths)

    assert str(caught.value).isprintable()


def test_slices_of_another_size_are_refused(tmp_path: Path) -> None:
    paths = save_slices(tmp_path, STRAIGHT)
    other = make_dicom(number_slice(0)[:4], 10.0, "1.2.3", ImagePositionPatient=[0.0, 0, 10])
    other.save_as(tmp_path / "05.dcm", enforce_file_format=True)

    with pytest.raises(InputError, match=r"05.dcm: Rows: differs .*got 4, want 6"):
        read_dicom([*paths, tmp_path / "05.dcm"])


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    slopes = (1.0, 2.5, 0.1)
    paths = save_slices(tmp_path, STRAIGHT[:3], RescaleSlope=slopes, RescaleIntercept=0)

    volume = read_dicom(paths).volume

    for z, slope in enumerate(slopes):
        assert volume.voxels[z] == pytest.approx(number_slice(z) * slope)


@pytest.mark.parametrize(
    ("tags", "thickness_mm"),
    [
        ({}, 1.0),
        ({"SliceThickness": 5.0}, 5.0),
        ({"SliceThickness": 5.0, "SpacingBetweenSlices": 6.0}, 6.0),
        ({"SliceThickness": 0.0, "SpacingBetweenSlices": -3.0}, 1.0),
    ],
)
def test_one_slice_is_as_thick_as_it_says(
    tmp_path: Path, tags: dict[str, object], thickness_mm: float
) -> None:
    volume = read_dicom(save_slices(tmp_path, STRAIGHT[:1], **tags)).volume

    assert volume.spacing_mm == pytest.approx((thickness_mm, 0.5, 0.5))


def test_objects_that_are_no_images_are_named(tmp_path: Path) -> None:
    save_series(tmp_path / "ct")
    save_rtstruct(tmp_path / "ct/rs.dcm", {})
    files = sorted((tmp_path / "ct").glob("*.dcm"))

    with pytest.raises(InputError, match=r"rs.dcm: SOPClassUID: holds no image \(got RT Structure"):
        read_dicom(files)


def test_a_directory_of_dicom_files_is_no_image(tmp_path: Path) -> None:
    dataset = make_dicom(number_slice(0), 0.0, "1.2.3")
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    for name in ("SOPClassUID", "Rows", "Columns", "PixelData"):
        delattr(dataset, name)
    pydicom.dcmwrite(tmp_path / "DICOMDIR", dataset)

    with pytest.raises(InputError, match=r"holds no image \(got Media Storage Directory"):
        read_dicom([tmp_path / "DICOMDIR"])


def test_a_file_without_preamble_and_meta_header_is_read(tmp_path: Path) -> None:
    (good,) = save_slices(tmp_path, STRAIGHT[:1])
    dataset = pydicom.dcmread(good)
    bare = tmp_path / "bare.dcm"
    for implicit, little in ((True, True), (False, True), (False, False)):
        pixels = dataset.pixel_array.astype("<u2" if little else ">u2")
        dataset.PixelData = pixels.tobytes()
        with bare.open("wb") as file:
            pydicom.filewriter.write_dataset(_plain(file, implicit, little), dataset)

        assert np.array_equal(read_dicom([bare]).array, read_dicom([good]).array)


def _plain(file: BinaryIO, implicit: bool, little: bool) -> pydicom.filebase.DicomIO:
    plain = pydicom.filebase.DicomFileLike(file)
    plain.is_implicit_VR, plain.is_little_endian = implicit, little
    return plain


def test_text_is_no_dicom_file(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_text("PatientName: none\n" * 40)

    with pytest.raises(InputError, match="is damaged or no DICOM file"):
        read_dicom([path])
