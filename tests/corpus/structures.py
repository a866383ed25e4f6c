"""RTSTRUCT: contours of every kind on series of any direction."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
from tests.corpus.contours import Contour, Points, fill, read_structures, rectangle, save_structures
from tests.corpus.dicoms import AXIAL, GRIDS, TILTS, Grid, save_series
from tests.corpus.drawing import (
    SHAPE,
    cut_slices,
    draw_letters,
    draw_noise,
    place_letter,
    trace_letter,
)
from tests.corpus.enhanced import make_enhanced

VOXELS = draw_noise(SHAPE)
DRAWN = draw_letters()
MEANING = 'kind = "rtstruct"\nnames = { GTV = "lesion" }'
SPEC = write_spec("ct/*.dcm", "rs.dcm", MEANING, AS_STORED)
LABELS = SPEC.replace(MEANING, MEANING + '\ninstances = "labels"')


def _seen(folder: Path, number: int, wanted: NDArray[np.bool_], grid: Grid = AXIAL) -> Reading:
    return Reading("dcmrtstruct2nii", partial(read_structures, folder, number, grid), wanted)


def _letters() -> list[Contour]:
    return [Contour(z, trace_letter(*place_letter(z))) for z in range(1, SHAPE[0] - 1)]


def _placed(grid_name: str, folder: Path) -> Made:
    grid = {**GRIDS, **TILTS}[grid_name]
    save_series(folder / "ct", VOXELS, grid)
    save_structures(folder / "rs.dcm", [("GTV", _letters())], grid)
    tilted = grid_name in TILTS
    spec = SPEC.replace(AS_STORED, f'{AS_STORED}\nplane = "axial"') if tilted else SPEC
    readings = () if tilted else (_seen(folder, 1, DRAWN, grid),)
    if tilted:
        readings = (Reading("numpy", partial(_place_back, folder, grid), _corners()),)
    return Made(
        spec=spec, slices=cut_slices(VOXELS, DRAWN), readings=readings,
    )  # fmt: skip


def _corners() -> NDArray[np.float64]:
    return np.array([[*trace_letter(*place_letter(z))[0], z] for z in range(1, SHAPE[0] - 1)])


def _place_back(folder: Path, grid: Grid) -> NDArray[np.float64]:
    """Return the first point of each contour in pixels of the file whose plane it lies in."""
    headers = [pydicom.dcmread(path) for path in sorted((folder / "ct").iterdir())]
    found = []
    for row in pydicom.dcmread(folder / "rs.dcm").ROIContourSequence[0].ContourSequence:
        point = np.array(row.ContourData[:3], np.float64)
        normal = np.cross(grid.across, grid.down)
        off = [float(np.dot(normal, point - header.ImagePositionPatient)) for header in headers]
        slice_ = headers[int(np.argmin(np.abs(off)))]
        inside = point - slice_.ImagePositionPatient
        column = np.dot(inside, grid.across) / grid.spacing_mm[1]
        down = np.dot(inside, grid.down) / grid.spacing_mm[0]
        found.append([round(float(column), 2), round(float(down), 2), slice_.InstanceNumber - 1])
    return np.array(found)


def _drawn(contours: Items[Contour], wanted: Mask, folder: Path) -> Made:
    """Contours of one region on slice 2."""
    save_series(folder / "ct", VOXELS)
    save_structures(folder / "rs.dcm", [("GTV", contours)], AXIAL)
    volume = np.zeros(SHAPE, np.bool_)
    volume[2] = wanted
    # It draws by exclusive or whatever a contour says, and leaves out the kind that asks for it.
    xor = all(contour.kind == "CLOSEDPLANAR_XOR" for contour in contours)
    read = partial(read_structures, folder, 1, AXIAL, "CLOSED_PLANAR" if xor else "")
    reading = Reading("dcmrtstruct2nii", read, volume)
    return Made(spec=SPEC, slices=cut_slices(VOXELS, volume), readings=(reading,))


def _overlapping(folder: Path) -> Made:
    """Two contours of a region that cross: what either of them holds belongs to it."""
    other = (20, 30, 14, 18)
    made = _drawn([SQUARE, Contour(2, rectangle(*other))], WHOLE | fill(other), folder)
    crossed = np.zeros(SHAPE, np.bool_)
    crossed[2] = WHOLE ^ fill(other)
    return replace(made, readings=(_seen(folder, 1, crossed),))


def _on_enhanced(folder: Path) -> Made:
    """The image is one multi-frame file with shuffled frames."""
    save_series(folder / "ct", VOXELS)
    make_enhanced(VOXELS, AXIAL).save_as(folder / "a.dcm", enforce_file_format=True)
    save_structures(folder / "rs.dcm", [("GTV", _letters())], AXIAL)
    spec = SPEC.replace("ct/*.dcm", "a.dcm")
    return Made(spec=spec, slices=cut_slices(VOXELS, DRAWN), readings=(_seen(folder, 1, DRAWN),))


def _other_frame_of_reference(folder: Path) -> Made:
    """Contours of another space: where they lie on this series is not known."""
    save_series(folder / "ct", VOXELS)
    save_structures(folder / "rs.dcm", [("GTV", _letters())], AXIAL)
    dataset = pydicom.dcmread(folder / "rs.dcm")
    dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3.4"
    dataset.save_as(folder / "rs.dcm")
    return Made(spec=SPEC, refusal="frame ?of ?reference")


def _refused(contours: Items[Contour], refusal: str, folder: Path) -> Made:
    save_series(folder / "ct", VOXELS)
    save_structures(folder / "rs.dcm", [("GTV", contours)], AXIAL)
    return Made(spec=SPEC, refusal=refusal)


def _same_name(overlapping: bool, folder: Path) -> Made:
    """Two regions of one name are two lesions; none cuts a hole into the other."""
    other = (12, 20, 15, 22) if overlapping else (25, 30, 12, 10)
    one = (6, 5, 18, 24)
    save_series(folder / "ct", VOXELS)
    rois = [("GTV", [Contour(2, rectangle(*box))]) for box in (one, other)]
    save_structures(folder / "rs.dcm", [*rois, ("Body [1]", [])], AXIAL)
    volume = np.zeros((2, *SHAPE), np.bool_)
    volume[0, 2], volume[1, 2] = fill(one), fill(other)
    slices = (Slice(VOXELS[2], {"lesion": (fill(one), fill(other))}),)
    readings = (_seen(folder, 1, volume[0]), _seen(folder, 2, volume[1]))
    spec = LABELS.replace("}\ninst", '}\nskip = ["Body*"]\ninst')
    return Made(spec=spec, slices=slices, readings=readings)


def _same_name_joined(folder: Path) -> Made:
    """Without instances two regions of one name are one reference, without a hole."""
    one, other = (6, 5, 18, 24), (12, 20, 15, 22)
    save_series(folder / "ct", VOXELS)
    rois = [("GTV", [Contour(2, rectangle(*box))]) for box in (one, other)]
    save_structures(folder / "rs.dcm", rois, AXIAL)
    both = fill(one) | fill(other)
    volume = np.zeros(SHAPE, np.bool_)
    volume[2] = fill(one)
    return Made(
        spec=SPEC, slices=(Slice(VOXELS[2], {"lesion": (both,)}),),
        readings=(_seen(folder, 1, volume),),
    )  # fmt: skip


def _names(names: tuple[str, str], meaning: str, folder: Path) -> Made:
    """Names with brackets, stars and commas mean themselves."""
    save_series(folder / "ct", VOXELS)
    boxes = ((6, 5, 18, 24), (25, 30, 12, 10))
    rois = [(name, [Contour(2, rectangle(*box))]) for name, box in zip(names, boxes, strict=True)]
    save_structures(folder / "rs.dcm", rois, AXIAL)
    volume = np.zeros(SHAPE, np.bool_)
    volume[2] = fill(boxes[0])
    spec = SPEC.replace('names = { GTV = "lesion" }', meaning)
    return Made(spec=spec, slices=cut_slices(VOXELS, volume), readings=(_seen(folder, 1, volume),))


def _keyhole() -> Points:
    """Return one outline that runs along a slit into a hole and back."""
    outer, inner = rectangle(*BOXES[0]), rectangle(*BOXES[1])[::-1]
    inner = np.roll(inner, -int(np.argmin(np.abs(inner - outer[0]).sum(axis=1))), axis=0)
    return np.concatenate([outer, outer[:1], inner, inner[:1]])


def _outside(folder: Path) -> Made:
    """A contour that is partly beyond the picture: what lies inside is drawn."""
    wanted = np.zeros(SHAPE[1:], np.bool_)
    wanted[:14, 40:] = True
    return _drawn([Contour(2, rectangle(-6, 40, 20, 30))], wanted, folder)


BOXES = ((6, 8, 24, 30), (12, 15, 9, 11))
HOLE = fill(*BOXES)
WHOLE = fill(BOXES[0])
SQUARE, INNER = (Contour(2, rectangle(*box)) for box in BOXES)
KINDS = {"points": "POINT", "open": "OPEN_PLANAR", "open-3d": "OPEN_NONPLANAR"}
OFF = {"between-slices": 2.5, "a-third-off": 2.35, "above-all-slices": 9.0}

CASES = (
    *(Case(name, partial(_placed, name)) for name in (*GRIDS, *TILTS)),
    Case("hole", partial(_drawn, [SQUARE, INNER], HOLE)),
    Case("hole-first", partial(_drawn, [INNER, SQUARE], HOLE)),
    Case("keyhole", partial(_drawn, [Contour(2, _keyhole())], HOLE)),
    Case("exclusive-or", partial(_drawn, [
        Contour(2, rectangle(*box), "CLOSEDPLANAR_XOR") for box in BOXES
    ], HOLE)),
    Case("partial-overlap", _overlapping),
    Case("on-enhanced", _on_enhanced),
    Case("other-frame-of-reference", _other_frame_of_reference),
    Case("island-in-hole", partial(_drawn, [
        SQUARE, INNER, Contour(2, rectangle(14, 18, 4, 5))
    ], fill(*BOXES, (14, 18, 4, 5)))),
    *(
        Case(f"{name}-beside", partial(_drawn, [
            SQUARE, Contour(2, rectangle(1, 40, 3, 4), kind)
        ], WHOLE))
        for name, kind in KINDS.items()
    ),
    *(
        Case(f"{name}-alone", partial(_refused, [
            Contour(2, rectangle(*BOXES[0]), kind)
        ], "none is left|contour|closed"))
        for name, kind in KINDS.items()
    ),
    Case("same-name-overlapping", partial(_same_name, True)),
    Case("same-name-apart", partial(_same_name, False)),
    Case("same-name-joined", _same_name_joined),
    Case("name-with-brackets", partial(
        _names, ("GTV [1]", "GTV 1"), 'names = { "GTV [1]" = "lesion" }\nskip = ["GTV 1"]')),
    Case("name-in-brackets-skipped", partial(
        _names, ("GTV 1", "GTV [1]"), 'names = { "GTV 1" = "lesion" }\nskip = ["GTV [1]"]')),
    Case("partly-outside", _outside),
    *(
        Case(name, partial(_refused, [Contour(z, rectangle(*BOXES[0]))], "slice|place|lies"))
        for name, z in OFF.items()
    ),
    Case("slightly-off", partial(_drawn, [Contour(2.004, rectangle(*BOXES[0]))], WHOLE)),
)  # fmt: skip
