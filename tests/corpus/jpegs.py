"""JPEG, and the tags that turn pictures; written by Pillow, read again by OpenCV and Pillow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.corpus.case import Case, Made, Reading, write_spec
from tests.corpus.drawing import SHAPE, one_slice
from tests.corpus.pictures import (
    COLOUR,
    GREY,
    MASK,
    MODE,
    open_by_opencv,
    read_pillow,
    save,
    save_mask,
    seen_by_pillow,
    write_ending_spec,
)


def _exif(orientation: int, of_mask: bool, folder: Path) -> Made:
    """The tag turns what is stored into what is meant; masks as a person sees them."""
    ways: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: lambda a: np.swapaxes(a, 0, 1), 6: lambda a: np.rot90(a, 1),
        7: lambda a: np.swapaxes(np.rot90(a, 2), 0, 1), 8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = np.kron(COLOUR[:5, :8], np.ones((8, 8, 1), np.uint8))[: SHAPE[1], : SHAPE[2]]
    if of_mask:
        save(folder / "a.png", shown)
        save(folder / "m.png", ways[orientation](MASK.astype(np.uint8) * 255), exif=exif)
        readings = (seen_by_pillow(folder / "m.png", MASK * np.uint8(255)),)
        return Made(spec=MODE, slices=one_slice(shown), readings=readings)
    save(folder / "a.jpg", ways[orientation](shown), exif=exif, quality=95, subsampling=0)
    save_mask(folder / "m.png")
    wanted = read_pillow(folder / "a.jpg")
    assert np.abs(wanted.astype(int) - shown).mean() < 12, "the tag does not undo the turning"
    reading = Reading(
        "OpenCV",
        lambda: open_by_opencv(folder / "a.jpg", cv2.IMREAD_COLOR)[..., ::-1],
        wanted,
    )
    return Made(
        spec=write_ending_spec("jpg"), slices=one_slice(wanted), tolerance=3,
        readings=(reading,),
    )  # fmt: skip


def _exif_png(folder: Path) -> Made:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "a.png", np.ascontiguousarray(np.rot90(GREY, 1)), exif=exif)
    save_mask(folder / "m.png")
    reading = seen_by_pillow(folder / "a.png", GREY)
    return Made(spec=MODE, slices=one_slice(GREY), readings=(reading,))


def _jpeg(mode: str, folder: Path) -> Made:
    """A smooth picture in grey, colour or the four inks of print."""
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    grey = (rows * 3 + columns * 2).astype(np.uint8)
    file = Image.fromarray(np.dstack([grey, grey[::-1], grey[:, ::-1]]))
    file.convert(mode).save(folder / "a.jpg", quality=95, subsampling=0)
    save_mask(folder / "m.png")
    wanted = read_pillow(folder / "a.jpg", "" if mode != "CMYK" else "RGB")
    flag = cv2.IMREAD_GRAYSCALE if mode == "L" else cv2.IMREAD_COLOR
    found = partial(open_by_opencv, folder / "a.jpg", flag)
    reading = Reading("OpenCV", lambda: _is_near(found(), wanted), np.array(True))
    refusal = "CMYK|mode|ink" if mode == "CMYK" else ""
    return Made(
        spec=write_ending_spec("jpg"), slices=one_slice(wanted), refusal=refusal, tolerance=3,
        readings=(reading,),
    )  # fmt: skip


def _is_near(found: NDArray[Any], wanted: NDArray[np.uint8]) -> bool:
    """Return whether two decoders agree: they may round otherwise."""
    turned = found if found.ndim == 2 else found[..., ::-1]
    return bool(np.abs(turned.astype(int) - wanted).mean() < 4)


def _jpeg_mask(threshold: bool, folder: Path) -> Made:
    save(folder / "a.png", GREY)
    save(folder / "m.jpg", MASK.astype(np.uint8) * 255, quality=90)
    drawn = read_pillow(folder / "m.jpg") > 127
    meaning = 'object = "lesion"' + ("\nthreshold = 127" if threshold else "")
    spec = write_spec("{c:a}.png", "m.jpg", meaning)
    reading = Reading(
        "OpenCV", lambda: open_by_opencv(folder / "m.jpg", cv2.IMREAD_GRAYSCALE) > 127, drawn
    )
    if threshold:
        return Made(spec=spec, slices=one_slice(GREY, drawn), readings=(reading,))
    return Made(spec=spec, refusal="threshold", readings=(reading,))


CASES = (
    *(Case(f"jpeg-exif-{tag}", partial(_exif, tag, False)) for tag in range(1, 9)),
    *(Case(f"mask-exif-{tag}", partial(_exif, tag, True)) for tag in (3, 6)),
    Case("png-exif", _exif_png),
    *(Case(f"jpeg-{mode.lower()}", partial(_jpeg, mode)) for mode in ("L", "RGB", "CMYK")),
    Case("jpeg-mask-threshold", partial(_jpeg_mask, True)),
    Case("jpeg-mask-bare", partial(_jpeg_mask, False)),
)
