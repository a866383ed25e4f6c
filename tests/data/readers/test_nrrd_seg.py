"""Segmentations of 3D Slicer: named segments in one or several layers, placed on their image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.imports.test_reading import read_all
from tests.data.raw_files import draw_noise, save_nifti

SHAPE = (16, 14, 4)
SPACING = (1.0, 1.5, 3.0)


def save(
    folder: Path,
    layers: NDArray[Any],
    fields: dict[str, str],
    corner: tuple[int, int, int] = (0, 0, 0),
    last: bool = False,
) -> None:
    """Write an image and a segmentation (layer, x, y, z) whose first voxel is that at `corner`."""
    affine = np.diag([*SPACING, 1.0])
    save_nifti(folder / "image.nii.gz", draw_noise(SHAPE), affine)
    header: dict[str, Any] = {
        "space": "right-anterior-superior",
        "space origin": np.array(corner) * SPACING,
        **fields,
    }
    directions, kinds = np.diag(SPACING), ["domain"] * 3
    if len(layers) == 1:
        layers = layers[0]
    else:
        at = 3 if last else 0
        directions, kinds = np.insert(directions, at, np.nan, axis=0), [*kinds]
        kinds.insert(at, "list")
        layers = np.moveaxis(layers, 0, -1) if last else layers
    nrrd.write(
        str(folder / "mask.seg.nrrd"),
        layers,
        {**header, "space directions": directions, "kinds": kinds},
    )


def name(*segments: tuple[str, int, int]) -> dict[str, str]:
    """Return the fields of segments, each (name, layer, value)."""
    fields = {}
    for number, (called, layer, value) in enumerate(segments):
        fields[f"Segment{number}_Name"] = called
        fields[f"Segment{number}_Layer"] = str(layer)
        fields[f"Segment{number}_LabelValue"] = str(value)
    return fields


def read(folder: Path, more: str = "", meaning: str = "") -> list[SourceImage]:
    names = "names = { Liver = 'liver', 'Tumour *' = 'lesion' }"
    meaning = meaning or f"kind = 'nrrd-seg'\n{names}"
    return read_all(folder, write_spec("image.nii.gz", "mask.seg.nrrd", meaning, more))


def draw(low: int, high: int, value: int = 1, shape: tuple[int, ...] = SHAPE) -> NDArray[np.uint8]:
    drawn = np.zeros(shape, np.uint8)
    drawn[low:high, low:high, 1:3] = value
    return drawn


def count(images: list[SourceImage], name: str) -> int:
    return sum(int(mask.sum()) for image in images for mask in image.masks.get(name, ()))


def as_seen(drawn: NDArray[Any], z: int) -> NDArray[np.bool_]:
    """Return slice z of an array stored as RAS the way it is looked at."""
    return drawn[::-1, ::-1, z].T > 0


@pytest.mark.parametrize("last", [False, True])
def test_segments_that_overlap_in_two_layers_are_both_whole(tmp_path: Path, last: bool) -> None:
    layers = np.stack([draw(1, 12), draw(5, 9, 3)])
    save(tmp_path, layers, name(("Liver", 0, 1), ("Tumour 1", 1, 3)), last=last)

    images = read(tmp_path)

    assert len(images) == 2
    for image, z in zip(images, (1, 2), strict=True):
        assert np.array_equal(image.masks["liver"][0], as_seen(layers[0], z))
        assert np.array_equal(image.masks["lesion"][0], as_seen(layers[1], z))


def test_segments_that_share_a_layer_are_told_apart_by_value(tmp_path: Path) -> None:
    drawn = draw(1, 12)
    drawn[5:9, 5:9, 1:3] = 7
    save(tmp_path, drawn[np.newaxis], name(("Tumour 2", 0, 7), ("Liver", 0, 1)))

    images = read(tmp_path)

    assert count(images, "lesion") == 4 * 4 * 2
    assert count(images, "liver") == (11 * 11 - 4 * 4) * 2


def test_segments_of_one_name_are_instances(tmp_path: Path) -> None:
    drawn = draw(1, 4)
    drawn[5:9, 5:9, 1:3] = 2
    save(tmp_path, drawn[np.newaxis], name(("Tumour 1", 0, 1), ("Tumour 1", 0, 2)))
    meaning = "kind = 'nrrd-seg'\nnames = { 'Tumour *' = 'lesion' }\ninstances = 'labels'"

    for image in read(tmp_path, meaning=meaning):
        assert [mask.sum() for mask in image.masks["lesion"]] == [3 * 3, 4 * 4]


def test_older_files_have_a_layer_for_each_segment(tmp_path: Path) -> None:
    fields = {"Segment0_Name": "Liver", "Segment1_Name": "Tumour 1"}
    save(tmp_path, np.stack([draw(1, 12), draw(5, 9)]), fields)

    images = read(tmp_path)

    assert (count(images, "liver"), count(images, "lesion")) == (11 * 11 * 2, 4 * 4 * 2)


def test_a_segmentation_cut_to_its_content_is_put_where_it_belongs(tmp_path: Path) -> None:
    whole = draw(5, 9)
    save(tmp_path, whole[np.newaxis, 4:10, 3:10, 1:3], name(("Liver", 0, 1)), corner=(4, 3, 1))

    images = read(tmp_path)

    for image, z in zip(images, (1, 2), strict=True):
        assert np.array_equal(image.masks["liver"][0], as_seen(whole, z))


@pytest.mark.parametrize("corner", [(4.5, 3, 1), (12, 3, 1), (-1, 3, 1)])
def test_a_segmentation_beside_the_voxels_of_its_image_is_refused(
    tmp_path: Path, corner: tuple[int, int, int]
) -> None:
    save(tmp_path, draw(5, 9)[np.newaxis, 4:10, 3:10, 1:3], name(("Liver", 0, 1)), corner=corner)

    with pytest.raises(InputError, match="geometry: lies elsewhere than its image"):
        read(tmp_path)
    assert read(tmp_path, more="resample = 'nearest'")


def test_a_single_voxel_stands_for_an_empty_segmentation(tmp_path: Path) -> None:
    save(tmp_path, np.zeros((1, 1, 1, 1), np.uint8), name(("Liver", 0, 1)), corner=(99, 0, 0))

    assert read(tmp_path) == []


def test_layers_read_as_plain_voxels_are_refused_with_the_kind_that_reads_them(
    tmp_path: Path,
) -> None:
    layers = np.stack([draw(1, 12), draw(5, 9, 3)])
    save(tmp_path, layers, name(("Liver", 0, 1), ("Tumour 1", 1, 3)))

    with pytest.raises(InputError, match=r"several channels.*want kind = 'nrrd-seg'"):
        read(tmp_path, meaning="labels = { 1 = 'liver' }")


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({}, "names no segments"),
        (name(("Liver", 0, 2)), "layer 0: holds a value that belongs to no segment .got 1"),
        (name(("Liver", 1, 1)), "Segment0: has no voxels of its own .got layer 1 of 1, value 1"),
        (name(("Liver", 0, 1), ("Tumour 1", 0, 1)), "Segment1: has no voxels of its own"),
        ({**name(("Liver", 0, 1)), "Segment0_Layer": "x"}, "Segment0_Layer: is no number"),
        (name(("Heart", 0, 1)), "a region means nothing: add it or skip it .got 'Heart'"),
    ],
)
def test_segments_that_do_not_fit_their_voxels_are_refused(
    tmp_path: Path, fields: dict[str, str], match: str
) -> None:
    save(tmp_path, draw(1, 12)[np.newaxis], fields)

    with pytest.raises(InputError, match=match):
        read(tmp_path)
