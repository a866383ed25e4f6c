"""What is seldom meant is warned of in the plan; what is usual is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.planning.warnings import (
    find_near_objects,
    find_warnings,
    read_sample,
    refuse_mistakes,
)
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square, save_nifti, save_picture
from tests.import_files import SPECS, plan_source
from tests.shared import needs_shared


def list_words(plan: ImportPlan) -> list[str]:
    return [warning.word for warning in find_warnings(plan, read_sample(plan))]


def make_plan(
    folder: Path,
    pairs: dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]],
    meaning: str = "object = 'lesion'",
    modality: str = "ultrasound",
    top: str = "",
    more: str = "",
) -> ImportPlan:
    """Return the plan of pictures with masks, each given by its name."""
    for name, (image, mask) in pairs.items():
        save_picture(folder / f"a/{name}.png", image)
        save_picture(folder / f"b/{name}.png", mask)
    spec = write_spec("a/{case}.png", "b/{case}.png", meaning, more)
    spec = spec.replace("'ct'", f"'{modality}'").replace("[[images]]", f"{top}\n[[images]]", 1)
    return plan_import(parse_spec(spec, "spec.toml"), folder)


def make_pairs(names: list[str]) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    return {
        name: (draw_noise(seed=seed), draw_square() * np.uint8(255))
        for seed, name in enumerate(names)
    }


def test_ordinary_files_give_no_warning(tmp_path: Path) -> None:
    assert list_words(make_plan(tmp_path, make_pairs(["a", "b", "c"]))) == []


def test_image_and_mask_swapped_are_refused(tmp_path: Path) -> None:
    swapped = {name: pair[::-1] for name, pair in make_pairs(["a", "b", "c"]).items()}
    plan = make_plan(tmp_path, swapped)
    warnings = find_warnings(plan, read_sample(plan))

    assert [warning.word for warning in warnings] == ["swapped"]
    with pytest.raises(InputError, match=r"image and mask look swapped: 3 of 3 .*--accept swapped"):
        refuse_mistakes(warnings)


def test_label_pictures_and_images_swapped_are_refused(tmp_path: Path) -> None:
    codes = np.repeat(np.arange(1, 17, dtype=np.uint8), 64).reshape(32, 32)
    pairs = {"a": (codes, draw_noise())}
    plan = make_plan(tmp_path, pairs, "labels = { '*' = 'cell' }\ninstances = 'labels'")

    assert "swapped" in list_words(plan)


def test_volumes_swapped_are_refused(tmp_path: Path) -> None:
    save_nifti(tmp_path / "mask.nii.gz", draw_noise((16, 16, 9)).astype(np.int16) * 8 - 1000)
    save_nifti(tmp_path / "image.nii.gz", draw_square((16, 16, 9), 2, 4))
    spec = write_spec("image.nii.gz").replace("'ct'", "'mr'")

    assert "swapped" in list_words(plan_import(parse_spec(spec, "spec.toml"), tmp_path))


def test_a_black_and_white_image_with_a_mask_is_not_swapped(tmp_path: Path) -> None:
    pairs = {"a": (draw_square(low=2) * np.uint8(255), draw_square() * np.uint8(255))}

    assert list_words(make_plan(tmp_path, pairs)) == []


def make_slices(folder: Path, masks: str, meaning: str = "object = 'lesion'") -> ImportPlan:
    """Return the plan of two slices of two patients, each with a mask, in two sequences."""
    for case in ("p", "q"):
        for z in range(2):
            for sequence in ("t1", "t2"):
                save_picture(folder / f"a/{case}_{z}_{sequence}.png", draw_noise(seed=z))
            save_picture(folder / f"b/{case}_{z}.png", draw_square() * np.uint8(255))
        save_picture(folder / f"b/{case}.png", draw_square() * np.uint8(255))
    spec = write_spec("a/{case}_{slice}_t1.png", masks, meaning, "cluster = '{case}'")
    return plan_import(parse_spec(spec, "spec.toml"), folder)


@pytest.mark.parametrize("instances", ["", "\ninstances = 'files'"])
def test_masks_of_a_mistyped_part_are_refused(instances: str, tmp_path: Path) -> None:
    """Every mask of a patient would belong to every slice of the patient."""
    plan = make_slices(tmp_path, "b/{case}_{slcie}.png", f"object = 'lesion'{instances}")
    warnings = find_warnings(plan, read_sample(plan))

    assert [warning.word for warning in warnings] == ["crossed"]
    with pytest.raises(InputError, match=r"as b/\{case\}_\{slcie\}\.png lacks \{slice\}"):
        refuse_mistakes(warnings)


def test_one_mask_of_several_slices_is_told(tmp_path: Path) -> None:
    assert list_words(make_slices(tmp_path, "b/{case:[pq]}.png")) == ["shared"]


def test_masks_by_name_of_several_images_are_only_shared(tmp_path: Path) -> None:
    for organ in ("liver", "lung"):
        save_picture(tmp_path / f"b/p_{organ}.png", draw_square() * np.uint8(255))
    meaning = "name = '{organ}'\nnames = { liver = 'liver', lung = 'lung' }"

    assert list_words(make_slices(tmp_path, "b/{case}_{organ:l.*}.png", meaning)) == ["shared"]


def test_one_mask_of_several_modalities_is_usual(tmp_path: Path) -> None:
    plan = make_slices(tmp_path, "b/{case}_{slice}.png")
    spec = write_spec(
        "a/{case}_{slice}_{kind}.png", "b/{case}_{slice}.png", more="cluster = '{case}'"
    ).replace("'ct'", "'mr-{kind}'")

    assert list_words(plan) == []
    assert list_words(plan_import(parse_spec(spec, "spec.toml"), tmp_path)) == []


def test_one_mask_of_every_modality_of_one_patient_is_usual(tmp_path: Path) -> None:
    for seed, sequence in enumerate(("t1", "t2")):
        save_nifti(tmp_path / f"{sequence}.nii.gz", draw_noise((16, 16, 3), seed=seed))
    save_nifti(tmp_path / "seg.nii.gz", draw_square((16, 16, 3), 2, 12))
    spec = write_spec("{kind:t.}.nii.gz", "seg.nii.gz").replace("'ct'", "'mr-{kind}'")

    plan = plan_import(parse_spec(spec, "spec.toml"), tmp_path)

    assert len(plan.jobs) == 2
    assert list_words(plan) == []


def test_inverted_masks_are_told(tmp_path: Path) -> None:
    pairs = {
        name: (image, np.uint8(255) - mask)
        for name, (image, mask) in make_pairs(["a", "b"]).items()
    }

    assert list_words(make_plan(tmp_path, pairs)) == ["inverted"]


def test_a_frame_around_the_image_is_told(tmp_path: Path) -> None:
    mask = draw_square() * np.uint8(255)
    mask[[0, -1]] = mask[:, [0, -1]] = 255

    assert list_words(make_plan(tmp_path, {"a": (draw_noise(), mask)})) == ["borders"]


def test_one_inverted_mask_of_many_is_not_told(tmp_path: Path) -> None:
    pairs = make_pairs(["a", "b", "c"])
    pairs["a"] = (pairs["a"][0], np.uint8(255) - pairs["a"][1])

    assert list_words(make_plan(tmp_path, pairs)) == []


def test_blank_images_are_told(tmp_path: Path) -> None:
    pairs = make_pairs(["a", "b", "c"])
    pairs["a"] = (np.full((32, 32), 7, np.uint8), pairs["a"][1])

    assert list_words(make_plan(tmp_path, pairs)) == ["blank"]


@pytest.mark.parametrize(
    ("names", "modality", "warned"),
    [
        pytest.param([f"p{p:02d}_s{s}" for p in range(12) for s in range(3)], "ultrasound", True,
                     id="36 files of 12 patients"),
        pytest.param([f"patient{p}_{v}" for p in range(4) for v in ("left", "right")],
                     "mammography", True, id="two views of each"),
        pytest.param([f"anna{p}/{s}" for p in range(3) for s in range(3)], "ultrasound", True,
                     id="folders"),
        pytest.param([f"img_{n}" for n in range(9)], "ultrasound", False, id="one number"),
        pytest.param([f"{n}" for n in range(9)], "ct", False, id="nothing but a number"),
        pytest.param([f"CT_{p}_{z}" for p in range(3) for z in range(3)], "ct", True, id="CT"),
        pytest.param([f"slice_{n}" for n in range(9)], "ct", True, id="slices"),
        pytest.param([f"{kind} ({n})" for kind in ("benign", "malignant") for n in range(5)],
                     "ultrasound", False, id="two kinds"),
        pytest.param([f"ISIC_00{n}" for n in range(9)], "dermoscopy", False, id="an archive"),
        pytest.param([f"{n:02d}_test" for n in range(9)], "fundus", False, id="a word behind"),
    ],
)  # fmt: skip
def test_a_missing_cluster_is_told_where_names_look_like_patients(
    names: list[str], modality: str, warned: bool, tmp_path: Path
) -> None:
    pairs = make_pairs(names)
    for name, (image, mask) in pairs.items():
        save_picture(tmp_path / f"a/{name}.png", image)
        save_picture(tmp_path / f"b/{name}.png", mask)
    spec = write_spec("a/{case:.*}.png", "b/{case}.png").replace("'ct'", f"'{modality}'")

    words = list_words(plan_import(parse_spec(spec, "spec.toml"), tmp_path))

    assert words == ["clusters"] * warned


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (["liver_1", "liver_2", "liver_10"], False),
        (["case_001_t1", "case_001_t2", "case_002_t1", "case_002_t2"], True),
    ],
)
def test_volumes_count_as_patients_unless_names_say_otherwise(
    names: list[str], warned: bool, tmp_path: Path
) -> None:
    for seed, name in enumerate(names):
        save_nifti(tmp_path / f"a/{name}.nii.gz", draw_noise((16, 16, 3), seed=seed))
        save_nifti(tmp_path / f"b/{name}.nii.gz", draw_square((16, 16, 3), 2, 12))
    spec = write_spec("a/{case}.nii.gz", "b/{case}.nii.gz", more="normalisation = 'minmax'")

    words = list_words(plan_import(parse_spec(spec, "spec.toml"), tmp_path))

    assert words == ["clusters"] * warned


def test_a_cluster_that_is_given_is_not_asked_for(tmp_path: Path) -> None:
    pairs = make_pairs(["p1_1", "p1_2", "p2_1", "p2_2"])

    assert list_words(make_plan(tmp_path, pairs)) == ["clusters"]
    assert list_words(make_plan(tmp_path, pairs, more="cluster = '{case}'")) == []


def test_percentiles_of_ct_are_told(tmp_path: Path) -> None:
    save_nifti(tmp_path / "image.nii.gz", draw_noise((16, 16, 3)).astype(np.int16) * 8 - 1000)
    save_nifti(tmp_path / "mask.nii.gz", draw_square((16, 16, 3), 2, 12))

    def words(more: str = "") -> list[str]:
        spec = write_spec("image.nii.gz", more=more)
        return list_words(plan_import(parse_spec(spec, "spec.toml"), tmp_path))

    assert words() == ["ct-percentile"]
    assert words("normalisation = 'window 40/400'") == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tumor", ["tumour"]),
        ("lung-tumour", ["lung-cancer"]),
        ("lungs", ["lung"]),
        ("ventricle-left", ["left-ventricle"]),
        ("oesophagus", ["esophagus"]),
        ("pancrea", ["pancreas"]),
        ("kidney-stone", []),
        ("dental-caries", []),
    ],
)
def test_objects_near_a_known_one_are_offered(name: str, near: list[str]) -> None:
    assert find_near_objects(name) == near


def test_an_object_near_a_known_one_is_told(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, make_pairs(["a"]), "object = 'lung-tumour'")

    (warning,) = find_warnings(plan, read_sample(plan))

    assert "lung-tumour (known: lung-cancer)" in str(warning)
    assert str(warning).endswith("(if this is meant: --accept objects)")


def test_an_import_file_may_accept_a_warning(tmp_path: Path) -> None:
    pairs = make_pairs(["p1_1", "p1_2", "p2_1", "p2_2"])

    assert list_words(make_plan(tmp_path, pairs, top="accept = ['clusters']")) == []
    with pytest.raises(
        InputError, match=r"accept\[0\]: is unknown \(got 'cluster', want swapped, "
    ):
        make_plan(tmp_path, pairs, top="accept = ['cluster']")


def test_a_sample_that_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, {"a": (draw_noise(), draw_square((9, 9)))})

    look = read_sample(plan)

    assert (look.units, len(look.unread)) == (1, 1)
    assert "size: differs from that of its image" in look.unread[0]


@needs_shared
@pytest.mark.parametrize("source", sorted(path.stem for path in SPECS.glob("*.toml")))
def test_no_real_source_gives_a_warning(source: str) -> None:
    assert not list_words(plan_source(source))
