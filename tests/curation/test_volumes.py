from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cosmos_board.core.errors import InputError
from cosmos_board.core.volumes import VolumeMask
from cosmos_board.curation.curate import ImportReport, curate
from cosmos_board.curation.pieces import PieceJoiner
from cosmos_board.curation.volumes import DUPLICATE_VOLUME, FLAT, NO_SPACING, NOTHING_DRAWN
from cosmos_board.data.demo.raw import draw_phantom_volumes
from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.summary import summarise_pack
from cosmos_board.data.pack.volumes import PackVolumes
from cosmos_board.data.source import Region, SourceImage, SourceUnit
from cosmos_board.phantoms.volumes import VOLUME_SPACING_MM, draw_phantom_volume
from tests.curation.units import INFO
from tests.curation.volume_units import (
    CELLS,
    ORGAN,
    SHAPE,
    ball,
    make_volume_unit,
    slice_volume,
    without_volumes,
)


def run(*units: SourceUnit, out: Path, batch_units: int = 4) -> ImportReport:
    return curate(units, INFO, out, workers=1, batch_units=batch_units)


def pack_slices(images: Iterable[SourceImage], out: Path) -> ImportReport:
    """Curate one unit of slices."""
    return run(make_volume_unit("unit", images), out=out)


def list_files(folder: Path) -> dict[str, bytes]:
    names = ("images", "references", "prompts", "observers")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for name in names
        for path in sorted((folder / name).glob("*"))
    }


def test_a_pack_of_phantoms_holds_what_was_drawn(phantom_volumes: Path) -> None:
    drawn = {phantom.voxels.tobytes(): phantom for phantom in map(draw_phantom_volume, range(2))}

    items = list(PackVolumes(open_pack(phantom_volumes)).iter_items())

    assert check_pack(phantom_volumes) == []
    assert {item.volume.voxels.tobytes() for item in items} == drawn.keys()
    for item in items:
        phantom = drawn[item.volume.voxels.tobytes()]
        assert item.volume.spacing_mm == VOLUME_SPACING_MM
        assert sorted((each.object, each.mask().tobytes()) for each in item.references) == sorted(
            (each.object, each.mask.tobytes()) for each in phantom.references
        )


def test_the_2d_study_is_that_of_a_pack_without_volumes(tmp_path: Path) -> None:
    """Byte for byte; counts, hashes and what `data show` says of it too."""
    unit = make_volume_unit("unit", draw_phantom_volumes(1))

    kept = run(unit, out=tmp_path / "kept")
    flat = run(without_volumes(unit), out=tmp_path / "flat")

    assert list_files(tmp_path / "kept") == list_files(tmp_path / "flat")
    assert (kept.counts, kept.shared_images) == (flat.counts, flat.shared_images)
    one, other = (summarise_pack(open_pack(tmp_path / name)) for name in ("kept", "flat"))
    assert one.pop("volumes")["slices"] == 28
    assert (one.pop("schema_version"), other.pop("schema_version")) == (2, 1)
    assert one == other


def test_a_pack_without_volumes_says_nothing_of_them(tmp_path: Path) -> None:
    """So that its bytes stay as they were, and older programs read it."""
    run(without_volumes(make_volume_unit("a", slice_volume({ORGAN: ball(4, 16, 16, 9)}))),
        out=tmp_path / "pack")  # fmt: skip

    text = (tmp_path / "pack" / "pack.json").read_text()
    assert '"schema_version": 1' in text
    assert "volumes" not in text
    assert len(PackVolumes(open_pack(tmp_path / "pack"))) == 0


def test_the_volumes_are_the_same_in_any_order_and_batching(tmp_path: Path) -> None:
    units = [
        make_volume_unit(f"{seed}", slice_volume({ORGAN: ball(4, 16, 16, 9)}, seed=seed))
        for seed in range(4)
    ]

    one = run(*units, out=tmp_path / "a").info
    other = run(*units[::-1], out=tmp_path / "b", batch_units=1).info

    assert one == other


def test_slices_without_a_reference_are_kept_in_order(tmp_path: Path) -> None:
    images = list(slice_volume({ORGAN: ball(4, 16, 16, 5)}))

    report = pack_slices(images, tmp_path / "pack")

    (item,) = PackVolumes(open_pack(tmp_path / "pack")).iter_items()
    np.testing.assert_array_equal(item.volume.voxels, [image.pixels for image in images])
    assert report.info.counts.images == 1 < len(images)
    assert check_pack(tmp_path / "pack") == []


def test_small_parts_belong_to_a_volume_reference(tmp_path: Path) -> None:
    """The 50-pixel rule is for 2-D only; boxes are drawn on the larger slices."""
    drawn = ball(4, 16, 16, 6)

    pack_slices(slice_volume({ORGAN: drawn}), tmp_path / "pack")

    pack = open_pack(tmp_path / "pack")
    ((item),) = PackVolumes(pack).iter_items()
    (reference,) = item.references
    flat = {row["reference_id"] for row in pack.iter_reference_rows()}
    assert reference.voxels == int(drawn.sum())
    assert set(reference.box_reference_ids) == flat
    assert len(flat) < len(reference.slices)


