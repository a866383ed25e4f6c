"""DICOM SEG files, written by highdicom and read again by it."""

from __future__ import annotations

from collections.abc import Sequence as Items
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
from tests.corpus.dicoms import AXIAL, GRIDS, TILTS, Grid, save_series
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise

VOXELS = draw_noise(SHAPE)
LESION = draw_letters()
LIVER = np.roll(LESION, (1, 6, -3), axis=(0, 1, 2))
"""Overlaps with the lesion in some slices."""

NAMES = 'kind = "dicom-seg"\nnames = { Lesion = "lesion", Liver = "liver" }'
SPEC = write_spec("ct/*.dcm", "seg.dcm", NAMES, AS_STORED)


def save_seg(
    path: Path,
    sources: Items[pydicom.Dataset],
    drawn: NDArray[np.generic],
    labels: Items[str] = ("Lesion", "Liver"),
    kind: str = "BINARY",
    *,
    sparse: bool = True,
) -> None:
    """Write segments on the slices of a series.

    Args:
        path: Of the file.
        sources: Slices, in the order of `drawn`.
        drawn: Axes (Z, Y, X, segment); for label maps codes with axes (Z, Y, X).
        labels: Of the segments.
        kind: BINARY, FRACTIONAL or LABELMAP.
        sparse: Whether empty frames are left out.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    descriptions = [
        hd.seg.SegmentDescription(
            number, label, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, label in enumerate(labels, 1)
    ]  # fmt: skip
    hd.seg.Segmentation(
        list(sources), drawn, kind, descriptions, generate_uid(entropy_srcs=[str(path)]), 1,
        generate_uid(entropy_srcs=["instance"]), 1, "us", "drawing", "1", "1",
        omit_empty_frames=sparse,
    ).save_as(path)  # fmt: skip


def read_seg(path: Path, number: int, paths: Items[Path]) -> NDArray[np.bool_]:
    """Return one segment on the given slices of its series, as highdicom places it."""
    import highdicom as hd

    instances = [pydicom.dcmread(one).SOPInstanceUID for one in paths]
    found = hd.seg.segread(path).get_pixels_by_source_instance(
        instances, segment_numbers=[number], assert_missing_frames_are_empty=True,
        ignore_spatial_locations=True, rescale_fractional=True,
    )  # fmt: skip
    half: NDArray[np.bool_] = found[..., 0] >= 0.5
    return half


def _sources(paths: Items[Path]) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in paths]


def _both() -> tuple[Slice, ...]:
    return tuple(
        Slice(pixels, {name: (mask[z],) for name, mask in
                       (("lesion", LESION), ("liver", LIVER)) if mask[z].any()})
        for z, pixels in enumerate(VOXELS)
        if LESION[z].any() or LIVER[z].any()
    )  # fmt: skip


def _placed(grid_name: str, sparse: bool, folder: Path) -> Made:
    """Two segments that overlap, on series of any direction."""
    grid = {**GRIDS, **TILTS}[grid_name]
    paths = save_series(folder / "ct", VOXELS, grid)
    drawn = np.stack([grid.store(LESION), grid.store(LIVER)], -1)
    save_seg(folder / "seg.dcm", _sources(paths), drawn, sparse=sparse)
    readings = tuple(
        Reading("highdicom", partial(read_seg, folder / "seg.dcm", number, paths), grid.store(one))
        for number, one in ((1, LESION), (2, LIVER))
    )
    return Made(spec=SPEC, slices=_both(), readings=readings)


def _fractional(folder: Path) -> Made:
    """Probabilities: from half on they are foreground."""
    paths = save_series(folder / "ct", VOXELS)
    soft = np.where(LESION, 0.8, 0.3).astype(np.float32) * (LESION | LIVER)
    save_seg(folder / "seg.dcm", _sources(paths), soft, ["Lesion"], "FRACTIONAL")
    reading = Reading("highdicom", partial(read_seg, folder / "seg.dcm", 1, paths), LESION)
    spec = SPEC.replace(', Liver = "liver"', "")
    return Made(spec=spec, slices=cut_slices(VOXELS, LESION), readings=(reading,))


def _label_map(by_number: bool, folder: Path) -> Made:
    """One code a voxel instead of one frame a segment."""
    paths = save_series(folder / "ct", VOXELS)
    codes = np.where(LESION, 1, np.where(LIVER, 2, 0)).astype(np.uint8)
    save_seg(folder / "seg.dcm", _sources(paths), codes, kind="LABELMAP")
    slices = tuple(
        Slice(pixels, {name: (codes[z] == code,) for code, name in ((1, "lesion"), (2, "liver"))
                       if (codes[z] == code).sum() > 50})
        for z, pixels in enumerate(VOXELS) if codes[z].any()
    )  # fmt: skip
    readings = tuple(
        Reading("highdicom", partial(read_seg, folder / "seg.dcm", code, paths), codes == code)
        for code in (1, 2)
    )
    spec = SPEC
    if by_number:
        spec = SPEC.replace("names = { Lesion =", "labels = { 1 =").replace("Liver =", "2 =")
    return Made(spec=spec, slices=slices, readings=readings)


def _one_segment(labels: tuple[str, str], meaning: str, folder: Path) -> Made:
    """What a segment is called or numbered says what it is; others are skipped or refused."""
    paths = save_series(folder / "ct", VOXELS)
    drawn = np.stack([LESION, LIVER], -1)
    save_seg(folder / "seg.dcm", _sources(paths), drawn, labels)
    spec = write_spec("ct/*.dcm", "seg.dcm", f'kind = "dicom-seg"\n{meaning}', AS_STORED)
    reading = Reading("highdicom", partial(read_seg, folder / "seg.dcm", 1, paths), LESION)
    if "skip" not in meaning:
        return Made(spec=spec, refusal="means nothing", readings=(reading,))
    return Made(spec=spec, slices=cut_slices(VOXELS, LESION), readings=(reading,))


def _same_label(folder: Path) -> Made:
    """Two segments of one label are two lesions, also where they overlap."""
    paths = save_series(folder / "ct", VOXELS)
    save_seg(folder / "seg.dcm", _sources(paths), np.stack([LESION, LIVER], -1), ["GTV", "GTV"])
    meaning = 'kind = "dicom-seg"\nnames = { GTV = "lesion" }\ninstances = "labels"'
    slices = tuple(
        Slice(pixels, {"lesion": tuple(one[z] for one in (LESION, LIVER) if one[z].any())})
        for z, pixels in enumerate(VOXELS) if LESION[z].any() or LIVER[z].any()
    )  # fmt: skip
    reading = Reading("highdicom", partial(read_seg, folder / "seg.dcm", 2, paths), LIVER)
    spec = write_spec("ct/*.dcm", "seg.dcm", meaning, AS_STORED)
    return Made(spec=spec, slices=slices, readings=(reading,))


def _on(other: Grid, frame: str, folder: Path) -> Made:
    """A segmentation of another series: it lies elsewhere, or in another patient's space."""
    save_series(folder / "ct", VOXELS)
    paths = save_series(folder / "other", VOXELS, other)
    sources = _sources(paths)
    for source in sources:
        source.FrameOfReferenceUID = frame or source.FrameOfReferenceUID
    drawn = other.store(LESION)[..., np.newaxis]
    save_seg(folder / "seg.dcm", sources, drawn, ["Lesion"])
    reading = Reading("highdicom", partial(read_seg, folder / "seg.dcm", 1, paths),
                      other.store(LESION))  # fmt: skip
    return Made(
        spec=SPEC.replace(', Liver = "liver"', ""), readings=(reading,),
        refusal="slice|place|frame ?of ?reference|orientation|size|lies",
    )  # fmt: skip


