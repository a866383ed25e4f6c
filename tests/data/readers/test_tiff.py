"""TIFF files written by three libraries, against the arrays that they were made of."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.tiff import read_tiff
from tests.data.raw_files import draw_noise

GREY = draw_noise((20, 26))
COLOUR = draw_noise((20, 26, 3))
STACK = draw_noise((5, 20, 26))
LOSSLESS = ("none", "lzw", "deflate", "packbits", "zstd", "lzma")


def read_with_pillow(path: Path) -> NDArray[Any]:
    """Return the pixels of a file as another library sees them."""
    with Image.open(path) as file:
        return np.array(file)


def read_photometric(path: Path) -> int:
    """Return the photometric interpretation that a file states."""
    with tifffile.TiffFile(path) as file:
        return int(file.pages.first.photometric)


def write(path: Path, array: NDArray[Any], **options: Any) -> Path:  # noqa: ANN401
    """Write a TIFF file with tifffile and return where it lies."""
    tifffile.imwrite(path / "a.tif", array, **options)
    return path / "a.tif"


@pytest.mark.parametrize("compression", LOSSLESS)
@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strips", "tiles"])
def test_pixels_are_the_same_under_every_lossless_compression(
    tmp_path: Path, compression: str, array: NDArray[Any], tile: tuple[int, int] | None
) -> None:
    path = write(tmp_path, array, compression=compression, tile=tile)

    assert np.array_equal(read_tiff(path).array, array)
    assert not read_tiff(path).lossy


@pytest.mark.parametrize("compression", ["raw", "group3", "group4", "tiff_ccitt", "tiff_lzw"])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("fill_order", [1, 2])
def test_one_bit_is_the_same_however_it_is_packed(
    tmp_path: Path, compression: str, photometric: int, fill_order: int
) -> None:
    drawn = GREY > 128
    path = tmp_path / "a.tif"
    tags = {262: photometric, 266: fill_order}
    Image.fromarray(drawn).save(path, compression=compression, tiffinfo=tags)
    assert read_photometric(path) == photometric

    assert np.array_equal(read_tiff(path).array, read_with_pillow(path))
    # Pillow writes the tag of the fill order without compression, yet not its bits.
    if (compression, fill_order) != ("raw", 2):
        assert np.array_equal(read_tiff(path).array, drawn)


def test_jpeg_in_tiff_is_rgb_and_lossy(tmp_path: Path) -> None:
    smooth = cv2.resize(COLOUR, (64, 64), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg", quality=95)

    picture = read_tiff(tmp_path / "a.tif")

    assert picture.lossy
    assert np.array_equal(picture.array, read_with_pillow(tmp_path / "a.tif"))
    assert np.abs(picture.array.astype(int) - smooth).mean() < 8


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_number_type_in_both_byte_orders(tmp_path: Path, kind: str, order: Any) -> None:  # noqa: ANN401
    array = (GREY / 2).astype(kind)

    assert np.array_equal(read_tiff(write(tmp_path, array, byteorder=order)).array, array)


@pytest.mark.parametrize(("predictor", "kind"), [(2, "u2"), (3, "f4")])
def test_predictors_are_undone(tmp_path: Path, predictor: int, kind: str) -> None:
    array = GREY.astype(kind)
    path = write(tmp_path, array, compression="deflate", predictor=predictor)

    assert np.array_equal(read_tiff(path).array, array)


@pytest.mark.parametrize(("kind", "white"), [("u1", 255), ("u2", 65535)])
@pytest.mark.parametrize("compression", LOSSLESS)
def test_grey_levels_where_zero_is_white_are_inverted(
    tmp_path: Path, kind: str, white: int, compression: str
) -> None:
    array = GREY.astype(kind)
    path = write(tmp_path, array, photometric="miniswhite", compression=compression)

    picture = read_tiff(path)

    assert np.array_equal(picture.array, white - array)
    assert picture.notes == ("inverted, since 0 is white",)


def test_one_bit_in_which_tifffile_may_not_mean_white_by_zero_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GREY > 9)
    assert read_photometric(path) == 0

    with pytest.raises(InputError, match="PhotometricInterpretation: is white-is-zero, maybe"):
        read_tiff(path)


@pytest.mark.parametrize(("scale", "id_"), [(1, "8 bit"), (256, "shifted"), (257, "spread")])
def test_colour_maps_of_all_scales_are_the_same_colours(
    tmp_path: Path, scale: int, id_: str
) -> None:
    colours = draw_noise((256, 3), seed=3)
    colour_map = (colours.T.astype(np.uint16) * scale).astype(np.uint16)
    path = write(tmp_path, GREY, photometric="palette", colormap=colour_map)

    picture = read_tiff(path)

    assert picture.palette is not None, id_
    assert np.array_equal(picture.palette[picture.array], colours[GREY])


@pytest.mark.parametrize("extra", ["assocalpha", "unassalpha"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_an_alpha_channel_is_what_extra_samples_declare(
    tmp_path: Path,
    extra: str,
    planar: Any,  # noqa: ANN401
) -> None:
    both = np.dstack([COLOUR, GREY])
    array = both if planar == "contig" else np.ascontiguousarray(both.transpose(2, 0, 1))
    options = {"planarconfig": planar, "extrasamples": [extra], "software": False}
    path = write(tmp_path, array, photometric="rgb", **options)

    picture = read_tiff(path)

    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, GREY)
    assert np.array_equal(np.moveaxis(picture.array, picture.axes.index("S"), -1), COLOUR)


def test_an_extra_sample_that_is_not_declared_stays_a_channel(tmp_path: Path) -> None:
    array = np.dstack([COLOUR, GREY])
    path = write(tmp_path, array, photometric="rgb", extrasamples=["unspecified"])

    picture = read_tiff(path)

    assert picture.alpha is None
    assert np.array_equal(picture.array, array)


def test_what_tifffile_calls_alpha_unasked_stays_a_channel_unless_it_is_full(
    tmp_path: Path,
) -> None:
    four = np.dstack([COLOUR, GREY])
    opaque = np.dstack([COLOUR, np.full_like(GREY, 255)])

    assert np.array_equal(read_tiff(write(tmp_path, four, photometric="rgb")).array, four)
    assert np.array_equal(read_tiff(write(tmp_path, opaque, photometric="rgb")).array, COLOUR)


@pytest.mark.parametrize("writer", ["Pillow", "cv2", "imageio"])
def test_an_opaque_picture_of_any_writer_is_its_colours(tmp_path: Path, writer: str) -> None:
    array = np.dstack([COLOUR, np.full_like(GREY, 255)])
    path = tmp_path / "a.tif"
    if writer == "Pillow":
        Image.fromarray(array).save(path)
    elif writer == "cv2":
        cv2.imwrite(str(path), array[..., [2, 1, 0, 3]])
    else:
        imageio.imwrite(path, array)

    assert np.array_equal(read_tiff(path).array, COLOUR)


def _turn_with_pillow(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    moves = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    picture = Image.fromarray(array)
    return np.array(picture.transpose(moves[orientation]) if orientation in moves else picture)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["none", "lzw", "deflate"])
@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_every_orientation_is_obeyed_under_every_compression(
    tmp_path: Path, orientation: int, compression: str, array: NDArray[Any]
) -> None:
    tag = (274, "H", 1, orientation, True)
    path = write(tmp_path, array, compression=compression, extratags=[tag])

    picture = read_tiff(path)

    assert np.array_equal(picture.array, _turn_with_pillow(array, orientation))
    assert picture.orientation == orientation


def test_every_page_of_a_stack_is_turned(tmp_path: Path) -> None:
    path = write(tmp_path, STACK, extratags=[(274, "H", 1, 6, False)])

    assert np.array_equal(read_tiff(path).array, np.rot90(STACK, -1, (1, 2)))


def _write_pages(path: Path, metadata: dict[str, str] | None) -> None:
    with tifffile.TiffWriter(path) as file:
        for page in STACK:
            file.write(page, contiguous=False, metadata=metadata)


@pytest.mark.parametrize("writer", ["tifffile", "tifffile page by page", "plain", "Pillow", "cv2"])
def test_pages_of_one_size_are_a_stack_whoever_wrote_them(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "a.tif"
    pages = [Image.fromarray(page) for page in STACK]
    if writer == "tifffile":
        tifffile.imwrite(path, STACK)
    elif writer == "Pillow":
        pages[0].save(path, save_all=True, append_images=pages[1:])
    elif writer == "cv2":
        cv2.imwritemulti(str(path), list(STACK))
    else:
        _write_pages(path, None if writer == "plain" else {})

    assert np.array_equal(read_tiff(path).array, STACK)


def test_smaller_copies_of_a_picture_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for order in ((1, 2), (2, 1)):
        with tifffile.TiffWriter(path) as file:
            for step in order:
                file.write(GREY[::step, ::step], subfiletype=step - 1, metadata=None)
        assert np.array_equal(read_tiff(path).array, GREY)
    with tifffile.TiffWriter(path) as file:
        file.write(GREY, subifds=1)
        file.write(GREY[::2, ::2], subfiletype=1)

    assert np.array_equal(read_tiff(path).array, GREY)


@pytest.mark.parametrize("axes", ["ZYX", "CYX", "TYX", "ZCYX", "TZCYX"])
@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_axes_are_those_that_the_file_names(tmp_path: Path, axes: str, kind: str) -> None:
    array = draw_noise((*[2, 3, 4][: len(axes) - 2], 20, 26))
    options = {kind: True, "metadata": {"axes": axes}, "photometric": "minisblack"}

    picture = read_tiff(write(tmp_path, array, **options))

    assert picture.axes == axes
    assert np.array_equal(picture.array, array)


REFUSED: dict[str, tuple[Any, str]] = {
    "CMYK": (lambda p: Image.fromarray(COLOUR).convert("CMYK").save(p), "got SEPARATED"),
    "CIELAB": (lambda p: Image.fromarray(COLOUR).convert("LAB").save(p), "got CIELAB"),
    "YCbCr": (lambda p: Image.fromarray(COLOUR).convert("YCbCr").save(p), "YCbCr without JPEG"),
    "JPEG 2000": (lambda p: tifffile.imwrite(p, GREY, compression="jpeg2000"), "got JPEG2000"),
    "WebP": (lambda p: tifffile.imwrite(p, COLOUR, compression="webp"), "got WEBP"),
    "complex": (lambda p: tifffile.imwrite(p, GREY.astype(np.complex64)), "no plain numbers"),
    "white-is-zero in floating point": (
        lambda p: tifffile.imwrite(p, GREY.astype(np.float32), photometric="miniswhite"),
        "white-is-zero in signed or floating",
    ),
    "pages of two sizes": (
        lambda p: Image.fromarray(GREY).save(
            p, save_all=True, append_images=[Image.fromarray(GREY[:9])]
        ),
        r"several pictures or stacks \(got \(20, 26\), \(9, 26\)",
    ),
    "pages of two orientations": (
        lambda p: Image.fromarray(GREY).save(
            p, save_all=True, append_images=[_tag(Image.fromarray(GREY), 3)]
        ),
        "Orientation: differs from page to page",
    ),
}


def _tag(picture: Image.Image, orientation: int) -> Image.Image:
    picture.encoderinfo = {"tiffinfo": {274: orientation}}
    return picture


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    make, message = REFUSED[name]
    make(tmp_path / "a.tif")

    with pytest.raises(InputError, match=message):
        read_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize("writer", ["cv2", "plain", "lzw"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.98])
def test_a_stack_that_is_cut_off_never_loses_pages_silently(
    tmp_path: Path, writer: str, share: float
) -> None:
    path = tmp_path / "a.tif"
    if writer == "cv2":
        cv2.imwritemulti(str(path), list(STACK))
    elif writer == "plain":
        _write_pages(path, None)
    else:
        tifffile.imwrite(path, STACK, compression="lzw")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(InputError, match=r"a\.tif: (is damaged|is cut off|lacks some)"):
        read_tiff(path)


def test_planes_in_other_files_are_not_made_up(tmp_path: Path) -> None:
    description = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="26" SizeY="20" '
        'SizeZ="2" SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData IFD="0" FirstZ="0"><UUID FileName="a.tif">urn:uuid:1</UUID></TiffData>'
        '<TiffData IFD="0" FirstZ="1"><UUID FileName="b.tif">urn:uuid:2</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    path = write(tmp_path, GREY, description=description, metadata=None)

    with pytest.raises(InputError, match=r"damaged or cut off|other files"):
        read_tiff(path)


def _set(path: Path, tag: str, value: int) -> None:
    with tifffile.TiffFile(path) as file:
        found = file.pages.first.tags[tag]
        place, size = found.valueoffset, "H" if found.dtype == 3 else "I"
    data = bytearray(path.read_bytes())
    data[place : place + struct.calcsize(size)] = struct.pack(f"<{size}", value)
    path.write_bytes(data)


def test_jpeg_data_that_claim_another_size_are_not_decoded(tmp_path: Path) -> None:
    path = write(tmp_path, GREY, compression="jpeg")
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    path.write_bytes(data)

    with pytest.raises(InputError, match="JPEG: is larger than its strip or tile"):
        read_tiff(path)


def test_deflated_data_that_swell_are_not_held(tmp_path: Path) -> None:
    path = write(tmp_path, GREY, compression="deflate")
    bomb = zlib.compress(bytes(50_000_000), 9)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + bomb)
    _set(path, "StripOffsets", size)
    _set(path, "StripByteCounts", len(bomb))

    with pytest.raises(InputError, match="is damaged or no TIFF file"):
        read_tiff(path)


def test_huge_tiles_are_refused_before_they_are_made(tmp_path: Path) -> None:
    path = write(tmp_path, GREY, compression="deflate", tile=(16, 16))
    _set(path, "TileWidth", 32768)
    _set(path, "TileLength", 32768)

    with pytest.raises(InputError, match="size: is too large"):
        read_tiff(path)
