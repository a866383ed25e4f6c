"""Contours of RTSTRUCT files become the voxels that the standard says (PS3.3, C.8.8.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nrrd
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RTStructureSetStorage

from cosmos_board.core.errors import InputError
from tests.data.hostile import write_spec
from tests.data.imports.test_reading import read_all
from tests.data.raw_files import draw_noise, make_dicom, save_nifti, save_series

SIDE = 32
SPACING_MM, SLICE_MM = 0.5, 2.0
Points = Sequence[tuple[float, float]]
"""Columns and rows in voxels."""


@dataclass(frozen=True)
class Roi:
    """One region: contours on slices of the series that `save_series` writes."""

    contours: Sequence[tuple[float, Points]]
    name: str = "GTV"
    kind: str | Sequence[str] = "CLOSED_PLANAR"
    number: int | None = None
    frame: str = ""


def save(folder: Path, *rois: Roi, undefined: int | None = None) -> None:
    """Write a series of four slices and an RTSTRUCT."""
    if not (folder / "ct").exists():
        save_series(folder / "ct", FrameOfReferenceUID="1.2.3")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.9")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.Modality = RTStructureSetStorage, "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for position, roi in enumerate(rois, 1):
        item, region = Dataset(), Dataset()
        item.ROINumber, item.ROIName = roi.number or position, roi.name
        if roi.frame:
            item.ReferencedFrameOfReferenceUID = roi.frame
        region.ReferencedROINumber = undefined or item.ROINumber
        kinds = [roi.kind] * len(roi.contours) if isinstance(roi.kind, str) else roi.kind
        region.ContourSequence = [
            make_contour(*contour, kind) for contour, kind in zip(roi.contours, kinds, strict=True)
        ]
        dataset.StructureSetROISequence.append(item)
        dataset.ROIContourSequence.append(region)
    dataset.save_as(folder / "rs", enforce_file_format=True)


def make_contour(z: float, points: Points, kind: str) -> Dataset:
    """Return one contour; points without a third number lie on slice `z`."""
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
    contour.ContourData = [
        number for x, y in points for number in (x * SPACING_MM, y * SPACING_MM, z * SLICE_MM)
    ]
    return contour


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def read(folder: Path, more: str = "", image: str = "") -> list[NDArray[np.bool_]]:
    """Return the references on the only slice that has some."""
    meaning = f"kind = 'rtstruct'\nnames = {{ 'GTV*' = 'lesion' }}\n{more}"
    (found,) = read_all(folder, write_spec("ct/*.dcm", "rs", meaning, image))
    return list(found.masks["lesion"])


def even_odd(points: Points) -> NDArray[np.bool_]:
    """Return the voxel centres with an odd number of edges to their right."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    inside = np.zeros((SIDE, SIDE), np.bool_)
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


def square(x0: int, y0: int, x1: int, y1: int) -> NDArray[np.bool_]:
    """Return the voxels of columns x0 … x1 and rows y0 … y1, both ends included."""
    drawn = np.zeros((SIDE, SIDE), np.bool_)
    drawn[y0 : y1 + 1, x0 : x1 + 1] = True
    return drawn


@pytest.mark.parametrize("seed", range(5))
def test_a_voxel_belongs_to_a_contour_if_its_centre_lies_inside(tmp_path: Path, seed: int) -> None:
    """Stars that cross themselves, partly beyond the edges of the picture."""
    random = np.random.default_rng(seed)
    points = [(float(x), float(y)) for x, y in random.uniform(-6, SIDE + 6, (9, 2)).round(3)]
    save(tmp_path, Roi([(1, points)]))

    assert np.array_equal(read(tmp_path)[0], even_odd(points))


def test_voxels_on_the_path_of_a_contour_belong_to_it(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(3, 4, 9, 12))]))

    assert np.array_equal(read(tmp_path)[0], square(3, 4, 9, 12))


def test_two_regions_of_one_name_are_two_references_or_one_union(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 15.5, 15.5))]), Roi([(1, box(9.5, 9.5, 25.5, 25.5))]))

    first, second = square(2, 2, 15, 15), square(10, 10, 25, 25)
    apart = read(tmp_path, "instances = 'labels'")
    assert [mask.sum() for mask in apart] == [first.sum(), second.sum()]
    assert np.array_equal(read(tmp_path)[0], first | second)


OUTER, INNER = box(2, 2, 22, 22), box(7, 8, 15, 17)
RING = square(2, 2, 22, 22) & ~square(8, 9, 14, 16)
KEYHOLE = [*OUTER, OUTER[0], *INNER, INNER[0]]


