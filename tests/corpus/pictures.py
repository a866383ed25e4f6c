"""PNG, JPEG, GIF, BMP and PGM, written by Pillow and OpenCV, read again by the other one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tests.corpus.bare_png import write_grey_png, write_interlaced_png
from tests.corpus.case import Case, Made, Reading, write_spec
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise, one_slice

GREY = draw_noise()
COLOUR = draw_noise((*SHAPE[1:], 3), 1)
MASK = draw_letter()
MODE = write_spec("{case:a}.png", "m.png", modality="microscopy")


def save(path: Path, array: NDArray[Any], **options: Any) -> None:  # noqa: ANN401
    """Write a picture with Pillow, in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def save_mask(path: Path, mask: NDArray[np.bool_] = MASK) -> None:
    """Write a mask as PNG, 0 and 255."""
    save(path, mask.astype(np.uint8) * np.uint8(255))


def read_pillow(path: Path, mode: str = "") -> NDArray[Any]:
    """Return a picture as Pillow shows it, turned as its tags say."""
    with Image.open(path) as file:
        turned = ImageOps.exif_transpose(file)
        return np.asarray(turned.convert(mode) if mode else turned)


def open_by_opencv(path: Path, flag: int) -> NDArray[Any]:
    """Return what OpenCV makes of a file; colours in the order blue, green, red."""
    found: NDArray[Any] | None = cv2.imread(str(path), flag)
    assert found is not None, path
    return found


def read_opencv(path: Path) -> NDArray[Any]:
    """Return a picture as OpenCV shows it, in the order red, green, blue (and alpha)."""
    found = open_by_opencv(path, cv2.IMREAD_UNCHANGED)
    order: list[Any] = [2, 1, 0, 3]
    return found if found.ndim == 2 else np.asarray(found[..., order[: found.shape[2]]])


def seen_by_pillow(path: Path, wanted: NDArray[Any], mode: str = "") -> Reading:
    """Return the reading of a picture by Pillow."""
    return Reading("Pillow", partial(read_pillow, path, mode), wanted)


def seen_by_opencv(path: Path, wanted: NDArray[Any]) -> Reading:
    """Return the reading of a picture by OpenCV."""
    return Reading("OpenCV", partial(read_opencv, path), wanted)


def _plain(ending: str, array: NDArray[Any], wanted: NDArray[np.uint8]) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        path = folder / f"a.{ending}"
        save(path, array)
        save_mask(folder / "m.png")
        mode = "L" if wanted.ndim == 2 else "RGB"
        reading = seen_by_pillow(path, wanted, mode)
        if ending != "gif":
            reading = Reading("OpenCV", lambda: _show(read_opencv(path), wanted), wanted)
        return Made(spec=write_ending_spec(ending), slices=one_slice(wanted), readings=(reading,))

    return make


def write_ending_spec(ending: str) -> str:
    """Return an import file for pictures of one ending."""
    return write_spec(f"{{case:a}}.{ending}", "m.png", modality="microscopy")


def _show(found: NDArray[Any], wanted: NDArray[np.uint8]) -> NDArray[Any]:
    """Return as many channels as are wanted: OpenCV gives some grey files three."""
    if found.ndim == 3 and wanted.ndim == 2:
        return found[..., 0]
    return found[..., :3] if found.ndim == 3 else found


def _one_bit(folder: Path) -> Made:
    bits = GREY > 127
    save(folder / "a.png", bits)
    save_mask(folder / "m.png")
    wanted = bits.astype(np.uint8) * np.uint8(255)
    return Made(
        spec=MODE, slices=one_slice(wanted), readings=(seen_by_opencv(folder / "a.png", wanted),)
    )


def _packed(bits: int, folder: Path) -> Made:
    """An indexed picture of 2 or 4 bits whose colours are not in the order of their indices."""
    indices = (GREY % np.uint16(2**bits)).astype(np.uint8)
    palette = draw_noise((2**bits, 3), 7)
    file = Image.fromarray(indices)
    file.putpalette(palette.tobytes())
    options: dict[str, Any] = {"bits": bits} if bits < 8 else {}
    file.save(folder / "a.png", **options)
    save_mask(folder / "m.png")
    wanted = palette[indices]
    return Made(
        spec=MODE, slices=one_slice(wanted), readings=(seen_by_opencv(folder / "a.png", wanted),)
    )


