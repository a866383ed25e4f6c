"""NIfTI files of every shape, type and geometry: read as nibabel's arrays say, or refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.nifti import count_frames, read_nifti
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.imports.test_reading import read_all
from tests.data.raw_files import draw_noise, draw_square, save_nifti

SHAPE = (16, 14, 4)
CODES = "labels = { 1 = 'lesion' }"


def read_pair(folder: Path, meaning: str = CODES, more: str = "") -> list[SourceImage]:
    return read_all(folder, write_spec("image.nii.gz", "mask.nii.gz", meaning, more))


def save_pair(folder: Path, image: NDArray[Any], affine: NDArray[np.float64] | None = None) -> None:
    """Write an image and a mask that lies where it does."""
    save_nifti(folder / "image.nii.gz", image, affine)
    save_nifti(folder / "mask.nii.gz", draw_square(SHAPE, 1, 11), affine)


def refuse(path: Path, match: str, frame: int | None = None) -> None:
    with pytest.raises(InputError, match=match):
        read_nifti(path, frame)


@pytest.mark.parametrize(
    ("shape", "frame", "seen"),
    [
        pytest.param((5, 6), None, (1, 6, 5), id="x, y"),
        pytest.param((5, 6, 1), None, (1, 6, 5), id="x, y, 1"),
        pytest.param((5, 6, 7), None, (7, 6, 5), id="x, y, z"),
        pytest.param((5, 6, 7, 1), None, (7, 6, 5), id="x, y, z, 1"),
        pytest.param((5, 6, 7, 1, 1), None, (7, 6, 5), id="x, y, z, 1, 1"),
        pytest.param((5, 6, 7, 2), 1, (7, 6, 5), id="x, y, z, t"),
        pytest.param((5, 6, 7, 2, 1), 1, (7, 6, 5), id="x, y, z, t, 1"),
        pytest.param((5, 6, 7, 2, 1, 1), 0, (7, 6, 5), id="x, y, z, t, 1, 1"),
        pytest.param((5, 6, 1, 2), 1, (1, 6, 5), id="x, y, 1, t"),
    ],
)
def test_axes_of_length_one_at_the_end_say_nothing(
    tmp_path: Path, shape: tuple[int, ...], frame: int | None, seen: tuple[int, ...]
) -> None:
    stored = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    save_nifti(tmp_path / "a.nii.gz", stored)

    volume = read_nifti(tmp_path / "a.nii.gz", frame).volume

    full = stored.reshape((*shape, 1, 1, 1, 1)[:6])[:, :, :, frame or 0, 0, 0]
    assert volume.voxels.shape == seen
    assert np.array_equal(volume.voxels, full.T)
    assert count_frames(tmp_path / "a.nii.gz") == (2 if frame is not None else 1)


@pytest.mark.parametrize("shape", [(5, 6, 7, 1, 3), (5, 6, 1, 1, 3), (5, 6, 7, 2, 3), (9,)])
def test_several_values_a_voxel_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    save_nifti(tmp_path / "a.nii.gz", np.zeros(shape, np.float32))

    refuse(tmp_path / "a.nii.gz", "shape: holds several values a voxel", 0)


def test_a_later_frame_of_a_file_without_frames_is_refused(tmp_path: Path) -> None:
    save_nifti(tmp_path / "a.nii.gz", np.zeros((5, 6, 7), np.int16))

    assert read_nifti(tmp_path / "a.nii.gz", 0).volume.voxels.shape == (7, 6, 5)
    refuse(tmp_path / "a.nii.gz", "frame: is chosen, yet there is no fourth axis .got 1", 1)


@pytest.mark.parametrize("names", ["RGB", "RGBA"])
def test_colours_are_refused(tmp_path: Path, names: str) -> None:
    colours = np.zeros((5, 6, 2), [(name, "u1") for name in names])
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "a.nii.gz")

    refuse(tmp_path / "a.nii.gz", f"voxels: are colours .got {'/'.join(names)}")


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_complex_numbers_are_refused(tmp_path: Path, kind: type[np.generic]) -> None:
    save_nifti(tmp_path / "a.nii.gz", np.zeros((5, 6, 2), kind))

    refuse(tmp_path / "a.nii.gz", "voxels: are no real numbers .got complex")


def test_nan_around_an_organ_is_the_darkest_value_and_noted(tmp_path: Path) -> None:
    brain = np.full(SHAPE, np.nan, np.float32)
    brain[1:12, 1:12] = np.linspace(10, 20, 11 * 11 * 4).reshape(11, 11, 4)
    save_pair(tmp_path, brain)

    images = read_pair(tmp_path, more="normalisation = 'minmax'")

    expected = np.floor((np.nan_to_num(brain, nan=10) - 10) / 10 * 255 + 0.5)
    lps = expected[::-1, ::-1].transpose(2, 1, 0)
    for image in images:
        assert np.array_equal(image.pixels, lps[int(image.origin[-1])])
        assert "NaN taken for the smallest value" in image.notes


def test_nan_where_something_is_drawn_is_refused(tmp_path: Path) -> None:
    holed = draw_noise(SHAPE).astype(np.float32)
    holed[5, 5, 2] = np.nan
    save_pair(tmp_path, holed)

    with pytest.raises(InputError, match="lesion: is drawn where the image holds no numbers"):
        read_pair(tmp_path)


@pytest.mark.parametrize("meaning", [CODES, "object = 'lesion'"])
def test_nan_in_a_mask_is_refused_with_what_to_do(tmp_path: Path, meaning: str) -> None:
    save_pair(tmp_path, draw_noise(SHAPE))
    drawn = draw_square(SHAPE, 1, 11).astype(np.float32)
    save_nifti(tmp_path / "mask.nii.gz", np.where(drawn > 0, drawn, np.nan))

    with pytest.raises(InputError, match=r"values that are no numbers .want 0 instead of NaN"):
        read_pair(tmp_path, meaning)


def test_infinite_values_are_refused_with_what_to_do(tmp_path: Path) -> None:
    endless = draw_noise(SHAPE).astype(np.float32)
    endless[0, 0, 0] = np.inf
    save_pair(tmp_path, endless)

    with pytest.raises(InputError, match=r"not all finite numbers .got 0\.0 to inf, want .* NaN"):
        read_pair(tmp_path)


@pytest.mark.parametrize(
    ("slope", "intercept"), [(0.9999, 0.0), (0.0, 7.0), (np.nan, 0.0), (1.0, 0.0)]
)
def test_labels_with_a_slope_near_one_or_of_no_meaning_keep_their_codes(
    tmp_path: Path, slope: float, intercept: float
) -> None:
    save_pair(tmp_path, draw_noise(SHAPE))
    data = bytearray(gzip.decompress((tmp_path / "mask.nii.gz").read_bytes()))
    data[112:120] = np.array([slope, intercept], "<f4").tobytes()
    (tmp_path / "mask.nii.gz").write_bytes(gzip.compress(data))

    assert sum(image.masks["lesion"][0].sum() for image in read_pair(tmp_path)) == 10 * 10 * 3


def save_turned(path: Path, lps: NDArray[Any], code: int = 2) -> None:
    """Write a volume (z, y, x) that is flipped and whose axes are swapped in its file."""
    affine = np.array([[0, 0, -2.0, 9], [-1.5, 0, 0, 8], [0, 3.0, 0, 7], [0, 0, 0, 1]])
    stored = lps.transpose(1, 0, 2)
    image = nib.Nifti1Image(stored, affine)
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    nib.save(image, path)


def test_a_mask_stored_along_other_axes_follows_its_image(tmp_path: Path) -> None:
    lps = np.zeros((4, 14, 16), np.uint8)
    lps[1:3, 2:9, 3:14] = 1
    lps[1, 2, 3] = 0
    save_turned(tmp_path / "mask.nii.gz", lps)
    affine = np.diag([-2.0, -1.5, 3.0, 1.0])
    affine[:3, 3] = 9, 8, 7
    save_nifti(tmp_path / "image.nii.gz", draw_noise((16, 14, 4)), affine)

    images = read_pair(tmp_path, more="plane = 'axial'")

    assert [image.origin[-1] for image in images] == ["1", "2"]
    for image, z in zip(images, (1, 2), strict=True):
        assert np.array_equal(image.masks["lesion"][0], lps[z] > 0)


def test_a_mask_at_45_degrees_follows_its_image_in_single_precision(tmp_path: Path) -> None:
    """Two orientations are equally near, so that the last digit decides between them."""
    affine = np.eye(4)
    affine[:2, :2] = np.array([[1, -1], [1, 1]]) * np.sqrt(0.5)
    save_nifti(tmp_path / "image.nii.gz", draw_noise(SHAPE), affine)
    for step in (-3e-7, 3e-7):
        beside = affine.copy()
        beside[0, 0] += step
        save_nifti(tmp_path / "mask.nii.gz", draw_square(SHAPE, 1, 11), beside)

        assert sum(image.masks["lesion"][0].sum() for image in read_pair(tmp_path)) == 10 * 10 * 3


def strip_place(path: Path) -> None:
    """Set both codes to 0, as files without a place have them."""
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[252:256] = b"\0" * 4
    path.write_bytes(gzip.compress(data))


@pytest.mark.parametrize("spacing", [1.0, 0.4])
def test_image_and_mask_without_a_place_pair_by_their_arrays(
    tmp_path: Path, spacing: float
) -> None:
    save_nifti(tmp_path / "image.nii.gz", draw_noise(SHAPE))
    save_nifti(
        tmp_path / "mask.nii.gz", draw_square(SHAPE, 1, 11), np.diag([spacing, spacing, spacing, 1])
    )
    for name in ("image", "mask"):
        strip_place(tmp_path / f"{name}.nii.gz")

    images = read_pair(tmp_path)

    assert sum(image.masks["lesion"][0].sum() for image in images) == 10 * 10 * 3
    assert all("stored without a place" in image.notes for image in images)


@pytest.mark.parametrize(("without", "other"), [("image", "mask"), ("mask", "image")])
def test_a_place_that_only_one_of_image_and_mask_says_is_refused(
    tmp_path: Path, without: str, other: str
) -> None:
    """The array of one may be flipped against that of the other."""
    save_pair(tmp_path, draw_noise(SHAPE), np.diag([1.0, 1.0, 2.0, 1.0]))
    strip_place(tmp_path / f"{without}.nii.gz")

    with pytest.raises(InputError, match=f"does not say where it lies .got only the {other} does"):
        read_pair(tmp_path)
    assert read_pair(tmp_path, more="geometry = 'ignore'")


def test_sform_and_qform_that_disagree_are_refused_where_image_and_mask_differ(
    tmp_path: Path,
) -> None:
    """One tool keeps both transforms, the other only the qform."""
    moved = np.diag([1.0, 1.0, 1.0, 1.0])
    moved[:3, 3] = 5
    image = nib.Nifti1Image(draw_noise(SHAPE), np.eye(4))
    image.set_qform(moved, 1)
    nib.save(image, tmp_path / "image.nii.gz")
    save_nifti(tmp_path / "mask.nii.gz", draw_square(SHAPE, 1, 11), moved)

    with pytest.raises(InputError, match="lies elsewhere than its image"):
        read_pair(tmp_path)


@pytest.mark.parametrize("spacing", [1e-6, 0.001, 1e3])
@pytest.mark.parametrize("flat", [True, False])
def test_very_small_and_very_large_voxels_are_placed(
    tmp_path: Path, spacing: float, flat: bool
) -> None:
    shape = SHAPE[:2] if flat else SHAPE
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:2, 3] = 8 * spacing
    save_nifti(tmp_path / "image.nii.gz", draw_noise(shape), affine)
    save_nifti(tmp_path / "mask.nii.gz", draw_square(shape, 1, 11), affine)

    assert read_pair(tmp_path)[0].masks["lesion"][0].sum() == 100
    affine[0, 3] += 3 * spacing
    save_nifti(tmp_path / "mask.nii.gz", draw_square(shape, 1, 11), affine)
    with pytest.raises(InputError, match="lies elsewhere than its image"):
        read_pair(tmp_path)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_an_affine_without_a_third_dimension_is_refused(tmp_path: Path, bad: float) -> None:
    save_nifti(tmp_path / "a.nii.gz", draw_noise(SHAPE))
    data = bytearray(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    data[312:328] = np.array([0, 0, bad, 0], "<f4").tobytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(data))

    refuse(tmp_path / "a.nii.gz", "affine: does not place the voxels in space")


@pytest.mark.parametrize("unit", ["micron", "mm", "meter", "unknown"])
def test_image_and_mask_share_their_numbers_whatever_unit_they_name(
    tmp_path: Path, unit: str
) -> None:
    save_pair(tmp_path, draw_noise(SHAPE))
    image = nib.load(tmp_path / "image.nii.gz")
    image.header.set_xyzt_units(unit)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), None, image.header), tmp_path / "b.nii.gz")
    (tmp_path / "b.nii.gz").replace(tmp_path / "image.nii.gz")

    assert sum(image.masks["lesion"][0].sum() for image in read_pair(tmp_path)) == 10 * 10 * 3


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image, nib.Nifti1Pair])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_pairs_and_byte_orders_are_read(
    tmp_path: Path, kind: type[Any], order: str
) -> None:
    stored = (draw_noise(SHAPE).astype(np.int16) - 40).astype(f"{order}i2")
    header = kind.header_class(endianness=order)
    header.set_data_dtype(stored.dtype)
    path = tmp_path / ("a.hdr" if kind is nib.Nifti1Pair else "a.nii")
    nib.save(kind(stored, np.eye(4), header), path)

    assert np.array_equal(read_nifti(path).volume.voxels, stored.T)


def test_codes_beyond_32_bit_stay_what_they_are(tmp_path: Path) -> None:
    save_pair(tmp_path, draw_noise(SHAPE))
    codes = draw_square(SHAPE, 1, 11).astype(np.uint64) << np.uint64(40)
    nib.save(nib.Nifti1Image(codes, np.eye(4), dtype=np.uint64), tmp_path / "mask.nii.gz")

    with pytest.raises(InputError, match=r"a code means nothing.*got 1099511627776"):
        read_pair(tmp_path)
    images = read_pair(tmp_path, f"labels = {{ {1 << 40} = 'lesion' }}")
    assert sum(image.masks["lesion"][0].sum() for image in images) == 10 * 10 * 3


def test_a_compressed_file_without_its_ending_is_refused_with_the_name_it_needs(
    tmp_path: Path,
) -> None:
    save_nifti(tmp_path / "a.nii.gz", draw_noise(SHAPE))
    (tmp_path / "a.nii.gz").replace(tmp_path / "a.nii")

    refuse(tmp_path / "a.nii", "is compressed: its name has to end in .nii.gz")


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    save_nifti(tmp_path / "a.nii.gz", draw_noise(SHAPE))
    data = (tmp_path / "a.nii.gz").read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(data[: int(len(data) * share)])

    refuse(tmp_path / "a.nii.gz", "is damaged or no NIfTI file")


@pytest.mark.parametrize("frames", [1, 3])
def test_a_mask_of_another_number_of_frames_than_its_image_is_refused(
    tmp_path: Path, frames: int
) -> None:
    save_nifti(tmp_path / "image.nii.gz", draw_noise((*SHAPE, 2)))
    save_nifti(tmp_path / "mask.nii.gz", draw_square((*SHAPE, frames), 1, 11))

    with pytest.raises(InputError, match=f"frame: differs in number .*got {frames}, want 2"):
        read_pair(tmp_path, f"{CODES}\nframe = 'all'", "frame = 'all'")


@pytest.mark.parametrize("kind", [nib.AnalyzeImage, nib.Spm99AnalyzeImage])
def test_the_older_format_of_two_files_pairs_by_arrays(tmp_path: Path, kind: type[Any]) -> None:
    """ANALYZE files hold distances and no place."""
    for name, stored in (("image", draw_noise(SHAPE)), ("mask", draw_square(SHAPE, 1, 11))):
        nib.save(kind(stored.astype(np.int16), np.diag([-1.0, 1, 2, 1])), tmp_path / f"{name}.img")

    images = read_all(tmp_path, write_spec("image.img", "mask.hdr", CODES))

    assert sum(image.masks["lesion"][0].sum() for image in images) == 10 * 10 * 3
    assert all("stored without a place" in image.notes for image in images)


def test_all_frames_of_a_five_dimensional_film_are_read(tmp_path: Path) -> None:
    film = draw_noise((*SHAPE, 2, 1))
    drawn = np.zeros((*SHAPE, 2, 1), np.uint8)
    drawn[2:12, 2:12, 1, 1] = 1
    save_nifti(tmp_path / "image.nii.gz", film)
    save_nifti(tmp_path / "mask.nii.gz", drawn)

    (image,) = read_pair(tmp_path, f"{CODES}\nframe = 'all'", "frame = 'all'")

    assert image.origin == "image.nii.gz frame 1 axial 1"
