"""An import file that finds nothing says what to change in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square, save_picture


def refuse(folder: Path, images: str, masks: str, more: str = "") -> str:
    text = write_spec(images, masks, "object = 'liver'", more)
    with pytest.raises(InputError) as error:
        plan_import(parse_spec(text, "spec.toml"), folder).refuse_nothing()
    return str(error.value)


def test_a_folder_that_is_misspelt_is_named(tmp_path: Path) -> None:
    save_picture(tmp_path / "images" / "a.png", draw_noise())
    save_picture(tmp_path / "mask" / "a.png", draw_square())

    assert "no file fits image/{case}.png" in refuse(
        tmp_path, "image/{case}.png", "mask/{case}.png"
    )
    assert "no file fits masks/{case}.png" in refuse(
        tmp_path, "images/{case}.png", "masks/{case}.png"
    )


def test_names_that_differ_by_a_channel_number_are_shown(tmp_path: Path) -> None:
    save_picture(tmp_path / "imagesTr" / "p_0000.png", draw_noise())
    save_picture(tmp_path / "labelsTr" / "p.png", draw_square())

    assert "have the same parts, such as imagesTr/p_0000.png and labelsTr/p.png" in refuse(
        tmp_path, "imagesTr/{case}.png", "labelsTr/{case}.png"
    )


def test_a_mask_among_the_files_of_a_series_is_named(tmp_path: Path) -> None:
    for name in ("p/1.dcm", "p/2.dcm", "p/seg.dcm"):
        save_picture(tmp_path / name, draw_noise(), format="PNG")

    assert "p/seg.dcm: belongs to the images as well" in refuse(
        tmp_path, "{p}/*.dcm", "{p}/seg.dcm"
    )


def test_slices_without_an_ending_hint_at_the_reader(tmp_path: Path) -> None:
    for name in ("p/ct/IM1", "p/ct/IM2", "p/seg.png"):
        save_picture(tmp_path / name, draw_noise(), format="PNG")

    assert "say reader = 'dicom' or stack" in refuse(tmp_path, "{p}/ct/*", "{p}/seg.png")