def _few_grey_bits(bits: int, folder: Path) -> Made:
    """Grey of 2 or 4 bits spans from black to white, as every viewer shows it."""
    levels = GREY % np.uint8(2**bits)
    write_grey_png(folder / "a.png", levels, bits)
    save_mask(folder / "m.png")
    wanted = levels * np.uint8(255 // (2**bits - 1))
    readings = (seen_by_opencv(folder / "a.png", wanted),)
    return Made(spec=MODE, slices=one_slice(wanted), readings=readings)


def _deep_grey_with_alpha(folder: Path) -> Made:
    """Grey in 16 bits with an alpha channel that hides nothing."""
    deep = np.dstack([GREY.astype(np.uint16) * np.uint16(257), np.full(GREY.shape, 65535)])
    write_grey_png(folder / "a.png", deep.astype(">u2"), 16)
    save_mask(folder / "m.png")
    spec = write_spec("{c:a}.png", "m.png", more='normalisation = "minmax"')
    reading = Reading(
        "OpenCV", lambda: open_by_opencv(folder / "a.png", cv2.IMREAD_ANYDEPTH), deep[..., 0]
    )
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


def _see_through_palette(folder: Path) -> Made:
    """An indexed picture with a transparent index: the colour below it is what was drawn."""
    indices = GREY % 16
    palette = draw_noise((16, 3), 8)
    file = Image.fromarray(indices)
    file.putpalette(palette.tobytes())
    file.save(folder / "a.png", transparency=3)
    save_mask(folder / "m.png")
    wanted = palette[indices]
    reading = seen_by_pillow(folder / "a.png", wanted, "RGB")
    return Made(spec=MODE, slices=one_slice(wanted), readings=(reading,))


def _sixteen_bits(folder: Path) -> Made:
    """Values span all of 16 bits."""
    save(folder / "a.png", GREY.astype(np.uint16) * np.uint16(257))
    save_mask(folder / "m.png")
    reading = seen_by_opencv(folder / "a.png", GREY.astype(np.uint16) * np.uint16(257))
    spec = write_spec("{c:a}.png", "m.png", more='normalisation = "minmax"')
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


def _sixteen_bit_colour(folder: Path) -> Made:
    deep = COLOUR.astype(np.uint16) * np.uint16(257)
    cv2.imwrite(str(folder / "a.png"), deep[..., ::-1])
    save_mask(folder / "m.png")
    spec = write_spec("{c:a}.png", "m.png", more='normalisation = "minmax"')
    return Made(
        spec=spec, slices=one_slice(COLOUR), readings=(seen_by_opencv(folder / "a.png", deep),)
    )


def _interlaced(folder: Path) -> Made:
    """A file of seven passes, which only few libraries write."""
    write_interlaced_png(folder / "a.png", GREY)
    save_mask(folder / "m.png")
    readings = (seen_by_pillow(folder / "a.png", GREY), seen_by_opencv(folder / "a.png", GREY))
    return Made(spec=MODE, slices=one_slice(GREY), readings=readings)


def _with_alpha(opaque: bool, colour: bool, folder: Path) -> Made:
    """An image with an alpha channel: it is left out, and the colours stay as they are."""
    alpha = np.full(GREY.shape, 255, np.uint8) if opaque else draw_noise(seed=9)
    base = COLOUR if colour else GREY[..., np.newaxis]
    save(folder / "a.png", np.dstack([base, alpha]))
    save_mask(folder / "m.png")
    wanted = COLOUR if colour else GREY
    with_alpha = np.dstack([base, alpha])
    reading = (
        seen_by_opencv(folder / "a.png", with_alpha)
        if colour
        else seen_by_pillow(folder / "a.png", with_alpha)
    )
    return Made(
        spec=MODE,
        slices=one_slice(wanted),
        readings=(reading,),
    )


def _mask_in_alpha(mode: str, folder: Path) -> Made:
    """A mask that lies in the alpha channel alone; the colours below say nothing."""
    save(folder / "a.png", GREY)
    alpha = MASK.astype(np.uint8) * np.uint8(255)
    flat = np.full((*GREY.shape, 1 if mode == "LA" else 3), 255, np.uint8)
    save(folder / "m.png", np.dstack([flat, alpha]))
    reading = Reading("Pillow", lambda: read_pillow(folder / "m.png")[..., -1], alpha)
    return Made(
        spec=MODE, slices=one_slice(GREY), refusal="alpha|transparen|channel", readings=(reading,)
    )


def _mask_of_colour_with_alpha(folder: Path) -> Made:
    """A red mask, opaque everywhere: the alpha channel is no foreground."""
    save(folder / "a.png", GREY)
    red = np.zeros((*GREY.shape, 4), np.uint8)
    red[..., 0], red[..., 3] = MASK * 255, 255
    save(folder / "m.png", red)
    reading = Reading("OpenCV", lambda: read_opencv(folder / "m.png")[..., 0] > 0, MASK)
    return Made(spec=MODE, slices=one_slice(GREY), readings=(reading,))


def _palette_mask(folder: Path) -> Made:
    """A mask in which index 1 is black and index 0 white: codes are the indices."""
    save(folder / "a.png", GREY)
    file = Image.fromarray(MASK.astype(np.uint8))
    file.putpalette([255, 255, 255, 0, 0, 0])
    file.save(folder / "m.png")
    reading = seen_by_pillow(folder / "m.png", MASK.astype(np.uint8))
    spec = write_spec("{c:a}.png", "m.png", 'labels = { 1 = "lesion" }')
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


def _white_at_zero(high: int, folder: Path) -> Made:
    """A palette whose index 0 is white: what a person sees as white is foreground."""
    save(folder / "a.png", GREY)
    file = Image.fromarray(np.where(MASK, 0, high).astype(np.uint8))
    file.putpalette([255 - level * 255 // high for level in range(high + 1) for _ in range(3)])
    file.save(folder / "m.png")
    reading = seen_by_opencv(
        folder / "m.png", np.repeat(MASK[..., np.newaxis], 3, 2) * np.uint8(255)
    )
    return Made(spec=MODE, slices=one_slice(GREY), readings=(reading,))


def _few_levels_mask(values: tuple[int, int], folder: Path) -> Made:
    """Foreground of any value: 0 and 1, 0 and 128, 0 and 255."""
    save(folder / "a.png", GREY)
    drawn = np.where(MASK, values[1], values[0]).astype(np.uint8)
    save(folder / "m.png", drawn)
    reading = seen_by_opencv(folder / "m.png", drawn)
    return Made(spec=MODE, slices=one_slice(GREY), readings=(reading,))


def _sixteen_bit_labels(folder: Path) -> Made:
    """Codes above 255 in 16 bits."""
    save(folder / "a.png", GREY)
    other = draw_letter(top=17, left=30)
    codes = (MASK & ~other) * np.uint16(300) + other * np.uint16(1000)
    save(folder / "m.png", codes.astype(np.uint16))
    spec = write_spec("{c:a}.png", "m.png", 'labels = { 300 = "lesion", 1000 = "liver" }')
    slices = one_slice(GREY, MASK & ~other)
    slices[0].masks["liver"] = (other,)  # type: ignore[index]
    reading = seen_by_opencv(folder / "m.png", codes.astype(np.uint16))
    return Made(spec=spec, slices=slices, readings=(reading,))


def _moving_picture(folder: Path) -> Made:
    frames = [Image.fromarray(draw_noise(seed=seed)) for seed in (1, 2)]
    frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:])
    save_mask(folder / "m.png")
    return Made(spec=write_ending_spec("gif"), refusal="several pictures|frames")


def _other_format(folder: Path) -> Made:
    """A JPEG file that is called PNG."""
    save(folder / "a.jpg", COLOUR)
    (folder / "a.jpg").rename(folder / "a.png")
    save_mask(folder / "m.png")
    return Made(spec=MODE, refusal="no PNG|damaged")


def _cut_off(folder: Path) -> Made:
    save(folder / "a.png", GREY)
    data = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(data[: len(data) // 2])
    save_mask(folder / "m.png")
    return Made(spec=MODE, refusal="damaged|cut off|truncated")


CASES = (
    *(
        Case(f"{ending}-{kind}", _plain(ending, array, array))
        for ending in ("png", "bmp")
        for kind, array in (("grey", GREY), ("colour", COLOUR))
    ),
    Case("pgm", _plain("pgm", GREY, GREY)),
    Case("ppm", _plain("ppm", COLOUR, COLOUR)),
    Case("gif", _plain("gif", GREY, GREY)),
    Case("one-bit", _one_bit),
    Case("palette-2-bits", partial(_packed, 2)),
    Case("palette-4-bits", partial(_packed, 4)),
    Case("palette-8-bits", partial(_packed, 8)),
    *(Case(f"grey-{bits}-bits", partial(_few_grey_bits, bits)) for bits in (2, 4)),
    Case("16-bits-and-alpha", _deep_grey_with_alpha),
    Case("palette-transparent", _see_through_palette),
    Case("16-bits", _sixteen_bits),
    Case("16-bit-colour", _sixteen_bit_colour),
    Case("interlaced", _interlaced),
    *(
        Case(
            f"{'opaque' if opaque else 'see-through'}-{'colour' if colour else 'grey'}",
            partial(_with_alpha, opaque, colour),
        )
        for opaque in (True, False)
        for colour in (True, False)
    ),
    Case("mask-in-alpha-grey", partial(_mask_in_alpha, "LA")),
    Case("mask-in-alpha-colour", partial(_mask_in_alpha, "RGBA")),
    Case("mask-colour-and-alpha", _mask_of_colour_with_alpha),
    Case("mask-palette", _palette_mask),
    *(Case(f"mask-palette-white-at-0-of-{n}", partial(_white_at_zero, n)) for n in (1, 255)),
    *(Case(f"mask-0-{high}", partial(_few_levels_mask, (0, high))) for high in (1, 128, 255)),
    Case("mask-16-bit-labels", _sixteen_bit_labels),
    Case("gif-moving", _moving_picture),
    Case("jpeg-called-png", _other_format),
    Case("png-cut-off", _cut_off),
)