def test_a_reference_without_its_2d_references_has_no_boxes(tmp_path: Path) -> None:
    """The pieces of an arch are two references on a slice and one in the volume."""
    arch = ball(4, 16, 8, 6) | ball(4, 16, 24, 6)
    arch[2:4, 14:19, 8:24] = True
    images = []
    for image, mask in zip(slice_volume({CELLS: arch}), arch, strict=True):
        labels, _ = ndimage.label(mask)
        masks = tuple(labels == piece for piece in range(1, labels.max() + 1))
        images.append(replace(image, masks={"cell": masks} if masks else {}))

    pack_slices(images, tmp_path / "pack")

    (item,) = PackVolumes(open_pack(tmp_path / "pack")).iter_items()
    (reference,) = item.references
    assert reference.box_reference_ids == ()
    assert check_pack(tmp_path / "pack") == []


@given(arrays(np.bool_, (4, 4, 5)))
def test_pieces_are_joined_through_the_slices(drawn: VolumeMask) -> None:
    joiner = PieceJoiner()
    for index, mask in enumerate(drawn):
        joiner.add(index, mask)

    found = []
    for masks in joiner.list_joined():
        piece = np.zeros_like(drawn)
        for index, rle in masks.items():
            piece[index] = rle.decode()
        found.append(piece.tobytes())

    labels, count = ndimage.label(drawn, np.ones((3, 3, 3)))
    assert sorted(found) == sorted((labels == piece).tobytes() for piece in range(1, count + 1))


@pytest.mark.parametrize(
    ("images", "rule"),
    [
        pytest.param(
            partial(slice_volume, {ORGAN: ball(4, 16, 16, 9)}, spacing_mm=None), NO_SPACING,
            id="no spacing",
        ),
        pytest.param(
            partial(slice_volume, {ORGAN: ball(4, 16, 16, 9)[4:5]}), FLAT, id="one slice"
        ),
        pytest.param(
            partial(slice_volume, {ORGAN: np.zeros(SHAPE, np.bool_)}, seed=5), NOTHING_DRAWN,
            id="nothing drawn",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_volume_is_counted_and_stays_in_the_2d_study(
    tmp_path: Path, images: Callable[[], Iterable[SourceImage]], rule: str
) -> None:
    other = make_volume_unit("other", slice_volume({ORGAN: ball(4, 16, 16, 9)}, seed=9))
    unit = make_volume_unit("unit", images())

    report = run(other, unit, out=tmp_path / "pack")

    assert report.counts.dropped[rule] == 1
    assert report.info.volumes is not None
    assert report.info.volumes.volumes == 1
    assert (
        report.info.counts
        == run(without_volumes(other), without_volumes(unit), out=tmp_path / "flat").info.counts
    )


def test_equal_volumes_become_one_with_the_references_of_both(tmp_path: Path) -> None:
    one = slice_volume({ORGAN: ball(4, 16, 16, 9)}, seed=1)
    other = slice_volume({Region("lesion", False, ""): ball(2, 10, 10, 6)}, seed=1)

    report = run(
        make_volume_unit("one", one), make_volume_unit("other", other), out=tmp_path / "pack"
    )

    (item,) = PackVolumes(open_pack(tmp_path / "pack")).iter_items()
    assert [reference.object for reference in item.references] == ["lesion", "organ"]
    assert report.counts.dropped[DUPLICATE_VOLUME] == 1
    assert check_pack(tmp_path / "pack") == []


def test_a_volume_of_a_patient_without_images_has_a_cluster_of_its_own(tmp_path: Path) -> None:
    """All of its parts are too small for the 2-D study, whose clusters keep their numbers."""
    large = make_volume_unit("large", slice_volume({ORGAN: ball(4, 16, 16, 9)}, seed=1))
    small = make_volume_unit("small", slice_volume({ORGAN: ball(4, 16, 16, 3)}, seed=2))

    report = run(large, small, out=tmp_path / "pack")

    rows = list(PackVolumes(open_pack(tmp_path / "pack")).iter_rows())
    assert [row["cluster_id"] for row in rows] == ["discs-00001", "discs-00002"]
    assert report.info.counts.clusters == 1
    assert check_pack(tmp_path / "pack") == []


def test_slices_out_of_order_are_refused(tmp_path: Path) -> None:
    images = list(slice_volume({ORGAN: ball(4, 16, 16, 9)}))

    with pytest.raises(InputError, match="slice: does not follow on the one before"):
        pack_slices([images[0], *images[2:]], tmp_path / "pack")


def test_never_two_volumes_at_a_time(phantom_volumes: Path) -> None:
    items = PackVolumes(open_pack(phantom_volumes)).iter_items()
    first = weakref.ref(next(items).volume.voxels)

    next(items)

    assert first() is None


def test_positions_choose_volumes(phantom_volumes: Path) -> None:
    volumes = PackVolumes(open_pack(phantom_volumes))

    ids = [row["volume_id"] for row in volumes.iter_rows()]

    assert [item.volume.volume_id for item in volumes.iter_items(1)] == ids[1:]
    assert [item.volume.volume_id for item in volumes.iter_items(0, 1)] == ids[:1]


def test_touching_balls_are_instances_of_one_object(phantom_volumes: Path) -> None:
    instances: dict[str, list[int]] = defaultdict(list)
    for row in PackVolumes(open_pack(phantom_volumes)).iter_reference_rows():
        instances[row["object"]].append(row["instance"])

    assert instances["ball"] == [0, 1, 0, 1]
    assert instances["tube"] == [0, 0]
