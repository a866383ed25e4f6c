"""What layouts of published datasets ask of an import file, one test each."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.source import SourceImage
from tests.data.raw_files import draw_noise, draw_square, save_nifti, save_picture, save_series
from tests.import_files import iter_source_images


def plan(
    folder: Path, images: str, masks: str = "", meaning: str = "object = 'lesion'", top: str = ""
) -> ImportPlan:
    """Return the plan of one entry; `images` and `masks` are lines of TOML."""
    text = (
        f"schema_version = 1\nname = 'layout'\n{top}\n[[images]]\nmodality = 'fundus'\n{images}\n"
        f"[[images.masks]]\n{masks or images}\n{meaning}\n"
    )
    return plan_import(parse_spec(text, "spec.toml"), folder)


def read(found: ImportPlan) -> dict[str, SourceImage]:
    assert not found.problems
    return {image.origin: image for image in iter_source_images(found)}


def save_pair(folder: Path, image: str, mask: str, seed: int = 0) -> None:
    save_picture(folder / image, draw_noise(seed=seed), format="PNG")
    save_picture(folder / mask, draw_square() * 255, format="PNG")


def refuse(folder: Path, images: str, masks: str, meaning: str = "object = 'lesion'") -> str:
    with pytest.raises(InputError) as error:
        plan(folder, images, masks, meaning)
    return str(error.value)


def test_names_pair_without_regard_to_case_where_it_is_said(tmp_path: Path) -> None:
    save_pair(tmp_path, "Images/A01_x.PNG", "masks/a01_X.png")
    patterns = ("files = 'images/{case}_{p}.png'", "files = 'masks/{case}_{p}.png'")

    (image,) = read(plan(tmp_path, *patterns, top="ignore_case = true")).values()

    assert int(image.masks["lesion"][0].sum()) == 144
    assert not plan(tmp_path, *patterns).jobs


def test_excluded_files_are_as_if_they_were_not_there_and_are_counted(tmp_path: Path) -> None:
    """Illustrations that bear the names of the images, as in AMD and PALM."""
    save_pair(tmp_path, "data/AMD/A1.png", "data/Disc/A1.png")
    save_pair(tmp_path, "data/Illustration/A1.png", "data/Disc/A1_dummy.png")
    entry = ("files = '**/{group:AMD|Illustration}/{case}.png'", "files = '**/Disc/{case:A.*}.png'")

    without = plan(tmp_path, "files = '**/{case:A[0-9]}.png'", "files = '**/Disc/{case}.png'")
    found = plan(tmp_path, *entry, top="exclude = ['**/Illustration/', '*/Disc/*_dummy.png']")

    assert "cannot be told from 2 others, such as data/AMD/A1.png" in without.describe()
    assert [job.paths[0] for job in found.jobs] == ["data/AMD/A1.png"]
    assert "2 files excluded: data/Disc/A1_dummy.png, data/Illustration/A1.png" in found.describe()


def test_the_first_alternative_that_finds_a_mask_counts(tmp_path: Path) -> None:
    """One case of BraTS 2020 has its mask under another name."""
    save_pair(tmp_path, "1/1_t1.png", "1/1_seg.png")
    save_pair(tmp_path, "2/2_t1.png", "2/W39_Segm.png", seed=1)
    save_pair(tmp_path, "3/3_t1.png", "3/3_seg.png", seed=2)
    save_picture(tmp_path / "3/W40_Segm.png", draw_square() * 0)
    masks = "files = ['{case}/{case}_seg.png', '{case}/{date}_Segm.png']"

    found = plan(tmp_path, "files = '{case}/{case}_t1.png'", masks)

    assert [job.masks[0].paths for job in found.jobs] == [
        ("1/1_seg.png",), ("2/W39_Segm.png",), ("3/3_seg.png",),
    ]  # fmt: skip
    assert not found.masks_without_image
    assert "1 file passed over, as an earlier pattern finds others: 3/W40_Segm.png" in (
        found.describe()
    )


def test_an_image_that_two_alternatives_find_is_read_once(tmp_path: Path) -> None:
    save_pair(tmp_path, "new/1.png", "mask/1.png")
    save_picture(tmp_path / "old/1.bmp", draw_noise())
    save_picture(tmp_path / "old/2.bmp", draw_noise(seed=1))
    save_picture(tmp_path / "mask/2.png", draw_square() * 255)

    found = plan(
        tmp_path, "files = ['new/{case}.png', 'old/{case}.bmp']", "files = 'mask/{case}.png'"
    )

    assert [job.paths[0] for job in found.jobs] == ["new/1.png", "old/2.bmp"]


def test_segments_of_one_organ_in_several_files_are_one_reference(tmp_path: Path) -> None:
    """The anterior and posterior segments of two eyes, as in HaN-Seg."""
    save_picture(tmp_path / "1/image.png", draw_noise())
    whole = np.zeros((32, 32), np.uint8)
    for number, name in enumerate(("AL", "PL", "AR", "PR")):
        segment = whole.copy()
        segment[8 * number : 8 * number + 8] = 255
        save_picture(tmp_path / f"1/Eye_{name}.png", segment)
    masks = "files = '{case}/{organ:Eye.*}.png'\nname = '{organ}'\nnames = { 'Eye_*' = 'eyeball' }"
    join = "instances = { 'Eye_?L' = 'left', 'Eye_?R' = 'right' }"

    (image,) = read(plan(tmp_path, "files = '{case}/image.png'", masks, join)).values()
    (apart,) = read(
        plan(tmp_path, "files = '{case}/image.png'", masks, "instances = 'labels'")
    ).values()

    assert [int(mask.sum()) for mask in image.masks["eyeball"]] == [512, 512]
    assert len(apart.masks["eyeball"]) == 4
    assert np.array_equal(image.masks["eyeball"][0][:16], np.ones((16, 32), np.bool_))


@pytest.mark.parametrize("kind", ["labels", "colours"])
def test_codes_or_colours_of_one_word_are_one_reference(kind: str, tmp_path: Path) -> None:
    """Five lobes are two lungs; a code that is not listed is a reference of its own."""
    save_picture(tmp_path / "a.png", draw_noise())
    codes = np.repeat(np.arange(8, dtype=np.uint8), 4)[:, None].repeat(32, 1)
    drawn = codes if kind == "labels" else np.stack([codes * 30, codes * 0, codes * 0], -1)
    save_picture(tmp_path / "b.png", drawn)
    if kind == "labels":
        meaning = "labels = { '1..6' = 'lung' }\nskip = ['7']\n"
        meaning += "instances = { '1,2' = 'left', '3..5' = 'right' }"
    else:
        colours = ", ".join(f"'{30 * code},0,0' = 'lung'" for code in range(1, 7))
        meaning = f"colours = {{ {colours} }}\nskip = ['210,0,0']\ninstances = {{ "
        meaning += ", ".join(
            f"'{30 * code}, 0, 0' = '{'left' if code < 3 else 'right'}'" for code in range(1, 6)
        )
        meaning += " }"

    (image,) = read(plan(tmp_path, "files = 'a.png'", "files = 'b.png'", meaning)).values()

    assert sorted(int(mask.sum()) // 128 for mask in image.masks["lung"]) == [1, 2, 3]


@pytest.mark.parametrize("axes", ["cyx", "yxc"])
def test_one_of_three_axes_may_hold_channels(axes: str, tmp_path: Path) -> None:
    """QUBIQ's brain tumours are (240, 240, 4): two axes of the picture and one of sequences."""
    sequences = draw_noise((30, 20, 4))
    affine = np.diag([-1.0, -1, 1, 1])
    stored = sequences if axes == "cyx" else sequences.transpose(2, 0, 1)
    if axes == "yxc":
        affine = affine[:, [2, 0, 1, 3]]
    nib.save(nib.Nifti1Image(stored, affine), tmp_path / "image.nii.gz")
    mask = np.zeros((30, 20), np.uint8)
    mask[3:20, 2:7] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([-1.0, -1, 1, 1])), tmp_path / "mask.nii.gz")
    entry = f"files = 'image.nii.gz'\naxes = '{axes}'\nchannels = [2]\nnormalisation = 'none'"

    (image,) = read(plan(tmp_path, entry, "files = 'mask.nii.gz'")).values()

    assert np.array_equal(image.pixels, sequences[:, :, 2].T)
    assert np.array_equal(image.masks["lesion"][0], mask.T > 0)