@pytest.mark.parametrize(
    ("kind", "contours"),
    [
        pytest.param("CLOSED_PLANAR", [OUTER, INNER], id="a contour within another"),
        pytest.param("CLOSED_PLANAR", [INNER, OUTER], id="the inner contour first"),
        pytest.param("CLOSEDPLANAR_XOR", [OUTER, INNER], id="exclusive or"),
        pytest.param("CLOSED_PLANAR", [KEYHOLE], id="keyhole"),
        pytest.param(
            "CLOSED_PLANAR", [[*OUTER, OUTER[0], *INNER[::-1], INNER[3]]], id="keyhole turned back"
        ),
    ],
)
def test_all_ways_to_tell_a_hole_give_the_same_voxels(
    tmp_path: Path, kind: str, contours: list[Points]
) -> None:
    """All corners are voxel centres; the channel of the keyhole leaves no cut."""
    save(tmp_path, Roi([(1, points) for points in contours], kind=kind))

    assert np.array_equal(read(tmp_path)[0], RING)


def test_an_island_in_a_hole_is_drawn_again(tmp_path: Path) -> None:
    nested = [box(0.5, 0.5, 28.5, 28.5), box(4.5, 4.5, 24.5, 24.5), box(9.5, 9.5, 19.5, 19.5)]
    save(tmp_path, Roi([(1, points) for points in nested]))

    expected = square(1, 1, 28, 28) & ~square(5, 5, 24, 24) | square(10, 10, 19, 19)
    assert np.array_equal(read(tmp_path)[0], expected)


PARTLY = [box(1.5, 1.5, 15.5, 15.5), box(9.5, 9.5, 25.5, 25.5)]


def test_contours_that_overlap_in_part_are_joined(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, points) for points in PARTLY]))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 15, 15) | square(10, 10, 25, 25))


def test_contours_that_overlap_in_part_leave_a_hole_where_the_file_says_exclusive_or(
    tmp_path: Path,
) -> None:
    save(tmp_path, Roi([(1, points) for points in PARTLY], kind="CLOSEDPLANAR_XOR"))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 15, 15) ^ square(10, 10, 25, 25))


def test_a_hole_in_the_overlap_of_two_contours_is_a_hole(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, points) for points in [*PARTLY, box(10.5, 10.5, 14.5, 14.5)]]))

    expected = square(2, 2, 15, 15) | square(10, 10, 25, 25)
    assert np.array_equal(read(tmp_path)[0], expected & ~square(11, 11, 14, 14))


@pytest.mark.parametrize("left", [1.5, 1.2])
def test_a_hole_that_touches_the_outer_contour_is_a_hole(tmp_path: Path, left: float) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 20.5, 20.5)), (1, box(left, 5.5, 9.5, 12.5))]))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 20, 20) & ~square(2, 6, 9, 12))


def test_a_hole_that_crosses_the_outer_contour_by_a_corner_is_a_hole(tmp_path: Path) -> None:
    inner = [(3.5, 3.5), (15.5, 3.5), (15.5, 15.5), (3.5, 15.5), (3.5, 9.5), (0.6, 9.0), (3.5, 8.5)]
    save(tmp_path, Roi([(1, box(1.5, 1.5, 20.5, 20.5)), (1, inner)]))

    assert even_odd(inner)[9, 1]
    assert np.array_equal(read(tmp_path)[0], square(2, 2, 20, 20) & ~even_odd(inner))


def test_a_small_contour_across_the_line_of_a_large_one_is_joined(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 20.5, 20.5)), (1, box(18.5, 5.5, 21.5, 9.5))]))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 20, 20) | square(19, 6, 21, 9))


@pytest.mark.parametrize("again", [0, 2])
def test_a_contour_that_is_given_twice_is_drawn_once(tmp_path: Path, again: int) -> None:
    points = list(box(1.5, 1.5, 15.5, 15.5))
    save(tmp_path, Roi([(1, points), (1, [*points[again:], *points[:again]][::-1])]))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 15, 15))


def test_contours_side_by_side_with_a_shared_edge_are_joined(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(2, 2, 10, 20)), (1, box(10, 2, 18, 20))]))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 18, 20))


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"])
def test_open_contours_and_points_enclose_nothing_and_are_noted(tmp_path: Path, kind: str) -> None:
    contours = [(1, box(1.5, 1.5, 15.5, 15.5)), (1, box(20.5, 20.5, 30.5, 30.5))]
    save(tmp_path, Roi(contours, kind=["CLOSED_PLANAR", kind]))
    meaning = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"

    (image,) = read_all(tmp_path, write_spec("ct/*.dcm", "rs", meaning))

    assert np.array_equal(image.masks["lesion"][0], square(2, 2, 15, 15))
    assert "points and open contours of a region left out" in image.notes