def _flipped(folder: Path) -> Made:
    """Drawn on the same slices stored with their rows upwards: turned back."""
    upwards = Grid(down=(0.0, -1.0, 0.0), step_mm=(0.0, 0.0, 3.0), flip=(True, False),
                   origin_mm=(-20.3, 11.7 + 0.8 * (SHAPE[1] - 1), 100.2))  # fmt: skip
    save_series(folder / "ct", VOXELS)
    paths = save_series(folder / "other", VOXELS, upwards)
    drawn = upwards.store(LESION)[..., np.newaxis]
    save_seg(folder / "seg.dcm", _sources(paths), drawn, ["Lesion"])
    reading = Reading("highdicom", partial(read_seg, folder / "seg.dcm", 1, paths),
                      upwards.store(LESION))  # fmt: skip
    return Made(
        spec=SPEC.replace(', Liver = "liver"', ""), slices=cut_slices(VOXELS, LESION),
        readings=(reading,),
    )  # fmt: skip


def _on_enhanced(folder: Path) -> Made:
    """The image is one multi-frame file, the segments refer to its frames."""
    from tests.corpus.enhanced import make_enhanced

    paths = save_series(folder / "single", VOXELS)
    save_seg(folder / "seg.dcm", _sources(paths), LESION[..., np.newaxis], ["Lesion"])
    (folder / "ct").mkdir()
    make_enhanced(VOXELS, AXIAL).save_as(folder / "ct/a.dcm", enforce_file_format=True)
    reading = Reading("highdicom", partial(read_seg, folder / "seg.dcm", 1, paths), LESION)
    spec = SPEC.replace(', Liver = "liver"', "")
    return Made(spec=spec, slices=cut_slices(VOXELS, LESION), readings=(reading,))


def _no_seg(folder: Path) -> Made:
    """A CT slice where a SEG file is said to be."""
    paths = save_series(folder / "ct", VOXELS)
    (folder / "seg.dcm").write_bytes(paths[0].read_bytes())
    return Made(spec=SPEC, refusal="SEG")


TWO = ("Lesion", "Liver")

CASES = (
    *(Case(name, partial(_placed, name, True)) for name in (*GRIDS, *TILTS)),
    Case("every-frame", partial(_placed, "axial", False)),
    Case("fractional", _fractional),
    Case("label-map-names", partial(_label_map, False)),
    Case("label-map-numbers", partial(_label_map, True)),
    Case("skip-by-name", partial(_one_segment, TWO, 'names = {Lesion="lesion"}\nskip = ["Liver"]')),
    Case("skip-by-number", partial(_one_segment, TWO, 'labels = {1="lesion"}\nskip = ["2"]')),
    Case("unknown-name", partial(_one_segment, TWO, 'names = { Lesion = "lesion" }')),
    Case(
        "brackets-in-name",
        partial(_one_segment, ("Lesion [1]", "Lesion 1"),
                'names = { "Lesion [1]" = "lesion" }\nskip = ["Lesion 1"]'),
    ),
    Case("same-label", _same_label),
    Case("other-place", partial(_on, Grid(origin_mm=(-20.3, 14.7, 100.2)), "")),
    Case("half-a-slice-off", partial(_on, Grid(origin_mm=(-20.3, 11.7, 101.7)), "")),
    Case("other-spacing", partial(_on, Grid(spacing_mm=(0.9, 0.7)), "")),
    Case("other-frame-of-reference", partial(_on, AXIAL, "1.2.826.0.1.3680043.8.498.78")),
    Case("rows-upwards", _flipped),
    Case("on-enhanced", _on_enhanced),
    Case("no-seg", _no_seg),
)  # fmt: skip