@pytest.mark.parametrize("ending", ["npy", "nii.gz", "mha", "tif", "h5"])
def test_each_channel_of_a_mask_may_draw_an_object(ending: str, tmp_path: Path) -> None:
    """Channels overlap: the cup lies inside the disc."""
    disc, cup = draw_square(), draw_square(low=10, high=15)
    volume = ending in ("nii.gz", "mha")
    channels = np.stack([disc, cup, disc * 0])
    path, axes = tmp_path / f"mask.{ending}", "cyx"
    if ending == "npy":
        np.save(path, channels)
    elif ending == "nii.gz":
        voxels = channels.transpose(2, 1, 0)[:, :, None, :]
        nib.save(nib.Nifti1Image(voxels, np.diag([-1.0, -1, 1, 1])), path)
        axes = "czyx"
    elif ending == "mha":
        voxels = channels.transpose(1, 2, 0)[None]
        sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=True), str(path))
        axes = "zyxc"
    elif ending == "h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file["masks/drawn"] = channels
    else:
        import tifffile

        tifffile.imwrite(path, channels, photometric="minisblack")
    if volume:
        save_nifti(tmp_path / "image.nii", draw_noise((32, 32, 1)), affine=np.diag([-1, -1, 1, 1]))
    else:
        save_picture(tmp_path / "image.png", draw_noise())
    meaning = "labels = { 0 = 'optic-disc', 1 = 'optic-cup' }\nskip = ['2']"

    found = plan(
        tmp_path,
        f"files = 'image.{'nii' if volume else 'png'}'",
        f"files = 'mask.{ending}'\naxes = '{axes}'\nchannels = 'labels'",
        meaning,
    )
    (image,) = read(found).values()

    assert np.array_equal(image.masks["optic-disc"][0], disc > 0)
    assert np.array_equal(image.masks["optic-cup"][0], cup > 0)