def refusal(folder: Path, match: str, more: str = "") -> None:
    with pytest.raises(InputError, match=match):
        read(folder, more)


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"])
def test_a_region_of_open_contours_or_points_alone_is_refused_unless_skipped(
    tmp_path: Path, kind: str
) -> None:
    drawn, line = Roi([(1, box(1.5, 1.5, 15.5, 15.5))]), [(1, [(3, 3), (9, 9)])]
    save(tmp_path, drawn, Roi(line, name="GTV axis", kind=kind))
    refusal(tmp_path, "region 'GTV axis': has points or open contours only")

    save(tmp_path, drawn, Roi(line, name="isocentre", kind=kind))
    assert np.array_equal(read(tmp_path, "skip = ['iso*']")[0], square(2, 2, 15, 15))


def test_a_region_that_is_neither_named_nor_skipped_is_refused_wherever_it_lies(
    tmp_path: Path,
) -> None:
    save(tmp_path, Roi([(99, box(1.5, 1.5, 15.5, 15.5))], name="Heart"))

    refusal(tmp_path, "names: a region means nothing: add it or skip it .got 'Heart'")


def test_two_points_are_no_contour(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, [(3, 3), (9, 9)])]))

    refusal(tmp_path, "has points or open contours only")


def test_a_region_without_contours_draws_nothing(tmp_path: Path) -> None:
    save(tmp_path, Roi([]), Roi([(1, box(1.5, 1.5, 15.5, 15.5))], name="GTV 2"))

    assert [mask.sum() for mask in read(tmp_path, "instances = 'labels'")] == [14 * 14]


def test_an_unknown_type_of_contour_is_refused(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 15.5, 15.5))], kind="CLOSED_SURFACE"))

    refusal(tmp_path, "contour of an unknown type .got 'CLOSED_SURFACE'")


def test_two_ways_of_telling_holes_in_one_region_are_refused(tmp_path: Path) -> None:
    both = ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"]
    save(tmp_path, Roi([(1, OUTER), (1, INNER)], kind=both))

    refusal(tmp_path, "mixes two ways of telling holes")


@pytest.mark.parametrize("z", [0.5, 1.4, 2.7])
def test_a_contour_between_two_slices_is_refused_with_its_place(tmp_path: Path, z: float) -> None:
    save(tmp_path, Roi([(z, box(1.5, 1.5, 15.5, 15.5))]))

    refusal(tmp_path, rf"between two slices of its image .got slices {z:.2f} to {z:.2f}")


def test_a_contour_a_little_off_its_slice_is_drawn_there(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1.2, box(1.5, 1.5, 15.5, 15.5))]))

    assert np.array_equal(read(tmp_path)[0], square(2, 2, 15, 15))


@pytest.mark.parametrize("z", [-1.0, 4.0])
def test_a_contour_beyond_the_slices_is_refused(tmp_path: Path, z: float) -> None:
    save(tmp_path, Roi([(z, box(1.5, 1.5, 15.5, 15.5))]))

    refusal(tmp_path, "lies on no slice of its image")


def test_a_contour_across_the_slices_is_refused(tmp_path: Path) -> None:
    """Drawn on a sagittal plane."""
    save(tmp_path, Roi([(1, box(1.5, 1.5, 15.5, 15.5))]))
    dataset = dcmread(tmp_path / "rs")
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [5, 1, 0, 5, 9, 0, 5, 9, 6, 5, 1, 6]
    dataset.save_as(tmp_path / "rs")

    refusal(tmp_path, "not parallel to the slices of its image .got slices 0.00 to 3.00")


def test_a_slice_without_a_contour_in_the_middle_of_a_region_is_noted(tmp_path: Path) -> None:
    save(tmp_path, Roi([(0, box(1.5, 1.5, 15.5, 15.5)), (2, box(1.5, 1.5, 15.5, 15.5))]))
    meaning = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"

    images = read_all(tmp_path, write_spec("ct/*.dcm", "rs", meaning))

    assert [image.origin[-7:] for image in images] == ["axial 0", "axial 2"]
    note = "a region has no contour on a slice between its first and its last"
    assert all(note in image.notes for image in images)


