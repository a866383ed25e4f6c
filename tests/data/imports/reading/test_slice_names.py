"""Numbers in names compare as numbers, and slices pair by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import order_naturally
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.reading.slice_names import read_slice_names
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square, make_dicom, save_picture
from tests.import_files import iter_source_images

STACK = "object = 'lesion'\nstack = 'name'"


def read_all(folder: Path, spec: str) -> list[SourceImage]:
    return list(iter_source_images(plan_import(parse_spec(spec, "spec.toml"), folder)))


def find_refusal(folder: Path, spec: str) -> str:
    with pytest.raises(InputError) as caught:
        read_all(folder, spec)
    return str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["1", "2", "9", "10", "11", "100"], id="of growing width"),
        pytest.param(["1", "02", "003", "10", "0011"], id="with leading zeros here and there"),
        pytest.param(["s1_z2", "s1_z10", "s2_z1", "s10_z1"], id="of two numbers"),
        pytest.param(["1.2.840.9", "1.2.840.10", "1.2.1000.1"], id="of UIDs"),
        pytest.param(["a", "b", "c"], id="of letters"),
        pytest.param(["2/9", "10/1"], id="of folders"),
    ],
)
def test_paths_are_in_the_order_in_which_people_count(names: list[str]) -> None:
    assert sorted(reversed(names), key=order_naturally) == names


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        pytest.param(["1.png", "10.png", "2.png"] + [f"{i}.png" for i in range(3, 10)],
                     [*range(1, 11)], id="mixed width"),
        pytest.param([f"i{i:04d},0000b.dcm" for i in range(3)], [0, 1, 2], id="before a constant"),
        pytest.param([f"IMG-0004-{i:05d}.dcm" for i in (2, 4, 6)], [2, 4, 6], id="every second"),
        pytest.param(["z_0.0.png", "z_0.25.png", "z_0.5.png", "z_0.75.png"],
                     [0, 0.25, 0.5, 0.75], id="decimals"),
        pytest.param([f"ct.3.{i}.dcm" for i in range(8, 13)], [*range(8, 13)], id="3.8 … 3.12"),
        pytest.param(["1_417.png", "2_93.png", "3_655.png"], [1, 2, 3], id="and a random number"),
        pytest.param(["1.2.840.7.15", "1.2.840.7.5", "1.2.840.7.25"], [5, 15, 25], id="UIDs"),
        pytest.param(["a.png", "b.png"], [], id="letters"),
        pytest.param(["1.png", "01.png", "2.png"], [], id="a number there twice"),
    ],
)  # fmt: skip
def test_the_number_of_a_slice_is_the_one_that_rises(names: list[str], numbers: list[int]) -> None:
    assert [float(number) for number in read_slice_names(names).numbers] == numbers


def save_slices(folder: Path, images: list[str], masks: list[str], ending: str = "png") -> None:
    """Write one picture a name; that of the n-th name of a list is marked by n."""
    for n, name in enumerate(images):
        save_picture(folder / f"a/{name}.{ending}", draw_noise(seed=n))
    for n, name in enumerate(masks):
        save_picture(folder / f"b/{name}.{ending}", draw_square(low=4, high=12 + n) * 255)


def test_slices_named_1_to_12_pair_with_masks_named_001_to_012(tmp_path: Path) -> None:
    save_slices(tmp_path, [f"{n}" for n in range(1, 13)], [f"{n:03d}_mask" for n in range(1, 13)])

    images = read_all(tmp_path, write_spec("a/*.png", "b/*.png", STACK, "stack = 'name'\n"
                                           "normalisation = 'none'"))  # fmt: skip

    for n, image in enumerate(images):
        assert np.array_equal(image.pixels, draw_noise(seed=n))
        assert np.array_equal(image.masks["lesion"][0], draw_square(low=4, high=12 + n) > 0)


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        pytest.param("0 1 2 3", "1 2 3 4", "image slices 0–3, mask slices 1–4", id="from 0 or 1"),
        pytest.param("1 2 3 4", "1 2 3", "image slices 1–4, mask slices 1–3", id="one missing"),
        pytest.param("1 2 3 4", "1 2 4", "image slices 1–4, mask slices 1, 2, 4", id="a gap"),
        pytest.param("1 2 4", "1 2 4", "missing or there twice: 1, 2, 4", id="a gap in both"),
        pytest.param("1 01 2", "1 01 2", "no number that rises", id="a number there twice"),
        pytest.param("1 2 3", "x9 y2 z7", "slices of image and mask differ", id="no order"),
        pytest.param("a b c", "a b", "slices of image and mask differ", id="letters, one missing"),
    ],
)
def test_slices_that_do_not_pair_are_refused_with_what_was_seen(
    images: str, masks: str, message: str, tmp_path: Path
) -> None:
    save_slices(tmp_path, images.split(), masks.split())

    refusal = find_refusal(tmp_path, write_spec("a/*.png", "b/*.png", STACK, "stack = 'name'"))

    assert message in refusal


def test_slices_pair_in_their_order_where_the_import_file_says_so(tmp_path: Path) -> None:
    save_slices(tmp_path, ["0", "1", "2"], ["1", "2", "3"])
    meaning = STACK.replace("'name'", "'order'")

    images = read_all(tmp_path, write_spec("a/*.png", "b/*.png", meaning, "stack = 'order'"))

    assert [int(image.masks["lesion"][0].sum()) for image in images] == [64, 81, 100]


def test_slices_called_by_letters_pair_in_their_order(tmp_path: Path) -> None:
    save_slices(tmp_path, ["a", "b", "c"], ["a_m", "b_m", "c_m"])

    images = read_all(tmp_path, write_spec("a/*.png", "b/*.png", STACK, "stack = 'name'"))

    assert [int(image.masks["lesion"][0].sum()) for image in images] == [64, 81, 100]


def test_a_volume_in_one_file_takes_a_stack_of_masks_without_a_gap(tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", draw_noise((3, 32, 32)))
    save_slices(tmp_path, [], ["9", "10", "11"])
    spec = write_spec("image.npy", "b/*.png", STACK)

    assert [int(i.masks["lesion"][0].sum()) for i in read_all(tmp_path, spec)] == [64, 81, 100]

    (tmp_path / "b/10.png").rename(tmp_path / "b/12.png")
    assert "missing or there twice: 9, 11, 12" in find_refusal(tmp_path, spec)


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        pytest.param("i{:04d},0000b", "liver_GT_{:03d}", id="another name"),
        pytest.param("IMG-0004-{:05d}", "IMG-0004-{:05d}", id="the same name"),
        pytest.param("{}", "{:03d}", id="another width"),
    ],
)
def test_a_dicom_series_pairs_with_pictures_by_number(
    images: str, masks: str, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    for z in range(8, 12):
        dataset = make_dicom(draw_noise(seed=z) + np.uint16(900), -2.0 * z, "1.2.3")
        dataset.save_as(tmp_path / f"a/{images.format(z)}.dcm", enforce_file_format=True)
        save_picture(tmp_path / f"b/{masks.format(z)}.png", draw_square(low=4, high=z) * 255)

    found = read_all(tmp_path, write_spec("a/*.dcm", "b/*.png", STACK, "stack = 'name'"))

    # The last file lies lowest, and volumes are held from the foot up.
    assert [int(image.masks["lesion"][0].sum()) for image in found] == [49, 36, 25, 16]


def test_a_dicom_series_and_masks_of_other_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for z in range(3):
        dataset = make_dicom(draw_noise(seed=z) + np.uint16(900), 2.0 * z, "1.2.3")
        dataset.save_as(tmp_path / f"a/IMG-0002-{z + 1:05d}.dcm", enforce_file_format=True)
        save_picture(tmp_path / f"b/liver_GT_{z:03d}.png", draw_square() * 255)
    spec = write_spec("a/*.dcm", "b/*.png", STACK, "stack = 'name'")

    assert 'image slices 1–3, mask slices 0–2 (stack = "order"' in find_refusal(tmp_path, spec)
    assert len(read_all(tmp_path, spec.replace("'name'", "'order'"))) == 3


@pytest.mark.parametrize("shift", [0, 1])
def test_masks_in_dicom_of_other_numbers_are_refused_where_names_pair_them(
    shift: int, tmp_path: Path
) -> None:
    """Their places do not count here, and nothing else tells which slice is which."""
    for z in range(3):
        for folder, name, pixels in (
            ("a", z, draw_noise(seed=z) + np.uint16(900)),
            ("b", z + shift, draw_square(low=4 + z) + np.uint16(1000)),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            dataset = make_dicom(pixels, 2.0 * z, f"1.2.{ord(folder)}")
            dataset.save_as(tmp_path / f"{folder}/{name}.dcm", enforce_file_format=True)
    spec = write_spec("a/*.dcm", "b/*.dcm", "labels = { 1 = 'lesion' }\nstack = 'name'",
                      "stack = 'name'\ngeometry = 'ignore'")  # fmt: skip

    if shift:
        assert "image slices 0–2, mask slices 1–3" in find_refusal(tmp_path, spec)
    else:
        assert len(read_all(tmp_path, spec)) == 3


def test_one_volume_that_does_not_pair_does_not_stop_the_others(tmp_path: Path) -> None:
    for case, shift in (("p", 0), ("q", 1)):
        for z in range(3):
            save_picture(tmp_path / f"a/{case}/{z}.png", draw_noise(seed=z))
            save_picture(tmp_path / f"b/{case}/{z + shift}.png", draw_square() * 255)
    spec = write_spec("a/{case}/*.png", "b/{case}/*.png", STACK, "stack = 'name'")

    plan = plan_import(parse_spec(spec, "spec.toml"), tmp_path)

    assert [job.origin for job in plan.jobs] == ["a/p (3 files)"]
    assert [path for path, _ in plan.problems] == ["a/q"]
    assert "  not used: a/q: slices of image and mask differ: image slices 0–2" in plan.describe()
    assert not plan.masks_without_image


def test_accents_may_be_written_in_either_way(tmp_path: Path) -> None:
    """One system writes é as one character, another as e and an accent."""
    save_picture(tmp_path / "a/caf\u00e9.png", draw_noise())
    save_picture(tmp_path / "b/cafe\u0301.png", draw_square() * 255)

    (image,) = read_all(tmp_path, write_spec("a/{case}.png", "b/{case}.png"))

    assert image.masks["lesion"][0].sum() == 144


@pytest.mark.parametrize(
    "name", ["organ [left]", "[!a]", "a{1}", "b(2)", "c\\d", "e+f$", "g h", "i.j", "{k}"]
)
def test_signs_in_names_are_themselves(name: str, tmp_path: Path) -> None:
    save_picture(tmp_path / f"a/{name}.png", draw_noise())
    save_picture(tmp_path / f"b/{name}/{name}.png", draw_square() * 255)
    save_picture(tmp_path / f"b/{name}/organ l.png", draw_square(low=2) * 255)
    pattern = name.replace("'", "")
    meaning = f"name = '{{part}}'\nnames = {{ '{pattern}' = 'lesion' }}\nskip = ['organ l']"

    (image,) = read_all(tmp_path, write_spec("a/{case}.png", "b/{case}/{part}.png", meaning))

    assert image.masks["lesion"][0].sum() == 144


def test_masks_that_share_no_part_with_several_images_are_refused(tmp_path: Path) -> None:
    for name in ("p", "q"):
        save_picture(tmp_path / f"a/{name}.png", draw_noise())
        save_picture(tmp_path / f"b/{name}.png", draw_square() * 255)

    refusal = find_refusal(tmp_path, write_spec("a/{case}.png", "b/{csae}.png"))

    assert refusal.startswith("spec.toml: images[0].masks[0].files: shares no part with several")
    assert refusal.endswith("(got 'b/{csae}.png', want {case})")
