from __future__ import annotations

from pathlib import Path

import numpy as np

from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.contact_sheet import draw_contact_sheet
from cosmos_board.data.pack.png import decode_png, encode_png
from tests.curation.units import build_discs


def test_a_contact_sheet_shows_pictures_with_their_references_outlined(tmp_path: Path) -> None:
    pack = open_pack(build_discs(tmp_path / "pack"))

    sheet = draw_contact_sheet(pack, columns=3, rows=2)

    assert sheet.dtype == np.uint8
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3).tolist()}
    assert {(230, 159, 0), (86, 180, 233)} <= colours
    assert sheet.shape[1] < 3 * 260


def test_a_sheet_of_one_picture_and_the_same_sheet_twice(tmp_path: Path) -> None:
    pack = open_pack(build_discs(tmp_path / "pack", [1]))

    assert np.array_equal(draw_contact_sheet(pack), draw_contact_sheet(pack))


def test_a_sheet_is_the_same_picture_as_png(tmp_path: Path) -> None:
    sheet = draw_contact_sheet(open_pack(build_discs(tmp_path / "pack")), columns=3, rows=2)

    assert np.array_equal(decode_png("", encode_png(sheet), *sheet.shape[:2]), sheet)