def test_contours_in_other_coordinates_than_the_series_are_refused(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 15.5, 15.5))], frame="1.2.4"))

    refusal(tmp_path, "ReferencedFrameOfReferenceUID: differs from that of the image")
    assert read(tmp_path, image="geometry = 'ignore'")[0].sum() == 14 * 14


def test_contours_in_the_coordinates_of_the_series_are_read(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 15.5, 15.5))], frame="1.2.3"))

    assert read(tmp_path)[0].sum() == 14 * 14


def test_contours_of_a_region_that_is_not_defined_are_refused(tmp_path: Path) -> None:
    save(tmp_path, Roi([(1, box(1.5, 1.5, 15.5, 15.5))]), undefined=7)

    refusal(tmp_path, "ReferencedROINumber: is of no region .got 7")


def test_two_regions_of_one_number_are_refused(tmp_path: Path) -> None:
    save(tmp_path, Roi([], number=3), Roi([], number=3))

    refusal(tmp_path, "ROINumber: is given to two regions")


def test_contours_follow_a_series_that_is_tilted_against_the_patient(tmp_path: Path) -> None:
    """Feet first and oblique: the contour is given in the patient's millimetres."""
    across, down = np.array([0.0, -0.6, 0.8]), np.array([-1.0, 0.0, 0.0])
    normal, corner = np.cross(across, down), np.array([40.0, -30.0, 12.0])
    (tmp_path / "ct").mkdir()
    for z in range(4):
        dataset = make_dicom(
            draw_noise(seed=z).astype(np.uint16), 0.0, "1.2.5",
            ImageOrientationPatient=[*across, *down],
            ImagePositionPatient=[round(v, 6) for v in corner + normal * SLICE_MM * z],
            SOPInstanceUID=f"1.2.6.{z}",
        )  # fmt: skip
        dataset.save_as(tmp_path / f"ct/{z}.dcm", enforce_file_format=True)
    points = [(3.3, 2.7), (28.1, 6.4), (19.6, 27.2)]
    save(tmp_path, Roi([(1, points)]))
    dataset = dcmread(tmp_path / "rs")
    placed = [
        corner + SPACING_MM * (x * across + y * down) + SLICE_MM * 2 * normal for x, y in points
    ]
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [round(float(number), 6) for point in placed for number in point]
    dataset.save_as(tmp_path / "rs")
    meaning = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"

    (image,) = read_all(tmp_path, write_spec("ct/*.dcm", "rs", meaning))

    # Seen from the front, rows run to the feet and columns to the left: stored columns and rows.
    assert "coronal" in image.origin
    assert np.array_equal(image.masks["lesion"][0], even_odd(points)[::-1, ::-1].T)


@pytest.mark.parametrize("tilt_mm", [-0.8, 0.5])
def test_contours_follow_slices_that_are_shifted_against_each_other(
    tmp_path: Path, tilt_mm: float
) -> None:
    """A tilted gantry: contours in the patient's millimetres are upright where rows slide."""
    directions = [[SPACING_MM, 0, 0], [0, SPACING_MM, 0], [0, tilt_mm, SLICE_MM]]
    header = {"space": "LPS", "space directions": np.array(directions), "space origin": [0, 0, 0]}
    nrrd.write(str(tmp_path / "image.nrrd"), draw_noise((SIDE, SIDE, 4)), header)
    save(tmp_path, Roi([(z, box(4.5, 10.5, 20.5, 24.5)) for z in range(4)]))
    meaning = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"

    images = read_all(tmp_path, write_spec("image.nrrd", "rs", meaning))

    assert len(images) == 4
    for z, image in enumerate(images):
        slid = z * tilt_mm / SPACING_MM
        expected = even_odd(box(4.5, 10.5 - slid, 20.5, 24.5 - slid))
        assert np.array_equal(image.masks["lesion"][0], expected)
        assert "axes not at right angles, as of a tilted gantry" in image.notes


def test_contours_are_drawn_on_a_volume_of_another_format(tmp_path: Path) -> None:
    affine = np.diag([-SPACING_MM, -SPACING_MM, SLICE_MM, 1.0])
    save_nifti(tmp_path / "image.nii.gz", draw_noise((SIDE, SIDE, 4)), affine)
    save(tmp_path, Roi([(1, OUTER), (1, INNER)], frame="9.9"))
    meaning = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"

    (image,) = read_all(tmp_path, write_spec("image.nii.gz", "rs", meaning))

    assert np.array_equal(image.masks["lesion"][0], RING)
