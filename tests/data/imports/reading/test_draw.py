"""A colour that means nothing is an error, never the nearest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, save_picture
from tests.import_files import iter_source_images

RED = "colours = { '255,0,0' = 'lesion', '0,0,255' = 'liver' }"


def paint(*patches: tuple[int, tuple[int, int, int]]) -> NDArray[np.uint8]:
    """Return a black picture; each patch is 8 rows from a row on, in a colour."""
    picture = np.zeros((32, 32, 3), np.uint8)
    for row, colour in patches:
        picture[row : row + 8] = colour
    return picture


def read(folder: Path, picture: NDArray[np.uint8], meaning: str = RED) -> dict[str, Mask]:
    save_picture(folder / "image.png", draw_noise())
    save_picture(folder / "mask.png", picture)
    plan = plan_import(parse_spec(write_spec("image.png", "", meaning), "spec.toml"), folder)
    (image,) = iter_source_images(plan)
    return {name: masks[0] for name, masks in image.masks.items()}


def test_a_colour_that_is_not_listed_is_refused_with_its_pixels(tmp_path: Path) -> None:
    picture = paint((0, (255, 0, 0)), (8, (250, 10, 0)), (16, (0, 255, 0)))
    picture[8, 0] = (1, 2, 3)

    with pytest.raises(InputError, match=r"got 0,255,0 in 256 pixels and 2 other colours") as error:
        read(tmp_path, picture)

    assert "mask.png: colours: a colour means nothing" in str(error.value)


def test_colours_near_a_listed_one_count_where_a_tolerance_is_given(tmp_path: Path) -> None:
    picture = paint((0, (255, 0, 0)), (8, (250, 10, 0)), (16, (0, 0, 250)), (24, (9, 9, 9)))

    drawn = read(tmp_path, picture, f"{RED}\ncolour_tolerance = 10")

    assert (int(drawn["lesion"].sum()), int(drawn["liver"].sum())) == (512, 256)


def test_a_colour_near_two_is_refused(tmp_path: Path) -> None:
    picture = paint((0, (128, 0, 127)))

    with pytest.raises(InputError, match=r"near two of those listed \(got 128,0,127\)"):
        read(tmp_path, picture, f"{RED}\ncolour_tolerance = 130")


def test_a_colour_may_be_skipped(tmp_path: Path) -> None:
    picture = paint((0, (255, 0, 0)), (8, (255, 255, 255)))

    drawn = read(tmp_path, picture, f"{RED}\nskip = ['255,255,255']")

    assert (int(drawn["lesion"].sum()), int(drawn["liver"].sum())) == (256, 0)


def test_all_other_colours_may_be_skipped(tmp_path: Path) -> None:
    drawn = read(tmp_path, paint((0, (255, 0, 0)), (8, (7, 8, 9))), f"{RED}\nskip = ['*']")

    assert int(drawn["lesion"].sum()) == 256


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        (f"{RED}\nskip = ['white']", "skip: is no colour"),
        (f"{RED}\ncolour_tolerance = -1", "colour_tolerance: is no distance"),
        (f"{RED}\ncolour_tolerance = 'near'", "colour_tolerance: is no distance"),
        ("object = 'liver'\ncolour_tolerance = 3", "colour_tolerance: is of use with colours only"),
    ],
)
def test_fields_of_colours_are_checked(meaning: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_spec(write_spec("image.png", "", meaning), "spec.toml")