def test_clusters_come_from_a_table_with_headings_of_the_world(tmp_path: Path) -> None:
    """GlaS: `Grade.csv` has spaces, capitals and brackets in its headings."""
    for number in (1, 2, 3):
        save_pair(tmp_path, f"train_{number}.png", f"train_{number}_anno.png", seed=number)
    (tmp_path / "Grade.csv").write_text(
        "name, patient ID, grade (GlaS)\ntrain_1, 7, benign\ntrain_2, 9, benign\n"
    )
    entry = (
        "files = '{image:train_[0-9]+}.png'\ncluster = '{patient}'\n[images.parts.patient]\n"
        "table = '**/Grade.csv'\nwhere = { Name = '{image}' }\ncolumn = 'Patient ID'"
    )

    found = plan(tmp_path, entry, "files = '{image}_anno.png'")

    assert {job.paths[0]: job.cluster_key for job in found.jobs} == {
        "train_1.png": "7", "train_2.png": "9",
    }  # fmt: skip
    assert found.problems == (
        ("train_3.png", "has no {patient}: no row of Grade.csv is called train_3"),
    )


def test_clusters_come_from_ranges_of_numbers(tmp_path: Path) -> None:
    """CVC-ClinicDB: frames 1 to 25 are the first sequence, and so on."""
    for number in (1, 25, 26, 51):
        save_pair(tmp_path, f"a/{number}.png", f"b/{number}.png", seed=number)
    entry = (
        "files = 'a/{n}.png'\ncluster = '{sequence}'\n"
        "parts.sequence = { from = '{n}', ranges = ['1..25', '26..50'] }"
    )

    found = plan(tmp_path, entry, "files = 'b/{n}.png'")

    assert [job.cluster_key for job in found.jobs] == ["1..25", "1..25", "26..50"]
    assert found.problems == (("a/51.png", "has no {sequence}: '51' is in none of the ranges"),)


def test_a_table_that_is_missing_or_lacks_a_column_is_named(tmp_path: Path) -> None:
    save_pair(tmp_path, "a.png", "b.png")
    table = "{ table = 't.csv', where = { x = '{image}' }, column = 'y' }"
    entry = f"files = '{{image:a}}.png'\nparts.p = {table}"

    missing = refuse(tmp_path, entry, "files = 'b.png'")
    (tmp_path / "t.csv").write_text("x,z\na,1\n")

    assert missing == "t.csv: table: is not in the source folder"
    assert refuse(tmp_path, entry, "files = 'b.png'") == "t.csv: y: is no column (want 'x', 'z')"


def test_a_gzipped_picture_is_read(tmp_path: Path) -> None:
    """STARE: `im0001.ppm.gz`."""
    save_picture(tmp_path / "plain.ppm", draw_noise((32, 32, 3)))
    data = (tmp_path / "plain.ppm").read_bytes()
    (tmp_path / "im1.ppm.gz").write_bytes(gzip.compress(data))
    save_picture(tmp_path / "im1.png", draw_square() * 255)

    (image,) = read(plan(tmp_path, "files = 'im{c}.ppm.gz'", "files = 'im{c}.png'")).values()

    assert np.array_equal(image.pixels, draw_noise((32, 32, 3)))
    (tmp_path / "im1.ppm.gz").write_bytes(gzip.compress(data)[:-40])
    with pytest.raises(InputError, match=r"^im1\.ppm\.gz: .*is damaged or no gzip file"):
        read(plan(tmp_path, "files = 'im{c}.ppm.gz'", "files = 'im{c}.png'"))


