"""A contact sheet: some images of a pack with their references outlined, as one picture."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.data.pack.items import PackItem
from cosmos_board.data.pack.pack import Pack

_CELL_PX = 224
_CAPTION_PX = 34
_GAP_PX = 8
_HEAD_PX = 64
_PAPER, _INK, _FAINT = (250, 250, 248), (20, 24, 28), (96, 102, 108)
# Okabe and Ito's colours, which stay apart for colour-blind eyes; black and yellow left out.
_COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
)


def draw_contact_sheet(pack: Pack, *, columns: int = 5, rows: int = 3) -> Pixels:
    """Return uint8 RGB pixels, axes (Y, X, 3), showing images spread evenly over the pack."""
    total = pack.info.counts.images
    shown = min(total, columns * rows)
    positions = [(2 * i + 1) * total // (2 * shown) for i in range(shown)]
    columns = min(columns, max(shown, 3))
    lines = -(-shown // columns)
    width = columns * (_CELL_PX + _GAP_PX) + _GAP_PX
    height = _HEAD_PX + lines * (_CELL_PX + _CAPTION_PX + _GAP_PX) + _GAP_PX
    sheet = Pillow.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_head(draw, pack, shown, width)
    names = sorted({target.object for target in pack.info.counts.targets})
    for cell, position in enumerate(positions):
        item = next(iter(pack.iter_items(position, position + 1)), None)
        if item is None:
            raise InputError(pack.path, "images", "are fewer than pack.json says", want=total)
        left = _GAP_PX + (cell % columns) * (_CELL_PX + _GAP_PX)
        top = _HEAD_PX + (cell // columns) * (_CELL_PX + _CAPTION_PX + _GAP_PX)
        sheet.paste(_draw_item(item, names), (left, top))
        _draw_caption(draw, item, names, (left, top + _CELL_PX + 3))
    return np.array(sheet, np.uint8)


def _draw_head(draw: ImageDraw.ImageDraw, pack: Pack, shown: int, width: int) -> None:
    counts = pack.info.counts
    facts = (
        f"{shown} of {counts.images} images · {counts.references} references · "
        f"{counts.clusters} clusters · {pack.info.licence}"
    )
    _write(draw, (_GAP_PX, 8), pack.info.label, 20, _INK, width)
    _write(draw, (_GAP_PX, 36), facts, 14, _FAINT, width)


def _draw_caption(
    draw: ImageDraw.ImageDraw, item: PackItem, names: list[str], corner: tuple[int, int]
) -> None:
    left, top = corner
    _write(draw, (left, top), f"{item.image.modality} {item.image.image_id}", 12, _FAINT, _CELL_PX)
    right = left
    for name in sorted({reference.object for reference in item.references}):
        room = left + _CELL_PX - right
        if room < 20:
            return
        colour = _COLOURS[names.index(name) % len(_COLOURS)]
        draw.rectangle((right, top + 19, right + 7, top + 26), fill=colour)
        right += 11 + _write(draw, (right + 11, top + 15), name, 12, _INK, room) + 8


def _draw_item(item: PackItem, names: list[str]) -> Pillow.Image:
    scale = _CELL_PX / max(item.image.height, item.image.width)
    size = (
        max(1, round(item.image.width * scale)),
        max(1, round(item.image.height * scale)),
    )
    picture = Pillow.fromarray(item.image.pixels).convert("RGB")
    pixels = np.array(picture.resize(size, Pillow.Resampling.BILINEAR))
    for reference in item.references:
        drawn = Pillow.fromarray(reference.mask()).resize(size, Pillow.Resampling.NEAREST)
        mask = np.pad(np.asarray(drawn, np.bool_), 1)
        inner = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
        edge = mask[1:-1, 1:-1] & ~inner
        pixels[edge] = _COLOURS[names.index(reference.object) % len(_COLOURS)]
    cell = Pillow.new("RGB", (_CELL_PX, _CELL_PX), (0, 0, 0))
    cell.paste(Pillow.fromarray(pixels), ((_CELL_PX - size[0]) // 2, (_CELL_PX - size[1]) // 2))
    return cell


def _write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    size_px: int,
    colour: tuple[int, int, int],
    room_px: int,
) -> int:
    """Write `text`, cut where there is no room for more, and return its width."""
    font = ImageFont.load_default(size_px)
    while text and draw.textlength(text, font=font) > room_px:
        text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
    draw.text(corner, text, fill=colour, font=font)
    return round(draw.textlength(text, font=font))
