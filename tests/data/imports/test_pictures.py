"""Pictures whose format says how they are meant: turned, inverted, looked up, or asked about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, save_picture
from tests.import_files import iter_source_images

GREY = draw_noise((24, 32))
COLOUR = draw_noise((24, 32, 3), seed=1)
DRAWN = np.zeros((24, 32), np.uint8)
DRAWN[2:9, 4:15] = 1
WHITE = DRAWN * np.uint8(255)
BLACK = np.zeros_like(DRAWN)
FULL = np.full_like(DRAWN, 255)
WHOLE = "object = 'lesion'"
CODES = "labels = { 1 = 'lesion' }"


def read(folder: Path, image: str, mask: str, meaning: str = WHOLE, more: str = "") -> SourceImage:
    """Return the only image of an import."""
    spec = parse_spec(write_spec(image, mask, meaning, more), "spec.toml")
    (found,) = iter_source_images(plan_import(spec, folder))
    return found


def read_mask(folder: Path, mask: str, meaning: str = WHOLE) -> NDArray[np.bool_]:
    """Return what a mask draws on a good image."""
    save_picture(folder / "image.png", GREY)
    return read(folder, "image.png", mask, meaning).masks["lesion"][0]


def read_pixels(folder: Path, image: str, more: str = "") -> NDArray[np.uint8]:
    """Return the pixels of an image with a good mask."""
    save_picture(folder / "mask.png", WHITE)
    return read(folder, image, "mask.png", more=more).pixels


def with_palette(indices: NDArray[np.uint8], *colours: tuple[int, int, int]) -> Image.Image:
    """Return a picture of indices."""
    picture = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    picture.putpalette([value for colour in colours for value in colour])
    return picture


UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
    5: lambda a: np.rot90(np.fliplr(a), 1), 6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.fliplr(a), -1), 8: lambda a: np.rot90(a, 1),
}  # fmt: skip


def save_turned(path: Path, array: NDArray[Any], orientation: int, **options: Any) -> None:  # noqa: ANN401
    """Write a picture with an orientation tag."""
    if path.suffix == ".tif":
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, array, extratags=[tag], **options)
        return
    exif = Image.Exif()
    exif[274] = orientation
    save_picture(path, array, exif=exif, **options)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("suffix", "options"),
    [("png", {}), ("jpg", {"quality": 100}), ("tif", {}), ("tif", {"compression": "lzw"})],
)
def test_images_and_masks_are_turned_as_their_tag_says(
    tmp_path: Path, orientation: int, suffix: str, options: dict[str, Any]
) -> None:
    bright = DRAWN * np.uint8(200) + np.uint8(30)
    save_turned(tmp_path / f"image.{suffix}", bright, orientation, **options)
    save_turned(tmp_path / f"mask.{suffix}", WHITE, orientation, **options)
    threshold = f"{WHOLE}\nthreshold = 128"

    image = read(tmp_path, f"image.{suffix}", f"mask.{suffix}", threshold)

    (mask,) = image.masks["lesion"]
    assert np.array_equal(mask, UPRIGHT[orientation](DRAWN) > 0)
    assert image.pixels[mask].min() > 200
    assert image.pixels[~mask].max() < 60
    assert ("turned as its orientation tag says" in image.notes) == (orientation > 1)
    if suffix != "tif":
        seen = cv2.imread(str(tmp_path / f"image.{suffix}"), cv2.IMREAD_GRAYSCALE)
        assert seen is not None
        assert np.array_equal(image.pixels, seen)


@pytest.mark.parametrize("turned", ["image", "mask"])
@pytest.mark.parametrize("more", ["", "resample = 'nearest'"])
def test_a_mask_that_fits_only_unturned_is_refused_by_its_tag(
    tmp_path: Path, turned: str, more: str
) -> None:
    for name, array in (("image", GREY), ("mask", WHITE)):
        save_turned(tmp_path / f"{name}.png", array, 6 if turned == name else 1)

    with pytest.raises(InputError, match=r"orientation tag: of .*turns it, and only unturned"):
        read(tmp_path, "image.png", "mask.png", more=more)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_tag_is_ignored_where_the_import_file_says_so(tmp_path: Path, suffix: str) -> None:
    save_turned(tmp_path / f"image.{suffix}", GREY, 6)
    save_picture(tmp_path / "mask.png", WHITE)

    image = read(tmp_path, f"image.{suffix}", "mask.png", more="orientation = 'ignore'")

    assert np.array_equal(image.pixels, GREY)
    assert image.notes == ("8 bit",)


def test_polygons_lie_on_the_turned_picture(tmp_path: Path) -> None:
    upright = UPRIGHT[6](DRAWN)
    save_turned(tmp_path / "a.jpg", DRAWN * np.uint8(200), 6, quality=100)
    rows, columns = np.nonzero(upright)
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    box = [[left, top], [right, top], [right, bottom], [left, bottom]]
    shape = {"label": "lesion", "points": np.array(box).tolist(), "shape_type": "polygon"}
    height, width = upright.shape
    (tmp_path / "a.json").write_text(
        json.dumps({"shapes": [shape], "imageHeight": height, "imageWidth": width})
    )
    meaning = "kind = 'polygons'\nnames = { lesion = 'lesion' }"

    image = read(tmp_path, "{case}.jpg", "{case}.json", meaning)

    assert image.pixels[image.masks["lesion"][0]].mean() > 190


def test_a_damaged_orientation_tag_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    save_turned(tmp_path / "image.jpg", GREY, 6, quality=100)
    data = (tmp_path / "image.jpg").read_bytes()
    (tmp_path / "image.jpg").write_bytes(data.replace(b"Exif\0\0MM", b"Exif\0\0XX"))

    assert read_pixels(tmp_path, "image.jpg").shape == GREY.shape


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits"])
def test_masks_and_images_in_which_zero_is_white_are_seen_as_viewers_do(
    tmp_path: Path, compression: str | None
) -> None:
    for name, array in (("image", 255 - GREY), ("mask", 255 - WHITE)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", array, photometric="miniswhite", compression=compression
        )

    image = read(tmp_path, "image.tif", "mask.tif")

    assert np.array_equal(image.masks["lesion"][0], DRAWN > 0)
    assert np.array_equal(image.pixels, GREY)
    assert "inverted, since 0 is white" in image.notes


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tif"])
def test_colours_of_a_palette_are_looked_up_in_every_format(tmp_path: Path, suffix: str) -> None:
    picture = with_palette(DRAWN, (200, 40, 40), (40, 40, 200))
    picture.save(tmp_path / f"p.{suffix}")
    colours = "colours = { '40,40,200' = 'lesion' }\nbackground = '200,40,40'"

    pixels = read_pixels(tmp_path, f"p.{suffix}")

    assert np.array_equal(pixels, np.array(picture.convert("RGB")))
    assert np.array_equal(read_mask(tmp_path, f"p.{suffix}", colours), DRAWN > 0)
    assert np.array_equal(read_mask(tmp_path, f"p.{suffix}", CODES), DRAWN > 0)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_of_few_bits_are_read(tmp_path: Path, bits: int) -> None:
    with_palette(DRAWN, (0, 0, 0), (255, 255, 255)).save(tmp_path / "m.png", bits=bits)

    assert np.array_equal(read_mask(tmp_path, "m.png"), DRAWN > 0)


@pytest.mark.parametrize("suffix", ["png", "gif", "tif"])
@pytest.mark.parametrize("indices", [DRAWN, 1 - DRAWN], ids=["as a mask", "swapped"])
def test_an_object_is_the_brighter_of_two_colours_of_a_palette_whatever_its_index(
    tmp_path: Path, suffix: str, indices: NDArray[np.uint8]
) -> None:
    with_palette(indices, (255, 255, 255), (0, 0, 0)).save(tmp_path / f"m.{suffix}")

    assert np.array_equal(read_mask(tmp_path, f"m.{suffix}"), indices == 0)


@pytest.mark.parametrize("suffix", ["png", "gif", "tif"])
@pytest.mark.parametrize(
    ("indices", "colours"),
    [
        (DRAWN, [(200, 40, 40), (40, 40, 200)]),
        (DRAWN + DRAWN * (GREY > 99), [(0, 0, 0), (99, 0, 0), (0, 99, 0)]),
    ],
    ids=["two alike", "two classes"],
)
def test_an_object_by_several_colours_of_a_palette_is_refused(
    tmp_path: Path,
    suffix: str,
    indices: NDArray[np.uint8],
    colours: list[tuple[int, int, int]],
) -> None:
    with_palette(indices, *colours).save(tmp_path / f"m.{suffix}")

    with pytest.raises(InputError, match="object: stands for several colours of a palette"):
        read_mask(tmp_path, f"m.{suffix}")


def test_an_empty_mask_of_a_nearly_black_palette_is_empty(tmp_path: Path) -> None:
    with_palette(BLACK, (4, 2, 4), (252, 254, 252)).save(tmp_path / "m.png")

    assert not read_mask(tmp_path, "m.png").any()


CLEAR_MASKS: dict[str, tuple[NDArray[Any], str]] = {
    "white, alpha the same": (np.dstack([WHITE, WHITE]), WHOLE),
    "red on clear black": (np.dstack([WHITE, BLACK, BLACK, WHITE]), WHOLE),
    "half clear red on black": (np.dstack([WHITE, BLACK, BLACK, DRAWN * np.uint8(99)]), WHOLE),
    "opaque": (np.dstack([WHITE, WHITE, WHITE, FULL]), WHOLE),
    "black, drawn in alpha": (np.dstack([BLACK, WHITE]), f"{WHOLE}\nchannels = [1]"),
    "white, drawn in alpha": (np.dstack([FULL, FULL, FULL, WHITE]), f"{WHOLE}\nchannels = [3]"),
    "drawn in red": (np.dstack([WHITE, GREY, GREY, GREY]), f"{WHOLE}\nchannels = [0]"),
    "drawn in colours": (
        np.dstack([WHITE, BLACK, BLACK, GREY]),
        "colours = { '255,0,0' = 'lesion' }\nchannels = [0, 1, 2]",
    ),
}
UNCLEAR_MASKS: dict[str, tuple[NDArray[Any], str]] = {
    "black, drawn in alpha": (np.dstack([BLACK, WHITE]), WHOLE),
    "white, drawn in alpha": (np.dstack([FULL, WHITE]), WHOLE),
    "red, drawn in alpha": (np.dstack([FULL, BLACK, BLACK, WHITE]), WHOLE),
    "black on clear white": (np.dstack([*[255 - WHITE] * 3, WHITE]), WHOLE),
    "a half clear code": (np.dstack([*[DRAWN] * 3, 255 - WHITE // 2]), CODES),
    "half clear colours": (
        np.dstack([WHITE, BLACK, BLACK, 255 - WHITE // 2]), "colours = { '255,0,0' = 'lesion' }"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAR_MASKS)
def test_alpha_in_masks_is_dropped_where_it_says_no_more_than_the_colours(
    tmp_path: Path, name: str
) -> None:
    array, meaning = CLEAR_MASKS[name]
    save_picture(tmp_path / "m.png", array)

    assert np.array_equal(read_mask(tmp_path, "m.png", meaning), DRAWN > 0)


@pytest.mark.parametrize("name", UNCLEAR_MASKS)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_alpha_that_may_hold_the_mask_is_asked_about(
    tmp_path: Path, name: str, suffix: str
) -> None:
    array, meaning = UNCLEAR_MASKS[name]
    save_picture(tmp_path / f"m.{suffix}", array)
    position = array.shape[2] - 1

    with pytest.raises(InputError, match=rf"alpha: may hold .*channels = \[{position}\] for alpha"):
        read_mask(tmp_path, f"m.{suffix}", meaning)


@pytest.mark.parametrize(
    ("picture", "clear", "unclear"),
    [
        (Image.fromarray(WHITE), 0, 255),
        (Image.fromarray(np.dstack([WHITE] * 3)), (0, 0, 0), (255, 255, 255)),
        (with_palette(DRAWN, (0, 0, 0), (255, 255, 255)), 0, 1),
        (Image.fromarray(DRAWN > 0), 0, 1),
    ],
    ids=["grey", "RGB", "palette", "1 bit"],
)
def test_a_transparent_colour_is_an_alpha_channel(
    tmp_path: Path,
    picture: Image.Image,
    clear: int | tuple[int, ...],
    unclear: int | tuple[int, ...],
) -> None:
    picture.save(tmp_path / "m.png", transparency=clear)
    assert np.array_equal(read_mask(tmp_path, "m.png"), DRAWN > 0)

    picture.save(tmp_path / "m.png", transparency=unclear)
    with pytest.raises(InputError, match="alpha: may hold the mask"):
        read_mask(tmp_path, "m.png")


def test_an_image_drawn_in_its_alpha_channel_is_asked_about(tmp_path: Path) -> None:
    save_picture(tmp_path / "image.png", np.dstack([FULL, FULL, FULL, GREY]))

    with pytest.raises(InputError, match=r"alpha: holds the picture.*channels = \[3\]"):
        read_pixels(tmp_path, "image.png")
    assert np.array_equal(read_pixels(tmp_path, "image.png", "channels = [3]"), GREY)


@pytest.mark.parametrize("count", [2, 4, 5])
@pytest.mark.parametrize("layout", ["cyx", "yxc", "npy", "imagej"])
def test_channels_that_no_file_declares_are_asked_for(
    tmp_path: Path, count: int, layout: str
) -> None:
    array = draw_noise((count, 24, 32))
    axes = "axes = 'cyx'\n" if layout in ("cyx", "npy") else ""
    path, grey = tmp_path / "image.tif", "minisblack"
    if layout == "npy":
        np.save(tmp_path / "image.npy", array)
    elif layout == "yxc":
        flat = np.ascontiguousarray(array.transpose(1, 2, 0))
        tifffile.imwrite(path, flat, photometric=grey, planarconfig="contig")
    elif layout == "imagej":
        named = {"axes": "CYX"}
        tifffile.imwrite(path, array, photometric=grey, imagej=True, metadata=named)
    else:
        tifffile.imwrite(path, array, photometric=grey)
    name = "image.npy" if layout == "npy" else "image.tif"

    with pytest.raises(InputError, match=f"channels: must say which .*got {count} channels"):
        read_pixels(tmp_path, name, axes)
    assert np.array_equal(read_pixels(tmp_path, name, f"{axes}channels = [1]"), array[1])
    swapped = read_pixels(tmp_path, name, f"{axes}channels = [1, 0, 1]")
    assert np.array_equal(swapped, array[[1, 0, 1]].transpose(1, 2, 0))


def test_a_stack_of_channels_is_a_volume_of_the_one_that_is_asked_for(tmp_path: Path) -> None:
    array = draw_noise((3, 2, 24, 32))
    tifffile.imwrite(tmp_path / "image.tif", array, imagej=True, metadata={"axes": "ZCYX"})
    tifffile.imwrite(tmp_path / "mask.tif", np.stack([WHITE] * 3), photometric="minisblack")
    more = "channels = [1]\nnormalisation = 'none'"
    spec = parse_spec(write_spec("image.tif", "mask.tif", WHOLE, more), "spec.toml")

    images = list(iter_source_images(plan_import(spec, tmp_path)))

    assert [np.array_equal(image.pixels, array[z, 1]) for z, image in enumerate(images)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("axes", "more", "message"),
    [
        ("CYX", "axes = 'zyx'", "axes: contradict the file .got zyx, want cyx"),
        ("ZYX", "axes = 'cyx'", "axes: contradict the file .got cyx, want zyx"),
        ("ZYX", "axes = 'xyz'", "axes: contradict the file .got xyz, want zyx"),
        ("TYX", "", "axes: hold time .got TYX, want axes = 'zyx' to read times as slices"),
        ("TZYX", "", "axes: hold time"),
        ("ZCYX", "", "axes: hold colours and slices"),
        ("ZYXS", "", "axes: hold colours and slices"),
    ],
)
def test_axes_that_a_file_names_are_believed_or_refused(
    tmp_path: Path, axes: str, more: str, message: str
) -> None:
    shape = [{"Y": 24, "X": 32}.get(letter, 3) for letter in axes]
    tifffile.imwrite(
        tmp_path / "image.tif", draw_noise(tuple(shape)), imagej=True, metadata={"axes": axes}
    )

    with pytest.raises(InputError, match=message):
        read_pixels(tmp_path, "image.tif", more)


@pytest.mark.filterwarnings("ignore:.*stored as RGB:DeprecationWarning")
@pytest.mark.parametrize("count", [3, 4])
def test_few_slices_that_tifffile_stored_as_colours_are_asked_about(
    tmp_path: Path, count: int
) -> None:
    slices = draw_noise((count, 24, 32))
    tifffile.imwrite(tmp_path / "image.tif", slices)
    tifffile.imwrite(tmp_path / "mask.tif", np.stack([WHITE] * count))

    with pytest.raises(InputError, match="axes: may be colours or slices"):
        read_pixels(tmp_path, "image.tif")
    asked = "axes = 'zyx'"
    spec = write_spec("image.tif", "mask.tif", f"{WHOLE}\n{asked}", asked)
    images = list(iter_source_images(plan_import(parse_spec(spec, "s"), tmp_path)))
    assert len(images) == count
    if count == 3:
        colours = read_pixels(tmp_path, "image.tif", "axes = 'cyx'")
        assert np.array_equal(colours, slices.transpose(1, 2, 0))


def test_a_channel_that_is_not_there_is_named(tmp_path: Path) -> None:
    save_picture(tmp_path / "image.png", COLOUR)

    with pytest.raises(InputError, match=r"channels: name one that is not there .got \[3\]"):
        read_pixels(tmp_path, "image.png", "channels = [3]")
    blue_first = read_pixels(tmp_path, "image.png", "channels = [2, 1, 0]")
    assert np.array_equal(blue_first, COLOUR[..., ::-1])


@pytest.mark.parametrize("white", [False, True])
def test_four_bits_are_spread_over_eight(tmp_path: Path, white: bool) -> None:
    levels = GREY >> 4
    packed = (levels[:, ::2] << 4 | levels[:, 1::2]).tobytes()
    tags = [(256, 32), (257, 24), (258, 4), (259, 1), (262, 0 if white else 1), (273, 134),
            (277, 1), (278, 24), (279, len(packed))]  # fmt: skip
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in tags
    )
    head = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + entries
    (tmp_path / "image.tif").write_bytes(head.ljust(134, b"\0") + packed)

    pixels = read_pixels(tmp_path, "image.tif")

    assert np.array_equal(pixels, (15 - levels if white else levels) * 17)


def _save_deep(path: Path, array: NDArray[np.uint16], largest: int) -> None:
    kind = b"P6" if array.ndim == 3 else b"P5"
    size = f"{array.shape[1]} {array.shape[0]} # made\n{largest}\n"
    path.write_bytes(kind + b"\n" + size.encode() + array.astype(">u2").tobytes())


@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("largest", [1023, 4095, 65535])
def test_deep_pictures_of_ppm_keep_every_level(
    tmp_path: Path, array: NDArray[np.uint8], largest: int
) -> None:
    """All values lie below 256, which is black once they are cut to 8 bit."""
    suffix = "ppm" if array.ndim == 3 else "pgm"
    _save_deep(tmp_path / f"image.{suffix}", array.astype(np.uint16), largest)

    pixels = read_pixels(tmp_path, f"image.{suffix}", "normalisation = 'window 127.5/255'")

    assert np.array_equal(pixels, array)


def test_codes_of_a_deep_pgm_are_those_that_are_stored(tmp_path: Path) -> None:
    _save_deep(tmp_path / "m.pgm", DRAWN.astype(np.uint16) * 300, 1023)

    assert read_mask(tmp_path, "m.pgm", "labels = { 300 = 'lesion' }").sum() == DRAWN.sum()


def test_grey_and_alpha_in_16_bit_are_not_colour(tmp_path: Path) -> None:
    deep = np.dstack([GREY.astype(np.uint16) * 9] * 3 + [np.full_like(GREY, 65535, np.uint16)])
    cv2.imwrite(str(tmp_path / "colour.png"), deep)
    assert read_pixels(tmp_path, "colour.png").shape == (24, 32, 3)
    tifffile.imwrite(
        tmp_path / "grey.tif", deep[..., 2:], photometric="minisblack", planarconfig="contig",
        extrasamples=["unassalpha"],
    )  # fmt: skip

    assert read_pixels(tmp_path, "grey.tif").shape == (24, 32)


def test_the_first_picture_of_a_phone_is_read(tmp_path: Path) -> None:
    first = Image.fromarray(np.dstack([WHITE] * 3))
    preview = Image.fromarray(COLOUR[:9])
    first.save(tmp_path / "image.jpg", "MPO", save_all=True, append_images=[preview], quality=100)
    save_picture(tmp_path / "mask.png", WHITE)

    image = read(tmp_path, "image.jpg", "mask.png")

    assert np.abs(image.pixels.astype(int) - WHITE[..., np.newaxis]).max() < 20
    assert "the first of several pictures in a JPEG file" in image.notes


def test_colours_for_print_are_refused(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "image.jpg")

    with pytest.raises(InputError, match=r"mode: is not read .got CMYK"):
        read_pixels(tmp_path, "image.jpg")


@pytest.mark.parametrize("values", [(127, 255), (200, 220), (64, 100)])
def test_a_mask_without_background_is_refused(tmp_path: Path, values: tuple[int, int]) -> None:
    save_picture(tmp_path / "m.png", np.where(DRAWN, *values[::-1]).astype(np.uint8))

    if values[0] * 2 < values[1]:
        assert np.array_equal(read_mask(tmp_path, "m.png"), DRAWN > 0)
        return
    with pytest.raises(InputError, match="object: has no background"):
        read_mask(tmp_path, "m.png")
    threshold = f"{WHOLE}\nthreshold = {values[0]}"
    assert np.array_equal(read_mask(tmp_path, "m.png", threshold), DRAWN > 0)


def test_slices_in_colour_are_stacked_by_the_channel_that_is_asked_for(tmp_path: Path) -> None:
    for z in range(3):
        save_picture(tmp_path / f"a/{z}.png", draw_noise((24, 32, 3), seed=z))
        save_picture(tmp_path / f"b/{z}.png", WHITE)
    stacked = "stack = 'name'"

    def read_slices(more: str) -> list[SourceImage]:
        spec = write_spec("a/*.png", "b/*.png", f"{WHOLE}\n{stacked}", f"{stacked}\n{more}")
        return list(iter_source_images(plan_import(parse_spec(spec, "s"), tmp_path)))

    with pytest.raises(InputError, match="channels: are three, and slices are grey"):
        read_slices("")
    images = read_slices("channels = [2]\nnormalisation = 'none'")
    for z, image in enumerate(images):
        assert np.array_equal(image.pixels, draw_noise((24, 32, 3), seed=z)[..., 2])


def test_slices_with_a_palette_are_looked_up(tmp_path: Path) -> None:
    grey = [(250 - 25 * level,) * 3 for level in range(10)]
    for z in range(3):
        indices = (draw_noise((24, 32), seed=z) % 10).astype(np.uint8)
        (tmp_path / "a").mkdir(exist_ok=True)
        with_palette(indices, *grey).save(tmp_path / f"a/{z}.png")
        save_picture(tmp_path / f"b/{z}.png", WHITE)
    more = "stack = 'name'\nnormalisation = 'none'"
    spec = write_spec("a/*.png", "b/*.png", f"{WHOLE}\nstack = 'name'", more)

    images = list(iter_source_images(plan_import(parse_spec(spec, "s"), tmp_path)))

    assert "palette looked up" in images[0].notes
    assert np.array_equal(images[2].pixels, 250 - 25 * (draw_noise((24, 32), seed=2) % 10))
