"""TIFF: channels, stacks of pages, tiles and strips, and colours of print."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.corpus.case import AS_STORED, Case, Made, Reading, write_spec
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise, one_slice
from tests.corpus.pictures import save_mask, seen_by_opencv, seen_by_pillow
from tests.corpus.tiffs import COLOUR, GREY, SPEC, read_by_itk, write


def _alpha(sample: str, folder: Path) -> Made:
    """A fourth sample: ExtraSamples says whether it is an alpha channel."""
    alpha = np.full(GREY.shape, 255, np.uint8) if sample == "unassalpha" else draw_noise(seed=6)
    stored = np.dstack([COLOUR, alpha])
    write(folder / "a.tif", stored, photometric="rgb", extrasamples=[sample])
    save_mask(folder / "m.png")
    reading = seen_by_opencv(folder / "a.tif", stored)
    if sample == "unassalpha":
        return Made(spec=SPEC, slices=one_slice(COLOUR), readings=(reading,))
    return Made(spec=SPEC, refusal="channel|sample", readings=(reading,))


def _channels(count: int, chosen: str, folder: Path) -> Made:
    """Channels of a fluorescence microscope: none of them is an alpha channel."""
    stored = draw_noise((count, *SHAPE[1:]), 3)
    write(folder / "a.tif", stored, photometric="minisblack")
    save_mask(folder / "m.png")
    more = 'axes = "cyx"' + (f"\nchannels = {chosen}" if chosen else "")
    spec = write_spec("a.tif", "m.png", more=more, modality="microscopy")
    reading = Reading("Pillow", lambda: _read_pages(folder / "a.tif"), stored)
    if not chosen:
        return Made(spec=spec, refusal="channel", readings=(reading,))
    picked = [int(word) for word in chosen.strip("[]").split(",")]
    wanted = stored[picked[0]] if len(picked) == 1 else np.moveaxis(stored[picked], 0, 2)
    return Made(spec=spec, slices=one_slice(np.ascontiguousarray(wanted)), readings=(reading,))


def _read_pages(path: Path) -> NDArray[Any]:
    with Image.open(path) as file:
        pages = []
        for page in range(getattr(file, "n_frames", 1)):
            file.seek(page)
            pages.append(np.array(file))
    return np.stack(pages)


def _pages(how: str, folder: Path) -> Made:
    """A stack of pages as different programs write it."""
    voxels, drawn = draw_noise(SHAPE), draw_letters()
    options: dict[str, Any] = {"photometric": "minisblack"}
    if how == "imagej":
        options = {"imagej": True, "metadata": {"axes": "ZYX"}}
    elif how == "ome":
        options |= {"ome": True, "metadata": {"axes": "ZYX"}}
    elif how == "lzw":
        options |= {"compression": "lzw", "metadata": None}
    elif how == "big":
        options |= {"bigtiff": True, "byteorder": ">", "metadata": None}
    else:
        options |= {"tile": (16, 16), "metadata": None}
    ending = "ome.tif" if how == "ome" else "tif"
    tifffile.imwrite(folder / f"a.{ending}", voxels, **options)
    tifffile.imwrite(folder / f"m.{ending}", drawn.astype(np.uint8), **options)
    spec = write_spec(f"a.{ending}", f"m.{ending}", 'labels = { 1 = "lesion" }', AS_STORED)
    reading = Reading("Pillow", lambda: _read_pages(folder / f"a.{ending}"), voxels)
    if how == "big":
        reading = Reading("SimpleITK", partial(read_by_itk, folder / "a.tif"), voxels)
    return Made(spec=spec, slices=cut_slices(voxels, drawn), readings=(reading,))


def _white_pages(folder: Path) -> Made:
    """A stack in which 0 is white, and its masks too."""
    voxels, drawn = draw_noise(SHAPE), draw_letters()
    write(folder / "a.tif", np.uint8(255) - voxels, photometric="miniswhite")
    write(folder / "m.tif", (~drawn).astype(np.uint8) * np.uint8(255), photometric="miniswhite")
    spec = write_spec("a.tif", "m.tif", more=AS_STORED)
    reading = Reading("Pillow", lambda: _read_pages(folder / "a.tif"), voxels)
    return Made(spec=spec, slices=cut_slices(voxels, drawn), readings=(reading,))


def _hyperstack(folder: Path) -> Made:
    """Two channels of a volume: which one is meant has to be said."""
    stored = draw_noise((*SHAPE[:1], 2, *SHAPE[1:]), 4)
    tifffile.imwrite(folder / "a.tif", stored, imagej=True, metadata={"axes": "ZCYX"})
    write(folder / "m.tif", draw_letters().astype(np.uint8), photometric="minisblack")
    spec = write_spec("a.tif", "m.tif", 'labels = { 1 = "lesion" }', AS_STORED)
    return Made(spec=spec, refusal="axes|channel")


def _thumbnail(folder: Path) -> Made:
    """A second, smaller picture behind the first: the first is meant."""
    with tifffile.TiffWriter(folder / "a.tif") as file:
        file.write(GREY, photometric="minisblack", metadata=None)
        file.write(GREY[::4, ::4].copy(), photometric="minisblack", metadata=None, subfiletype=1)
    save_mask(folder / "m.png")
    reading = seen_by_opencv(folder / "a.tif", GREY)
    return Made(spec=SPEC, slices=one_slice(GREY), readings=(reading,))


def _layout(how: str, folder: Path) -> Made:
    ways: dict[str, dict[str, Any]] = {
        "tiled": {"tile": (16, 16)},
        "big-endian": {"byteorder": ">"},
        "big-tiff": {"bigtiff": True},
        "predictor": {"compression": "lzw", "predictor": True},
        "strips": {"compression": "lzw", "rowsperstrip": 7},
    }
    tifffile.imwrite(folder / "a.tif", COLOUR, photometric="rgb", metadata=None, **ways[how])
    save_mask(folder / "m.png")
    reading = seen_by_pillow(folder / "a.tif", COLOUR)
    return Made(spec=SPEC, slices=one_slice(COLOUR), readings=(reading,))


def _other_colours(space: str, folder: Path) -> Made:
    """Inks of print, or brightness and two differences: read as colours or refused."""
    blocks = np.kron(COLOUR[:5, :7], np.ones((8, 8, 1), np.uint8))[: SHAPE[1], : SHAPE[2]]
    file = Image.fromarray(np.ascontiguousarray(blocks))
    packed = {"YCbCr": "jpeg", "CMYK": None, "LAB": None}[space]
    options = {"compression": packed} if packed else {}
    converted = file if space == "YCbCr" else _convert(file, space)
    converted.save(folder / "a.tif", **options)
    save_mask(folder / "m.png")
    with Image.open(folder / "a.tif") as opened:
        shown = np.asarray(opened if space == "LAB" else opened.convert("RGB"))
    readings = (Reading("Pillow", lambda: shown.shape, np.array([*SHAPE[1:], 3])),)
    if space == "LAB":
        return Made(spec=SPEC, refusal="photometric|mode|colour", readings=readings)
    refusal = "photometric|mode|colour|ink" if space == "CMYK" else ""
    return Made(spec=SPEC, slices=one_slice(shown), refusal=refusal, tolerance=6, readings=readings)


def _convert(file: Image.Image, space: str) -> Image.Image:
    if space == "CMYK":
        return file.convert("CMYK")
    from PIL import ImageCms

    how = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    turned = ImageCms.applyTransform(file, how)
    assert turned is not None
    return turned


CASES = (
    Case("opaque-alpha", partial(_alpha, "unassalpha")),
    Case("fourth-colour", partial(_alpha, "unspecified")),
    *(
        Case(f"channels-{count}-{name}", partial(_channels, count, chosen))
        for count in (2, 4)
        for name, chosen in (("unsaid", ""), ("second", "[1]"))
    ),
    Case("channels-4-as-colours", partial(_channels, 4, "[2, 0, 1]")),
    *(
        Case(f"stack-{how}", partial(_pages, how))
        for how in ("imagej", "ome", "lzw", "big", "tile")
    ),
    Case("stack-miniswhite", _white_pages),
    Case("hyperstack", _hyperstack),
    Case("thumbnail", _thumbnail),
    *(
        Case(how, partial(_layout, how))
        for how in ("tiled", "big-endian", "big-tiff", "predictor", "strips")
    ),
    *(Case(space.lower(), partial(_other_colours, space)) for space in ("YCbCr", "CMYK", "LAB")),
)
