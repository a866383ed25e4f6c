"""DICOM files that hold a picture and no place in the patient: X-ray, ultrasound, endoscopy."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.uid import SecondaryCaptureImageStorage

from tests.corpus.case import Case, Made, Reading, write_spec
from tests.corpus.dicoms import make_header, set_pixels
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise, one_slice
from tests.corpus.pictures import save_mask

GREY = draw_noise()
COLOUR = draw_noise((*SHAPE[1:], 3), 1)
SPEC = write_spec("a.dcm", "m.png", modality="ultrasound")
MINMAX = write_spec("a.dcm", "m.png", more='normalisation = "minmax"', modality="x-ray")


def _start(stored: NDArray[Any]) -> FileDataset:
    dataset = make_header(SecondaryCaptureImageStorage, "picture", 1)
    set_pixels(dataset, stored)
    return dataset


def _finish(folder: Path, dataset: FileDataset) -> Path:
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)
    save_mask(folder / "m.png")
    return folder / "a.dcm"


def _read(path: Path) -> NDArray[Any]:
    return pydicom.dcmread(path).pixel_array


def _grey(kind: str, folder: Path) -> Made:
    """Grey in 8 or 16 bits; bright or dark where values are small; signed."""
    white = kind.startswith("white")
    deep = kind.endswith("16")
    shown = np.uint8(255) - GREY if white else GREY
    stored: NDArray[Any] = shown.astype(np.uint16) * np.uint16(16) if deep else shown
    if kind == "signed-16":
        stored = (shown.astype(np.int16) * 16 - 2000).astype(np.int16)
    dataset = _start(stored)
    if white:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    path = _finish(folder, dataset)
    reading = Reading("pydicom", partial(_read, path), stored)
    return Made(spec=MINMAX, slices=one_slice(GREY), readings=(reading,))


def _colour(planar: bool, folder: Path) -> Made:
    """Red, green and blue side by side, or one plane after the other."""
    dataset = _start(GREY)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = int(planar)
    dataset.PixelData = (np.moveaxis(COLOUR, 2, 0) if planar else COLOUR).tobytes()
    path = _finish(folder, dataset)
    reading = Reading("pydicom", partial(_read, path), COLOUR)
    return Made(spec=SPEC, slices=one_slice(COLOUR), readings=(reading,))


def _differences(space: str, folder: Path) -> Made:
    """Brightness and two differences of colour, whole or halved across."""
    dataset = _start(GREY)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = space
    smooth = np.repeat(np.repeat(COLOUR[::4, ::4] // 2 + 60, 4, axis=0), 4, axis=1)
    ybr = convert_color_space(smooth, "RGB", "YBR_FULL")
    if space == "YBR_FULL":
        dataset.PixelData = ybr.tobytes()
    else:
        pairs = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], -1)
        dataset.PixelData = np.ascontiguousarray(pairs).tobytes()
    path = _finish(folder, dataset)
    wanted = convert_color_space(ybr, "YBR_FULL", "RGB")
    reading = Reading("pydicom", partial(_read, path), wanted)
    return Made(
        spec=SPEC, slices=one_slice(wanted), tolerance=3,
        readings=(reading,),
    )  # fmt: skip


def _palette(folder: Path) -> Made:
    """Indices into a table of colours."""
    dataset = _start(GREY)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    palette = draw_noise((256, 3), 5)
    for position, name in enumerate(("Red", "Green", "Blue")):
        dataset.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [256, 0, 8])
        table = np.ascontiguousarray(palette[:, position]).tobytes()
        dataset.add_new(f"{name}PaletteColorLookupTableData", "OW", table)
    path = _finish(folder, dataset)
    reading = Reading("pydicom", lambda: _look_up(path), palette[GREY])
    return Made(
        spec=SPEC, slices=one_slice(palette[GREY]),
        readings=(reading,),
    )  # fmt: skip


def _look_up(path: Path) -> NDArray[Any]:
    dataset = pydicom.dcmread(path)
    found: NDArray[Any] = apply_color_lut(dataset.pixel_array, dataset)
    return found


def _film(folder: Path) -> Made:
    """Several frames of ultrasound in colour: which one is meant is not said."""
    dataset = _start(GREY)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration, dataset.NumberOfFrames = 0, 4
    dataset.PixelData = draw_noise((4, *SHAPE[1:], 3), 2).tobytes()
    _finish(folder, dataset)
    return Made(spec=SPEC, refusal="frame|Photometric|size|axes")


def _written_in(folder: Path) -> Made:
    dataset = _start(GREY)
    dataset.BurnedInAnnotation = "YES"
    _finish(folder, dataset)
    return Made(spec=SPEC, refusal="BurnedIn")


def _cut_off(folder: Path) -> Made:
    dataset = _start(GREY)
    dataset.PixelData = GREY.tobytes()[: GREY.size // 2]
    _finish(folder, dataset)
    return Made(spec=SPEC, refusal="damaged|pixels|length")


def _mask_of_labels(folder: Path) -> Made:
    """A secondary capture as a mask: its values are codes."""
    from tests.corpus.pictures import save

    save(folder / "a.png", GREY)
    codes = draw_letter().astype(np.uint8) * np.uint8(7)
    path = _finish(folder, _start(codes))
    spec = write_spec("a.png", "a.dcm", 'labels = { 7 = "lesion" }')
    reading = Reading("pydicom", partial(_read, path), codes)
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


KINDS = ("black-8", "white-8", "black-16", "white-16", "signed-16")

CASES = (
    *(Case(kind, partial(_grey, kind)) for kind in KINDS),
    *(Case(f"rgb-{word}", partial(_colour, word == "planar")) for word in ("pixels", "planar")),
    *(
        Case(space.replace("_", "-").lower(), partial(_differences, space))
        for space in ("YBR_FULL", "YBR_FULL_422")
    ),
    Case("palette", _palette),
    Case("film", _film),
    Case("written-in", _written_in),
    Case("cut-off", _cut_off),
    Case("mask", _mask_of_labels),
)
