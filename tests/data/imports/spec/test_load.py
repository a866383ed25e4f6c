from __future__ import annotations

import re
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.data.imports.spec.load import load_spec, make_pack_info, parse_spec, read_spec
from cosmos_board.data.imports.spec.models import ImageSpec, ImportSpec, MaskSpec
from cosmos_board.data.imports.spec.patterns import find_fields

GOOD = """
schema_version = 1
name = "scans"
normalisation = "window 40/400"

[[images]]
files = "images/{patient}_{slice}.png"
modality = "ct"
cluster = "{patient}"

[[images.masks]]
files = "masks/{patient}_{slice}.png"
labels = { 1 = "liver", "2..3" = "kidney", 4 = ["optic-cup", "optic-disc"] }
skip = ["9"]
instances = "labels"
"""


def test_an_import_file_becomes_values() -> None:
    spec = parse_spec(GOOD, "scans.toml")

    (images,) = spec.images
    (masks,) = images.masks
    assert images.normalisation == "window 40/400"
    assert masks.all_objects == ("kidney", "liver", "optic-cup", "optic-disc")
    assert [(rule.low, rule.high) for rule in masks.labels] == [(1, 1), (2, 3), (4, 4)]
    assert not any(spec.permissions.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param('modality = "ct"\n', "", r"images\[0\]\.modality: is missing", id="missing"),
        pytest.param('"ct"', '"cat"', r"images\[0\]\.modality: .*want ct", id="modality"),
        pytest.param("cluster", "clusters", r"clusters: is unknown \(want cluster\)", id="typo"),
        pytest.param('"{patient}"', '"{site}"', r"cluster: names \{site\}, which", id="template"),
        pytest.param('"{patient}"', "7", r"cluster: has the wrong type \(got 7", id="type"),
        pytest.param("skip =", "channels = [0, 1]\nskip =", "channels: are no pos", id="channels"),
        pytest.param("skip =", "channels = [-1]\nskip =", "channels: are no pos", id="negative"),
        pytest.param("window 40/400", "window", "normalisation: is unknown", id="normalisation"),
        pytest.param("{patient}_{slice}.png", "{patient", "files: has a brace", id="brace"),
        pytest.param('"2..3"', '"3..2"', r"labels: is no code \(got '3\.\.2'", id="range"),
        pytest.param('"2..3"', '"1..3"', r"labels: give a code two meanings", id="two"),
        pytest.param('"2..3"', "0", r"labels: give a meaning to the background", id="background"),
        pytest.param('{ 1 = "liver", "2..3"', '{ "*" = "liver", "2..3"', "two meanings", id="all"),
        pytest.param('"liver"', '"Liver!"', r"labels\.1: is no object", id="object"),
        pytest.param("labels =", "colours =", "colours: is no code", id="colour"),
        pytest.param("labels =", "names =", "name: and names go together", id="names"),
        pytest.param('skip = ["9"]', "skip = [9]", r"skip\[0\]: has the wrong type", id="skip"),
        pytest.param('skip = ["9"]', "threshold = 3", "threshold: is of no use", id="threshold"),
        pytest.param('skip = ["9"]', 'object = "liver"', "must be said once", id="twice"),
        pytest.param('skip = ["9"]', 'kind = "coco"', "must be said once by names", id="kind"),
        pytest.param('skip = ["9"]', 'observer = "second"', "no entry is without", id="observer"),
        pytest.param('"labels"', '"sides"', "instances: is unknown", id="instances"),
        pytest.param('name = "scans"', 'name = "My scans"', "name: is no name", id="name"),
        pytest.param("schema_version = 1", "", "schema_version: is missing", id="version"),
        pytest.param("cluster =", "frame = -1\ncluster =", "frame: is no position", id="frame"),
        pytest.param("cluster =", 'axes = "xxy"\ncluster =', "axes: are unknown", id="axes"),
        pytest.param("cluster =", 'plane = "top"\ncluster =', "plane: is unknown", id="plane"),
        pytest.param(
            "[[images]]", "[permissions]\nsell = true\n[[images]]",
            r"permissions\.sell: is unknown", id="permission",
        ),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_refused_by_its_name(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(InputError, match=message) as caught:
        parse_spec(GOOD.replace(old, new, 1), "scans.toml")

    assert str(caught.value).startswith("scans.toml: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^gone\.toml: cannot be read: No such file"):
        read_spec(Path("gone.toml"))


def test_a_code_for_all_others_may_come_last() -> None:
    spec = parse_spec(GOOD.replace('"2..3" = "kidney", 4 =', '"*" ='), "scans.toml")

    assert spec.images[0].masks[0].labels[1].low == 1


def test_a_name_that_an_earlier_one_takes_is_refused() -> None:
    names = 'kind = "coco"\nnames = { "rib_*" = "rib", "rib_1" = "lung" }\n'
    text = GOOD.replace('instances = "labels"', "").partition("labels =")[0] + names

    with pytest.raises(InputError, match=r"names: 'rib_1' never applies \(got 'rib_\*' before it"):
        parse_spec(text, "scans.toml")


def test_a_file_may_begin_with_the_mark_of_its_byte_order(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(GOOD, "utf-8-sig")

    assert read_spec(tmp_path / "spec.toml").name == "scans"


@pytest.mark.parametrize(
    ("word", "near"),
    [("US", "ultrasound"), ("MRI", "mr-t1 or mr-t2"), ("CT scan", "ct"), ("x_ray", "x-ray")],
)
def test_an_unknown_modality_is_met_with_those_that_may_be_meant(word: str, near: str) -> None:
    with pytest.raises(InputError, match=rf"modality: .*got '{word}', want {near}"):
        parse_spec(GOOD.replace('"ct"', f'"{word}"'), "scans.toml")


def test_an_unknown_catalog_name_is_met_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"SPEC: dataset: unknown name .*want chaos"):
        load_spec("chaoss")


@pytest.mark.parametrize("name", [dataset.name for dataset in load_catalog().cosmos])
def test_every_dataset_of_the_study_has_an_import_file_that_fits_the_catalog(name: str) -> None:
    dataset = load_catalog().datasets[name]
    spec = load_spec(name)

    assert spec.name == name
    assert {entry.modality for entry in spec.images} == set(dataset.modalities)
    objects = {
        meaning for entry in spec.images for mask in entry.masks for meaning in mask.all_objects
    }
    assert objects == set(dataset.objects)
    separate = {
        meaning
        for entry in spec.images
        for mask in entry.masks
        if mask.instances
        for meaning in mask.all_objects
    }
    assert set(dataset.instances) <= separate
    assert make_pack_info(spec).permissions == ()


@pytest.mark.parametrize("name", [dataset.name for dataset in load_catalog().cosmos])
def test_masks_of_the_study_share_a_part_with_their_images(name: str) -> None:
    for entry in load_spec(name).images:
        parts = set(find_fields(entry.files))
        for mask in entry.masks:
            shared = parts & {*find_fields(mask.files), *find_fields(mask.name)}
            assert shared or entry.table or not parts, mask.files


def test_an_import_file_cannot_grant_what_the_catalog_withholds() -> None:
    text = GOOD.replace('"scans"', '"acdc"').replace(
        "[[images]]", "[permissions]\nshow_thumbnails = true\n[[images]]"
    )

    with pytest.raises(InputError, match=r"permissions\.show_thumbnails: is withheld"):
        make_pack_info(parse_spec(text, "mine.toml"))


def test_facts_of_a_pack_come_from_the_catalog_or_the_import_file() -> None:
    own = make_pack_info(parse_spec(GOOD, "scans.toml"))
    known = make_pack_info(load_spec("chaos"))

    assert (own.licence, own.cluster_unit, own.normalisation) == (
        "unknown",
        "patient",
        "window 40/400",
    )
    assert known.licence == "CC BY-NC-SA 4.0"
    assert known.citation.startswith("Kavur")


DOCUMENT = Path(__file__).parents[4] / "site" / "docs" / "import-files.md"


def test_every_field_is_documented() -> None:
    own = {"origin", "objects", "images", "masks", "alternatives", "joined"}
    known = {name for kind in (ImportSpec, ImageSpec, MaskSpec) for name in kind.model_fields}
    documented = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text("utf-8")))

    assert known - own | {"schema_version", "object"} <= documented


def test_images_that_are_no_tables_are_refused() -> None:
    with pytest.raises(InputError, match=r"images: are no tables \(want \[\[images\]\]\)"):
        parse_spec("schema_version = 1\nname = 'a'\nimages = ['a/*.png']\n", "s.toml")


def test_channels_are_of_pictures_alone() -> None:
    described = GOOD.replace("labels = {", "kind = 'coco'\nchannels = [0]\nnames = {")

    with pytest.raises(InputError, match="channels: are of no use with kind coco"):
        parse_spec(described.replace(" 1 =", " x =").replace(" 4 =", " y ="), "scans.toml")
