"""One object is one value: several codes or colours are never joined without a word."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.reading.notes import ImageWarnings
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, save_nifti, save_picture
from tests.import_files import iter_source_images

Value = int | tuple[int, int, int]
CELL = "object = 'cell'"
SIZE = (64, 64)


def paint(*values: Value) -> NDArray[np.uint8]:
    """Return a black picture with a patch of 20 × 12 pixels of each value, well apart."""
    colour = isinstance(values[0], tuple)
    picture = np.zeros((*SIZE, 3) if colour else SIZE, np.uint8)
    for position, value in enumerate(values):
        picture[4:24, 2 + 15 * position : 14 + 15 * position] = value
    return picture


def draw_disc() -> Mask:
    y, x = np.mgrid[:64, :64]
    disc: Mask = (y - 30) ** 2 + (x - 33) ** 2 < 20**2
    return disc


def read(folder: Path, mask: NDArray[Any], meaning: str = CELL) -> Mask:
    save_picture(folder / "image.png", draw_noise(SIZE))
    save_picture(folder / "mask.png", mask)
    plan = plan_import(parse_spec(write_spec("image.png", "", meaning), "spec.toml"), folder)
    (image,) = iter_source_images(plan)
    return image.masks["cell"][0]


@pytest.mark.parametrize(
    ("codes", "shown"),
    [
        ((63, 126, 189, 252), "63, 126, 189, 252"),
        ((128, 255), "128, 255"),
        ((1, 255), "1, 255"),
        ((1, 2), "1, 2"),
    ],
)
def test_an_object_of_several_codes_is_refused(
    codes: tuple[int, ...], shown: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"several codes \(got {shown}, want labels or threshold"):
        read(tmp_path, paint(*codes))


def test_an_object_of_several_codes_is_refused_in_volumes(tmp_path: Path) -> None:
    codes = np.zeros((24, 24, 4), np.int16)
    codes[:8], codes[8:16] = 205, 820
    save_nifti(tmp_path / "image.nii.gz", draw_noise((24, 24, 4)))
    save_nifti(tmp_path / "mask.nii.gz", codes)
    plan = plan_import(parse_spec(write_spec("image.nii.gz", "", CELL), "spec.toml"), tmp_path)

    with pytest.raises(InputError, match=r"several codes \(got 205, 820"):
        list(iter_source_images(plan))


def test_an_object_of_several_colours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"several colours .*want colours or threshold"):
        read(tmp_path, paint((255, 0, 0), (0, 255, 0)))


def test_a_threshold_says_that_several_codes_are_meant(tmp_path: Path) -> None:
    drawn = read(tmp_path, paint(63, 126, 189), f"{CELL}\nthreshold = 100")

    assert int(drawn.sum()) == 2 * 240


@pytest.mark.parametrize("blur", [1.0, 3.0])
def test_blended_edges_are_no_codes(blur: float, tmp_path: Path) -> None:
    grey = cv2.GaussianBlur(draw_disc().astype(np.uint8) * 255, (0, 0), blur)

    assert np.array_equal(read(tmp_path, grey), grey > 127.5)


def test_an_enlarged_mask_has_no_codes(tmp_path: Path) -> None:
    small = draw_disc()[::2, ::2].astype(np.uint8) * 255
    grey = cv2.resize(small, SIZE, interpolation=cv2.INTER_LINEAR)

    assert np.array_equal(read(tmp_path, grey), grey > 127.5)


@pytest.mark.parametrize("value", [255, (255, 60, 10)])
def test_what_a_lossy_format_left_behind_is_no_code(value: Value, tmp_path: Path) -> None:
    white = np.zeros((*SIZE, 3) if isinstance(value, tuple) else SIZE, np.uint8)
    white[draw_disc()] = value
    Image.fromarray(white).save(tmp_path / "lossy.jpg", quality=60)
    decoded = np.array(Image.open(tmp_path / "lossy.jpg"))
    (tmp_path / "lossy.jpg").unlink()
    bright = decoded.max(axis=-1) if decoded.ndim == 3 else decoded

    assert np.array_equal(read(tmp_path, decoded), bright > bright.max() / 2)


def test_noise_is_not_split_into_more_pieces_than_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cosmos_board.data.imports.reading.layers._LARGEST_PIECES_PX", 1 << 16)
    noise = np.where(draw_noise(SIZE) > 200, 255, 0).astype(np.uint8)

    with pytest.raises(InputError, match=r"are too many connected pieces \(got [0-9]+"):
        read(tmp_path, noise, f"{CELL}\ninstances = 'components'")


def test_the_borders_of_many_instances_are_looked_at_one_by_one() -> None:
    def draw_many() -> Iterator[Mask]:
        for column in range(256):
            mask = np.zeros((256, 256), np.bool_)
            mask[:, column] = True
            yield mask

    pixels = draw_noise((256, 256))
    tracemalloc.start()
    warnings = ImageWarnings().finish(pixels, [draw_many()])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert warnings == ("inverted",)
    assert peak < 16 * pixels.size
