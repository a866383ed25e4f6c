"""DICOM SEG: every frame is drawn on the voxels it was drawn on by its author, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import SurfaceSegmentationStorage

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.dicom.images import read_dicom
from cosmos_board.data.readers.dicom.seg import read_dicom_seg
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.readers.regions.region import Region
from cosmos_board.data.volumes import Volume
from tests.data.dicom_makers import (
    AXIAL,
    COLUMNS,
    FRAME_OF_REFERENCE,
    ROWS,
    identify_segment,
    item,
    make_seg,
    place,
    save,
    save_highdicom_seg,
    save_slices,
    shared_geometry,
)

DEPTH = 4
TILTED = [1.0, 0, 0, 0, 0.96592583, -0.25881905]


def _draw(seed: int = 0) -> NDArray[np.bool_]:
    """Return a region without symmetry, axes (Z, Y, X)."""
    return np.random.default_rng(seed).random((DEPTH, ROWS, COLUMNS)) < 0.4


def _save_image(folder: Path, orientation: list[float] = AXIAL) -> tuple[Raster, list[Path]]:
    """Write a series at z = 0, 2, 4, 6 mm, its files against the order of its slices."""
    paths = save_slices(folder / "ct", [[1.0, 2.0, z] for z in (6.0, 4.0, 2.0, 0.0)],
                        ImageOrientationPatient=orientation)  # fmt: skip
    return read_dicom(paths), paths


def _read(path: Path, image: Raster) -> list[Region]:
    assert image.affine_lps is not None
    return list(read_dicom_seg(path, Volume(image.array, image.affine_lps), image.identity))


def _places(number: int | None = None) -> list[Dataset]:
    groups: dict[str, Any] = {}
    if number is not None:
        groups["SegmentIdentificationSequence"] = identify_segment(number)
    return [place([1.0, 2.0, 2.0 * z], **groups) for z in range(DEPTH)]


def test_binary_segments_with_gaps_overlaps_and_equal_labels_stay_apart(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    drawn = {2: _draw(0), 5: _draw(1), 9: _draw(2)}
    groups = [group for number in drawn for group in _places(number)]
    labels = {9: "Liver", 2: "Liver", 5: "Spleen"}
    seg = make_seg(np.concatenate(list(drawn.values())), groups, labels, "BINARY")

    segments = _read(save(seg, tmp_path / "seg"), image)

    assert [(s.number, s.name) for s in segments] == [(2, "Liver"), (5, "Spleen"), (9, "Liver")]
    for segment in segments:
        assert np.array_equal(segment.drawn, drawn[segment.number])


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("orientation", [AXIAL, TILTED, [0.0, 1, 0, 0, 0, -1]])
def test_segments_of_highdicom_lie_where_it_drew_them(
    tmp_path: Path, kind: str, orientation: list[float]
) -> None:
    """Empty frames are left out; slices go to highdicom in the order of their files."""
    normal = np.cross(orientation[:3], orientation[3:])
    step = np.array([0.0, 0, 2]) if orientation == TILTED else 2 * normal
    corners = [[1.0, 2.0, 3.0] + step * z for z in (3, 2, 1, 0)]
    paths = save_slices(tmp_path / "ct", corners, ImageOrientationPatient=orientation)
    first = _draw(0)
    first[2] = False
    second = _draw(1) & ~first
    fraction = np.float32(0.7) if kind == "FRACTIONAL" else np.uint8(1)
    masks = np.stack([first, second], -1)[::-1] * fraction
    path = save_highdicom_seg(tmp_path / "seg", paths, masks, kind, ["A", "B"])

    one, other = _read(path, read_dicom(paths))

    assert (one.name, other.name) == ("A", "B")
    assert np.array_equal(one.drawn, first)
    assert np.array_equal(other.drawn, second)


def test_highdicom_reads_the_same_segments(tmp_path: Path) -> None:
    """Both read one label map; highdicom is asked for the slices by their instance numbers."""
    image, paths = _save_image(tmp_path)
    codes = np.where(_draw(0), 1, np.where(_draw(1), 2, 0)).astype(np.uint8)
    path = save_highdicom_seg(tmp_path / "seg", paths, codes[::-1], "LABELMAP", ["A", "B"])
    assert pydicom.dcmread(path).SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.7"
    uids = [pydicom.dcmread(file).SOPInstanceUID for file in reversed(paths)]

    theirs = hd.seg.segread(path).get_pixels_by_source_instance(uids)

    for segment in _read(path, image):
        assert np.array_equal(segment.drawn, theirs[..., segment.number - 1] > 0)
        assert np.array_equal(segment.drawn, codes == segment.number)


@pytest.mark.parametrize("kind", ["PROBABILITY", "OCCUPANCY"])
def test_fractions_are_cut_at_half_of_their_largest_value(tmp_path: Path, kind: str) -> None:
    image, _ = _save_image(tmp_path)
    values = np.random.default_rng(0).integers(0, 201, (DEPTH, ROWS, COLUMNS))
    seg = make_seg(values, _places(1), {1: "A"}, "FRACTIONAL", MaximumFractionalValue=200,
                   SegmentationFractionalType=kind)  # fmt: skip

    (segment,) = _read(save(seg, tmp_path / "seg"), image)

    assert np.array_equal(segment.drawn, values > 100)


@pytest.mark.parametrize("tags", [{}, {"MaximumFractionalValue": 100}])
def test_fractions_without_a_true_largest_value_are_refused(
    tmp_path: Path, tags: dict[str, Any]
) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw() * 200, _places(1), {1: "A"}, "FRACTIONAL", **tags)

    with pytest.raises(InputError, match="MaximumFractionalValue: is missing or below a value"):
        _read(save(seg, tmp_path / "seg"), image)


def test_the_background_of_a_label_map_is_no_segment(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    codes = np.where(_draw(0), 7, np.where(_draw(1), 3, 255))
    labels = {255: "Background", 3: "A", 7: "B"}
    seg = make_seg(codes, _places(), labels, PixelPaddingValue=255)

    segments = _read(save(seg, tmp_path / "seg"), image)

    assert [segment.number for segment in segments] == [3, 7]
    for segment in segments:
        assert np.array_equal(segment.drawn, codes == segment.number)


def test_one_frame_needs_no_number_of_frames(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw()[2:3], _places(1)[2:3], {1: "A"}, "BINARY")
    del seg.NumberOfFrames

    (segment,) = _read(save(seg, tmp_path / "seg"), image)

    assert np.array_equal(segment.drawn[2], _draw()[2])
    assert not segment.drawn[[0, 1, 3]].any()


def _store(
    drawn: NDArray[np.bool_], axes: tuple[int, int, int], flips: tuple[int, ...]
) -> tuple[NDArray[np.bool_], list[Dataset], Dataset]:
    """Return frames, places and shared groups of a region stored along other axes.

    Args:
        drawn: Axes (Z, Y, X) of the image.
        axes: Of `drawn`, which become (frame, row, column).
        flips: Of the stored axes, which are reversed.
    """
    spacing_mm = np.array([2.0, 0.5, 0.5])[list(axes)]
    directions = np.eye(3)[[2, 1, 0]][list(axes)]
    corner = np.array([1.0, 2.0, 0.0])
    frames = drawn.transpose(axes)
    for axis in flips:
        corner = corner + directions[axis] * spacing_mm[axis] * (frames.shape[axis] - 1)
        directions[axis] *= -1
        frames = np.flip(frames, axis)
    shared = shared_geometry([*directions[2], *directions[1]], spacing_mm[1:].tolist())
    places = [
        place(corner + directions[0] * spacing_mm[0] * position) for position in range(len(frames))
    ]
    return frames, places, shared


@pytest.mark.parametrize("flips", [(), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0)])
def test_frames_stored_along_other_axes_are_turned(
    tmp_path: Path, axes: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    image, _ = _save_image(tmp_path)
    frames, places, shared = _store(_draw(), axes, flips)
    seg = make_seg(frames, places, {1: "A"}, shared=shared)
    seg.Rows, seg.Columns = frames.shape[1:]

    (segment,) = _read(save(seg, tmp_path / "seg"), image)

    assert np.array_equal(segment.drawn, _draw())


def test_frames_that_cover_a_part_of_the_slices_are_put_where_they_lie(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    part = _draw()[:, 2:5, 1:6]
    places = [place([1.5, 3.0, 2.0 * z]) for z in range(DEPTH)]
    seg = make_seg(part, places, {1: "A"})
    seg.Rows, seg.Columns = part.shape[1:]

    (segment,) = _read(save(seg, tmp_path / "seg"), image)

    assert np.array_equal(segment.drawn[:, 2:5, 1:6], part)
    assert segment.drawn.sum() == part.sum()


def _turn(degrees: float) -> list[float]:
    angle = np.deg2rad(degrees)
    return [float(np.cos(angle)), float(np.sin(angle)), 0, float(-np.sin(angle)),
            float(np.cos(angle)), 0]  # fmt: skip


@pytest.mark.parametrize(
    ("corner", "shared", "message"),
    [
        ([1.0, 2.0, 3.0], {}, r"frame 0: ImagePositionPatient: lies on no slice.*\[1.5, 0"),
        ([1.25, 2.0, 2.0], {}, "lies on no slice of the series"),
        ([1.0, 2.0, 8.0], {}, r"is drawn outside of the series \(got voxels \[4, "),
        ([3.0, 2.0, 2.0], {}, "is drawn outside of the series"),
        ([1.0, 2.0, 2.0], {"spacing": (1.0, 1.0)}, "lies on no slice of the series"),
        ([1.0, 2.0, 2.0], {"orientation": _turn(10)}, "lies on no slice of the series"),
        ([1.0, 2.0, 2.0], {"orientation": TILTED}, "lies on no slice of the series"),
    ],
    ids=["between slices", "half a pixel off", "above", "beside", "larger pixels", "turned",
         "tilted"],
)  # fmt: skip
def test_frames_that_lie_on_no_voxels_are_refused(
    tmp_path: Path, corner: list[float], shared: dict[str, Any], message: str
) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw()[:1], [place(corner)], {1: "A"}, shared=shared_geometry(**shared))

    with pytest.raises(InputError, match=message) as caught:
        _read(save(seg, tmp_path / "seg"), image)

    assert str(caught.value).isprintable()


def test_an_empty_frame_may_lie_outside_of_the_series(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    frames = np.concatenate([_draw(), np.zeros((1, ROWS, COLUMNS), np.bool_)])
    seg = make_seg(frames, [*_places(), place([1.0, 2.0, 99.0])], {1: "A"})

    (segment,) = _read(save(seg, tmp_path / "seg"), image)

    assert np.array_equal(segment.drawn, _draw())


def test_another_frame_of_reference_is_refused_unless_it_is_left_out(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw(), _places(), {1: "A"}, FrameOfReferenceUID="1.2.99")
    path = save(seg, tmp_path / "seg")

    with pytest.raises(InputError, match="FrameOfReferenceUID: differs from that of the image"):
        _read(path, image)
    assert image.identity is not None
    unnamed = replace(image, identity=replace(image.identity, frame_of_reference_uid=""))
    assert np.array_equal(_read(path, unnamed)[0].drawn, _draw())
    seg.FrameOfReferenceUID = FRAME_OF_REFERENCE
    assert np.array_equal(_read(save(seg, path), image)[0].drawn, _draw())


def _name_source(uid: str) -> Dataset:
    source = item(ReferencedSOPInstanceUID=uid)
    return item(DerivationImageSequence=[item(SourceImageSequence=[source])])


def test_frames_without_a_place_lie_on_the_slice_that_they_name(tmp_path: Path) -> None:
    image, paths = _save_image(tmp_path)
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in reversed(paths)]
    groups = [_name_source(uids[z]) for z in (3, 1)]
    path = save(make_seg(_draw()[[3, 1]], groups, {1: "A"}, shared=Dataset()), tmp_path / "seg")

    (segment,) = _read(path, image)

    assert np.array_equal(segment.drawn[[1, 3]], _draw()[[1, 3]])
    assert not segment.drawn[[0, 2]].any()


def test_frames_that_name_no_slice_and_no_place_are_refused(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw()[:1], [_name_source("1.2.3.4.5")], {1: "A"}, shared=Dataset())

    with pytest.raises(InputError, match="is missing, and frame 0 names no slice of the image"):
        _read(save(seg, tmp_path / "seg"), image)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"SegmentationType": "SURFACE"}, "SegmentationType: is not read"),
        ({"SOPClassUID": SurfaceSegmentationStorage}, "SegmentationType: is not read"),
        ({"NumberOfFrames": 3}, r"differs from the frames that are described \(got 3, want 4\)"),
        ({"SegmentSequence": [item(SegmentNumber=2, SegmentLabel="B")]},
         r"does not describe a segment that is drawn \(got 1, want \[2\]\)"),
        ({"SegmentSequence": [item(SegmentNumber=1, SegmentLabel="B")] * 2}, "is given twice"),
        ({"PerFrameFunctionalGroupsSequence": _places(None)}, "SegmentIdentificationSequence"),
    ],
)  # fmt: skip
def test_a_seg_that_contradicts_itself_is_refused(
    tmp_path: Path, tags: dict[str, Any], message: str
) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw(), _places(1), {1: "A"}, "BINARY", **tags)

    with pytest.raises(InputError, match=message):
        _read(save(seg, tmp_path / "seg"), image)


def test_a_value_of_a_label_map_that_is_not_described_is_refused(tmp_path: Path) -> None:
    image, _ = _save_image(tmp_path)
    seg = make_seg(_draw() * 4, _places(), {1: "A"})

    with pytest.raises(InputError, match="does not describe a segment that is drawn"):
        _read(save(seg, tmp_path / "seg"), image)


def test_a_seg_is_no_image_and_an_image_no_seg(tmp_path: Path) -> None:
    image, paths = _save_image(tmp_path)
    path = save(make_seg(_draw(), _places(), {1: "A"}), tmp_path / "seg")

    with pytest.raises(InputError, match=r"is a DICOM SEG \(want kind = 'dicom-seg'"):
        read_dicom([path])
    with pytest.raises(InputError, match=r"SegmentationType: is not read \(got CT Image Storage"):
        _read(paths[0], image)
