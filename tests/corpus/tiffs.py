"""TIFF: every photometric interpretation, compression, orientation, layout and depth.

Written by tifffile (with imagecodecs for what is compressed), read again by Pillow, SimpleITK or
OpenCV.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tests.corpus.case import Case, Made, Reading, write_spec
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise, one_slice
from tests.corpus.pictures import read_pillow, save, save_mask, seen_by_opencv, seen_by_pillow

GREY = draw_noise()
COLOUR = draw_noise((*SHAPE[1:], 3), 1)
MASK = draw_letter()
PALETTE = draw_noise((256, 3), 5)
SPEC = write_spec("a.tif", "m.png", modality="microscopy")
MINMAX = write_spec("a.tif", "m.png", more='normalisation = "minmax"', modality="microscopy")
MASK_SPEC = write_spec("a.png", "m.tif", modality="microscopy")
COMPRESSIONS = ("none", "deflate", "lzw", "packbits")


def write(path: Path, array: NDArray[Any], compression: str = "none", **options: Any) -> None:  # noqa: ANN401
    """Write a TIFF file with tifffile."""
    packed = {} if compression == "none" else {"compression": compression}
    tifffile.imwrite(path, array, metadata=None, **{"software": "scanner", **packed, **options})


def _photometric(kind: str, compression: str, folder: Path) -> Made:
    path, mode = folder / "a.tif", ""
    wanted: NDArray[np.uint8] = GREY
    if kind == "rgb":
        wanted = COLOUR
        write(path, COLOUR, compression, photometric="rgb")
    elif kind == "palette":
        wanted, mode = PALETTE[GREY], "RGB"
        colormap = PALETTE.T.astype(np.uint16) * np.uint16(257)
        write(path, GREY, compression, photometric="palette", colormap=colormap)
    elif kind.endswith("1"):
        wanted, mode = (GREY > 127).astype(np.uint8) * np.uint8(255), "L"
        stored = (GREY > 127) ^ (kind == "miniswhite1")
        write(path, stored, compression, photometric=kind[:-1])
    else:
        stored8 = GREY if kind == "minisblack" else np.uint8(255) - GREY
        write(path, stored8, compression, photometric=kind)
    save_mask(folder / "m.png")
    return Made(spec=SPEC, slices=one_slice(wanted), readings=(seen_by_pillow(path, wanted, mode),))


def _white_mask(bits: int, compression: str, folder: Path) -> Made:
    """A mask in which 0 is white: what is white is foreground."""
    save(folder / "a.png", GREY)
    stored = ~MASK if bits == 1 else (~MASK).astype(np.uint8) * np.uint8(255)
    write(folder / "m.tif", stored, compression, photometric="miniswhite")
    reading = seen_by_pillow(folder / "m.tif", MASK.astype(np.uint8) * np.uint8(255), "L")
    return Made(spec=MASK_SPEC, slices=one_slice(GREY), readings=(reading,))


def _palette_mask(compression: str, folder: Path) -> Made:
    """Colours are those that the palette names."""
    save(folder / "a.png", GREY)
    colormap = np.zeros((3, 256), np.uint16)
    colormap[:, 0], colormap[:, 1] = np.array([200, 40, 40]) * 257, np.array([40, 40, 200]) * 257
    write(folder / "m.tif", MASK.astype(np.uint8), compression, photometric="palette",
          colormap=colormap)  # fmt: skip
    meaning = 'colours = { "40,40,200" = "lesion" }\nbackground = "200,40,40"'
    shown = np.where(MASK[..., np.newaxis], (40, 40, 200), (200, 40, 40)).astype(np.uint8)
    reading = seen_by_pillow(folder / "m.tif", shown, "RGB")
    return Made(
        spec=write_spec("a.png", "m.tif", meaning), slices=one_slice(GREY), readings=(reading,)
    )


def _white_by_default(folder: Path) -> Made:
    """Bits that tifffile files as white-is-zero unless told otherwise: as filed, or refused."""
    save(folder / "a.png", GREY)
    write(folder / "m.tif", ~MASK, photometric="miniswhite", software="tifffile.py")
    reading = seen_by_pillow(folder / "m.tif", MASK.astype(np.uint8) * np.uint8(255), "L")
    return Made(
        spec=MASK_SPEC, slices=one_slice(GREY), refusal="photometric|white", readings=(reading,)
    )


def turn(array: NDArray[Any], tag: int) -> NDArray[Any]:
    """Return what has to be stored for a reader that obeys orientation `tag` to show `array`."""
    if tag in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if tag in (3, 4, 7, 8):
        array = array[::-1] if tag in (3, 4) else array
    flips = {2: (False, True), 3: (False, True), 6: (True, False), 7: (True, True),
             8: (False, True)}  # fmt: skip
    down, across = flips.get(tag, (False, False))
    array = array[::-1] if down else array
    return np.ascontiguousarray(array[:, ::-1] if across else array)


def _orientation(tag: int, compression: str, of_mask: bool, folder: Path) -> Made:
    tags = [(274, "H", 1, tag, True)]
    save_mask(folder / "m.png")
    if of_mask:
        save(folder / "a.png", GREY)
        path, wanted, spec = folder / "m.tif", MASK.astype(np.uint8) * np.uint8(255), MASK_SPEC
    else:
        path, wanted, spec = folder / "a.tif", GREY, SPEC
    write(path, turn(wanted, tag), compression, photometric="minisblack", extratags=tags)
    return Made(
        spec=spec, slices=one_slice(GREY),
        readings=(Reading("Pillow", partial(_read_turned, path, tag), wanted),),
    )  # fmt: skip


def _read_turned(path: Path, tag: int) -> NDArray[Any]:
    """Return the picture as it is shown; Pillow leaves sides unswapped where nothing is packed."""
    exif = Image.Exif()
    exif[274] = tag
    stored = Image.fromarray(tifffile.imread(path))
    stored.info["exif"] = exif.tobytes()
    return np.asarray(ImageOps.exif_transpose(stored))


def _planar(compression: str, folder: Path) -> Made:
    """Colours that lie one plane after the other."""
    write(folder / "a.tif", np.moveaxis(COLOUR, 2, 0).copy(), compression, photometric="rgb",
          planarconfig="separate")  # fmt: skip
    save_mask(folder / "m.png")
    reading = seen_by_opencv(folder / "a.tif", COLOUR)
    if compression == "none":
        reading = seen_by_pillow(folder / "a.tif", COLOUR)
    return Made(spec=SPEC, slices=one_slice(COLOUR), readings=(reading,))


def _depth(kind: str, compression: str, folder: Path) -> Made:
    """Grey of other number types, spanned from the smallest to the largest value."""
    dtype = np.dtype(kind)
    low, factor = (-1000, 7) if dtype.kind in "if" else (0, 257)
    stored = (GREY.astype(np.int64) * factor + low).astype(dtype)
    write(folder / "a.tif", stored, compression, photometric="minisblack")
    save_mask(folder / "m.png")
    reading = Reading("SimpleITK", partial(read_by_itk, folder / "a.tif"), stored)
    if kind == "<i2":
        reading = Reading("Pillow", lambda: read_pillow(folder / "a.tif").astype(dtype), stored)
    return Made(spec=MINMAX, slices=one_slice(GREY), readings=(reading,))


def read_by_itk(path: Path) -> NDArray[Any]:
    """Return the pages of a file as SimpleITK shows them."""
    found: NDArray[Any] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    return found


def _deep_white(folder: Path) -> Made:
    """16 bits in which 0 is white."""
    stored = np.uint16(65535) - GREY.astype(np.uint16) * np.uint16(257)
    write(folder / "a.tif", stored, photometric="miniswhite")
    save_mask(folder / "m.png")
    reading = Reading("tifffile", lambda: tifffile.imread(folder / "a.tif"), stored)
    return Made(spec=MINMAX, slices=one_slice(GREY), readings=(reading,))


def _deep_colour(folder: Path) -> Made:
    stored = COLOUR.astype(np.uint16) * np.uint16(257)
    write(folder / "a.tif", stored, photometric="rgb")
    save_mask(folder / "m.png")
    reading = seen_by_opencv(folder / "a.tif", stored)
    return Made(spec=MINMAX, slices=one_slice(COLOUR), readings=(reading,))


def _few_bits(bits: int, folder: Path) -> Made:
    """Labels packed into fewer bits than a byte; values are codes."""
    save(folder / "a.png", GREY)
    codes = MASK.astype(np.uint8) * np.uint8(2**bits - 1)
    write(folder / "m.tif", codes, photometric="minisblack", bitspersample=bits)
    spec = write_spec("a.png", "m.tif", f'labels = {{ {2**bits - 1} = "lesion" }}')
    reading = Reading("Pillow", lambda: read_pillow(folder / "m.tif") > 0, MASK)
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


KINDS = ("minisblack", "miniswhite", "minisblack1", "miniswhite1", "palette", "rgb")

CASES = (
    *(
        Case(f"{kind}-{compression}", partial(_photometric, kind, compression))
        for kind in KINDS
        for compression in COMPRESSIONS
    ),
    *(
        Case(f"mask-miniswhite{bits}-{compression}", partial(_white_mask, bits, compression))
        for bits in (1, 8)
        for compression in ("none", "lzw")
    ),
    Case("mask-miniswhite-by-default", _white_by_default),
    *(Case(f"mask-palette-{word}", partial(_palette_mask, word)) for word in ("none", "lzw")),
    *(
        Case(f"orientation-{tag}-{word}", partial(_orientation, tag, word, False))
        for tag in range(1, 9)
        for word in ("none", "lzw")
    ),
    *(Case(f"mask-orientation-{tag}", partial(_orientation, tag, "none", True)) for tag in (3, 6)),
    *(Case(f"planar-{word}", partial(_planar, word)) for word in ("none", "lzw")),
    *(
        Case(f"grey-{kind[1:]}-{word}", partial(_depth, kind, word))
        for kind in ("<u2", "<i2", "<f4")
        for word in ("none", "deflate", "lzw")
    ),
    Case("miniswhite-16-bits", _deep_white),
    Case("colour-16-bits", _deep_colour),
    *(Case(f"mask-{bits}-bits", partial(_few_bits, bits)) for bits in (2, 4)),
)
