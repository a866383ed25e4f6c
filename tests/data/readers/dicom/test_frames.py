"""Multi-frame files: each frame has its own place, values and volume."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.dicom.images import count_volumes, read_dicom
from tests.data.dicom_makers import (
    AXIAL,
    item,
    make_enhanced,
    number_slice,
    place,
    save,
    shared_geometry,
)

HEIGHTS_MM = (4.0, 0.0, 6.0, 2.0)
FRAMES = np.stack([number_slice(i) for i in range(4)])


def _rescale(slope: float, intercept: float) -> list[Dataset]:
    return [item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")]


def _places(*heights_mm: float) -> list[Dataset]:
    return [place([1.0, 2.0, z]) for z in heights_mm]


def test_frames_lie_by_position_and_each_has_its_own_rescale(tmp_path: Path) -> None:
    groups = [
        place([1.0, 2.0, z], PixelValueTransformationSequence=_rescale(1 + i, -1000.0 * i))
        for i, z in enumerate(HEIGHTS_MM)
    ]
    path = save(make_enhanced(FRAMES, groups), tmp_path / "a.dcm")

    image = read_dicom([path])

    for z, i in enumerate((1, 3, 0, 2)):
        assert np.array_equal(image.array[z], number_slice(i) * (1.0 + i) - 1000 * i)
    assert image.affine_lps == pytest.approx(
        np.array([[0.5, 0, 0, 1], [0, 0.5, 0, 2], [0, 0, 2, 0], [0, 0, 0, 1]])
    )
    assert image.identity is not None
    assert [number for _, number in image.identity.slices] == [2, 4, 1, 3]


def test_highdicom_sees_the_same_volume(tmp_path: Path) -> None:
    shared = shared_geometry([0.0, 1, 0, 0, 0, -1], (0.7, 0.4))
    shared.PixelValueTransformationSequence = _rescale(2.0, -500.0)
    groups = [place([x, 2.0, 3.0]) for x in HEIGHTS_MM]
    content = {
        "DimensionIndexSequence": [
            item(DimensionIndexPointer=0x00200032, FunctionalGroupPointer=0x00209113)
        ]
    }
    for number, group in enumerate(groups):
        group.FrameContentSequence = [item(DimensionIndexValues=[number + 1])]
    dataset = make_enhanced(FRAMES, groups, shared, **content)
    path = save(dataset, tmp_path / "a.dcm")
    for name in ("StudyInstanceUID", "FrameOfReferenceUID"):
        setattr(dataset, name, "1.2.4")
    other = hd.Image.from_dataset(dataset, copy=False).get_volume()
    if other.unit_vectors()[0] @ [-1, 0, 0] > 0:
        other = other.flip_spatial(0)

    image = read_dicom([path])

    assert image.affine_lps is not None
    theirs = {tuple(np.round(other.affine @ (z, 0, 0, 1), 6)): other.array[z] for z in range(4)}
    for z in range(4):
        mine = tuple(np.round(image.affine_lps @ (0, 0, z, 1), 6))
        assert np.array_equal(image.array[z], theirs[mine])


def test_a_tilted_multi_frame_file_is_sheared_like_a_tilted_series(tmp_path: Path) -> None:
    shared = shared_geometry([1.0, 0, 0, 0, 0.96592583, -0.25881905])
    path = save(make_enhanced(FRAMES, _places(*HEIGHTS_MM), shared), tmp_path / "a.dcm")

    image = read_dicom([path])

    assert image.affine_lps is not None
    assert image.affine_lps @ [0, 0, 3, 1] == pytest.approx([1, 2, 6, 1])


@pytest.mark.parametrize(
    ("heights_mm", "message"),
    [
        ((0.0, 2.0, 6.0, 8.0), r"frame 2: ImagePositionPatient: is unevenly far from .*frame 1"),
        ((0.0, 2.0, 2.0, 4.0), "no dimension index tells them apart"),
    ],
)
def test_frames_that_form_no_even_stack_are_refused(
    tmp_path: Path, heights_mm: tuple[float, ...], message: str
) -> None:
    path = save(make_enhanced(FRAMES, _places(*heights_mm)), tmp_path / "a.dcm")

    with pytest.raises(InputError, match=message):
        read_dicom([path])


def test_volumes_at_one_place_are_told_apart_by_the_dimension_index(tmp_path: Path) -> None:
    """Two times, stored slice by slice and the later time first."""
    groups = _places(0.0, 0.0, 2.0, 2.0)
    for group, index in zip(groups, ([2, 1], [1, 1], [2, 2], [1, 2]), strict=True):
        group.FrameContentSequence = [item(DimensionIndexValues=index)]
    dimensions = [item(DimensionIndexPointer=tag) for tag in (0x00209128, 0x00209057)]
    dataset = make_enhanced(FRAMES, groups, DimensionIndexSequence=dimensions)
    path = save(dataset, tmp_path / "a.dcm")

    with pytest.raises(InputError, match="frame: has to be chosen among 2 volumes"):
        read_dicom([path])
    assert count_volumes(path) == 2
    assert np.array_equal(read_dicom([path], 0).array, FRAMES[[1, 3]])
    assert np.array_equal(read_dicom([path], 1).array, FRAMES[[0, 2]])
    with pytest.raises(InputError, match="frame: is not in the file"):
        read_dicom([path], 2)


def test_stacks_in_two_directions_are_two_volumes(tmp_path: Path) -> None:
    sagittal = [item(ImageOrientationPatient=[0.0, 1, 0, 0, 0, -1])]
    groups = [*_places(0.0, 2.0), *(place([x, 0, 0], PlaneOrientationSequence=sagittal)
                                    for x in (0.0, 3.0))]  # fmt: skip
    for group, index in zip(groups, ([1, 1], [1, 2], [2, 1], [2, 2]), strict=True):
        group.FrameContentSequence = [item(DimensionIndexValues=index)]
    dimensions = [item(DimensionIndexPointer=tag) for tag in (0x00209056, 0x00209057)]
    dataset = make_enhanced(FRAMES, groups, DimensionIndexSequence=dimensions)
    path = save(dataset, tmp_path / "a.dcm")

    assert np.array_equal(read_dicom([path], 0).array, FRAMES[:2])
    # The normal of the second stack points to the right of the patient.
    assert np.array_equal(read_dicom([path], 1).array, FRAMES[[3, 2]])


def test_frames_without_a_place_are_a_stack_in_their_order(tmp_path: Path) -> None:
    path = save(make_enhanced(FRAMES, [Dataset() for _ in FRAMES]), tmp_path / "a.dcm")

    image = read_dicom([path])

    assert image.affine_lps is None
    assert np.array_equal(image.array, FRAMES)
    assert np.array_equal(read_dicom([path], 2).array, FRAMES[2])


def test_frames_of_which_some_have_a_place_are_refused(tmp_path: Path) -> None:
    groups = [*_places(*HEIGHTS_MM[:3]), Dataset()]
    path = save(make_enhanced(FRAMES, groups), tmp_path / "a.dcm")

    with pytest.raises(InputError, match=r"gives the place of some frames only \(got 3 of 4\)"):
        read_dicom([path])


def test_positions_without_the_size_of_pixels_are_refused(tmp_path: Path) -> None:
    shared = item(PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)])
    path = save(make_enhanced(FRAMES, _places(*HEIGHTS_MM), shared), tmp_path / "a.dcm")

    with pytest.raises(InputError, match="or PixelSpacing is missing beside the positions"):
        read_dicom([path])


def test_files_of_one_frame_with_its_place_in_groups_are_a_series(tmp_path: Path) -> None:
    paths = []
    for i, z_mm in enumerate(HEIGHTS_MM):
        group = place([1.0, 2.0, z_mm], PixelValueTransformationSequence=_rescale(2.0, float(i)))
        paths.append(save(make_enhanced(FRAMES[i : i + 1], [group]), tmp_path / f"{i}.dcm"))

    image = read_dicom(paths)

    for z, i in enumerate((1, 3, 0, 2)):
        assert np.array_equal(image.array[z], number_slice(i) * 2.0 + i)


def test_frames_of_an_ultrasound_volume_are_ordered_and_have_no_place(tmp_path: Path) -> None:
    groups = [
        item(PlanePositionVolumeSequence=[item(ImagePositionVolume=[0.0, 0.0, z])])
        for z in HEIGHTS_MM
    ]
    shared = item(
        PlaneOrientationVolumeSequence=[item(ImageOrientationVolume=AXIAL)],
        PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.5])],
    )
    path = save(make_enhanced(FRAMES, groups, shared), tmp_path / "a.dcm")

    image = read_dicom([path])

    assert image.affine_lps is None
    assert np.array_equal(image.array, FRAMES[[1, 3, 0, 2]])


def test_pictures_of_a_film_in_colour_are_chosen_by_frame(tmp_path: Path) -> None:
    film = np.random.default_rng(0).integers(0, 255, (3, 6, 8, 3), np.uint8)
    dataset = make_enhanced(FRAMES[:3], [Dataset() for _ in range(3)])
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = film.transpose(0, 3, 1, 2).tobytes()
    path = save(dataset, tmp_path / "a.dcm")

    with pytest.raises(InputError, match="frame: has to be chosen among 3 pictures"):
        read_dicom([path])
    assert count_volumes(path) == 3
    assert np.array_equal(read_dicom([path], 1).array, film[1])


def test_several_multi_frame_files_are_no_series(tmp_path: Path) -> None:
    dataset = make_enhanced(FRAMES, _places(*HEIGHTS_MM))
    paths = [save(dataset, tmp_path / name) for name in ("a.dcm", "b.dcm")]

    with pytest.raises(InputError, match="NumberOfFrames: makes a volume of its own, among 2"):
        read_dicom(paths)


def test_tiles_of_a_slide_are_refused(tmp_path: Path) -> None:
    dataset = make_enhanced(FRAMES, [Dataset() for _ in FRAMES], TotalPixelMatrixRows=100)

    with pytest.raises(InputError, match="are tiles of a slide"):
        read_dicom([save(dataset, tmp_path / "a.dcm")])


def test_a_grid_of_doses_is_no_image(tmp_path: Path) -> None:
    doses = make_enhanced(FRAMES, [Dataset() for _ in FRAMES], GridFrameOffsetVector=[0, 1, 2, 3])

    with pytest.raises(InputError, match="makes it a grid of doses"):
        read_dicom([save(doses, tmp_path / "a.dcm")])


def test_a_frame_less_than_promised_is_refused(tmp_path: Path) -> None:
    dataset = make_enhanced(FRAMES[:3], _places(*HEIGHTS_MM[:3]), NumberOfFrames=4)
    path = save(dataset, tmp_path / "a.dcm")

    assert pydicom.dcmread(path).NumberOfFrames == 4
    with pytest.raises(InputError, match="pixels: cannot be read"):
        read_dicom([path])