def test_masks_of_two_folders_are_not_joined(tmp_path: Path) -> None:
    """CellSeg: the tuning part bears the names of the training part."""
    save_pair(tmp_path, "Train/images/1.png", "Train/labels/1.png")
    save_picture(tmp_path / "Tuning/labels/1.png", draw_square() * 255)

    refusal = refuse(tmp_path, "files = '**/images/{n}.png'", "files = '**/labels/{n}.png'")

    assert "images[0].masks[0].files: takes two files for masks of one image" in refusal
    assert "Train/labels/1.png and Tuning/labels/1.png" in refusal


def test_several_masks_that_a_star_stands_for_are_still_joined(tmp_path: Path) -> None:
    save_pair(tmp_path, "1/image.png", "1/masks/a.png")
    save_picture(tmp_path / "1/masks/b.png", draw_square(low=0, high=9) * 255)

    (image,) = read(plan(tmp_path, "files = '{n}/image.png'", "files = '{n}/masks/*.png'")).values()

    assert int(image.masks["lesion"][0].sum()) == 144 + 81 - 1


def test_two_copies_of_a_dicom_file_are_no_series(tmp_path: Path) -> None:
    """A mirror of SIIM-ACR holds every file twice."""
    for copy in ("dicom", "again/dicom"):
        save_series(tmp_path / copy, slices=1)
    (name,) = [path.name for path in (tmp_path / "dicom").iterdir()]

    refusal = refuse(tmp_path, "files = '**/dicom/{uid}.dcm'", "files = 'm/{uid}.png'")

    assert "takes two files for slices of one series" in refusal
    assert f"again/dicom/{name} and dicom/{name}" in refusal


def test_one_patient_with_a_series_too_many_leaves_the_others(tmp_path: Path) -> None:
    """NCI-ISBI: a patient may have a further series, whose slices are named alike."""
    for folder in ("p1/t2", "p1/adc", "p2/t2"):
        save_series(tmp_path / folder, slices=2)
        for number, path in enumerate(sorted((tmp_path / folder).iterdir())):
            path.rename(path.with_name(f"1-{number}.dcm"))
    for patient in ("p1", "p2"):
        save_picture(tmp_path / f"{patient}.png", draw_square() * 255)

    found = plan(tmp_path, "files = '{p:p[0-9]}/**/*.dcm'", "files = '{p}.png'")

    assert [job.parts["p"] for job in found.jobs] == ["p2"]
    assert "not used: p1/adc/1-0.dcm: and p1/t2/1-0.dcm are both taken for slices" in (
        found.describe()
    )


def test_one_image_with_two_copies_of_its_mask_leaves_the_others(tmp_path: Path) -> None:
    save_pair(tmp_path, "images/1.png", "labels/1.png")
    save_pair(tmp_path, "images/2.png", "labels/2.png", seed=1)
    save_picture(tmp_path / "copy/labels/1.png", draw_square() * 255)

    found = plan(tmp_path, "files = 'images/{n}.png'", "files = '**/labels/{n}.png'")

    assert [job.paths for job in found.jobs] == [("images/2.png",)]
    assert "copy/labels/1.png: and labels/1.png are both taken for masks of one image: remove" in (
        found.describe()
    )


@pytest.mark.parametrize(
    ("images", "names", "remark"),
    [
        pytest.param(
            "cross{year:[0-9_]*}{case:[0-9]+}.png", ["cross_105"],
            "cross_105.png is read as {year} _10, {case} 5, and could be {year} _, {case} 105",
            id="greed leaves one digit",
        ),
        pytest.param(
            "{case}_{z}.png", ["a_b_1"],
            "a_b_1.png is read as {case} a_b, {z} 1, and could be {case} a, {z} b_1", id="several",
        ),
        pytest.param("{year:[0-9]*}{case:[a-z]}.png", ["a", "b"], "{year} of", id="nothing"),
    ],
)  # fmt: skip
def test_parts_that_are_not_sure_are_reported(
    images: str, names: list[str], remark: str, tmp_path: Path
) -> None:
    for name in names:
        save_picture(tmp_path / f"{name}.png", draw_noise())

    described = plan(tmp_path, f"files = '{images}'", "files = 'masks/{case}.png'").describe()

    assert remark in described
    assert "look at this: no file fits masks/{case}.png" in described


def test_parts_that_are_sure_are_not_reported(tmp_path: Path) -> None:
    save_pair(tmp_path, "a/p_1.png", "b/p_1.png")

    described = plan(
        tmp_path, "files = 'a/{case}_{z:[0-9]+}.png'", "files = 'b/{case}_{z}.png'"
    ).describe()

    assert "look at this" not in described
