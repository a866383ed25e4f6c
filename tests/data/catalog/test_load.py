from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files

import pytest

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.modalities import MODALITIES
from cosmos_board.data.catalog.dataset import FACTS, PERMISSIONS
from cosmos_board.data.catalog.load import get_dataset, load_catalog, parse_datasets
from cosmos_board.data.catalog.objects import get_object_label, load_objects

TEXT = files("cosmos_board.data.catalog").joinpath("datasets.toml").read_text("utf-8")


def test_the_studys_53_datasets_are_all_there() -> None:
    assert len(load_catalog().cosmos) == 53


def test_every_dataset_states_every_flag_and_the_certainty_of_every_fact() -> None:
    for dataset in load_catalog().datasets.values():
        assert set(dataset.permissions) == set(PERMISSIONS), dataset.name
        assert set(dataset.certainty) == set(FACTS), dataset.name


def test_nothing_is_permitted_with_a_dataset_of_the_study() -> None:
    """Nobody has read the 53 licences at their source, so no flag may be true."""
    assert not any(any(dataset.permissions.values()) for dataset in load_catalog().cosmos)


def test_all_18_modalities_of_the_study_occur() -> None:
    used = {modality for dataset in load_catalog().cosmos for modality in dataset.modalities}

    assert {name for name, modality in MODALITIES.items() if modality.in_cosmos} <= used


def test_every_object_of_the_study_is_in_one_of_its_datasets() -> None:
    used = {name for dataset in load_catalog().cosmos for name in dataset.objects}
    listed = {name for name, entry in load_objects().items() if entry.in_cosmos}

    assert used == listed


def test_objects_are_near_the_84_of_the_study_and_targets_near_its_125() -> None:
    catalog = load_catalog()
    targets = {target for dataset in catalog.cosmos for target in dataset.targets}

    assert sum(entry.in_cosmos for entry in catalog.objects.values()) == 87
    assert len(targets) == 131


def test_every_object_has_an_english_and_a_chinese_name_of_its_own() -> None:
    entries = load_objects().values()

    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name) for entry in entries)
    assert all(re.search(r"[\u4e00-\u9fff]", entry.label_zh) for entry in entries)
    assert len({entry.label for entry in entries}) == len(entries)
    assert len({entry.label_zh for entry in entries}) == len(entries)


def test_a_gate_says_where_to_go_and_what_to_put_where() -> None:
    for dataset in load_catalog().datasets.values():
        assert dataset.gate.where.strip(), dataset.name
        assert dataset.gate.put.strip(), dataset.name
        assert dataset.citation.strip(), dataset.name
        assert dataset.licence.strip(), dataset.name


def test_known_training_use_names_its_source() -> None:
    uses = [use for dataset in load_catalog().cosmos for use in dataset.contamination]

    assert {use.use for use in uses} == {"trained-on", "held-out"}
    assert all(use.source for use in uses)


def test_datasets_are_linked_to_by_an_address_of_their_own() -> None:
    links = [dataset.link for dataset in load_catalog().cosmos]

    assert all(re.fullmatch(r"https?://\S+", link) for link in links)
    assert len(set(links)) == 53


SHARED = '[{ dataset = "mnms", source = "-" }]'


def _without(line: str, entry: str = "acdc") -> str:
    head, rest = TEXT.split(f"[{entry}]\n")
    return head + f"[{entry}]\n" + re.sub(line, "", rest, count=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            _without(r", commercial = false"), r"acdc: permissions\.commercial: is missing",
            id="a flag is missing",
        ),
        pytest.param(
            _without(r'licence = "[^"]*"\n'), r"acdc: licence: is missing", id="no licence"
        ),
        pytest.param(
            _without(r"redistribute_images = false, ").replace(
                "[acdc]\n", "[acdc]\nsize = 3\n"
            ),
            r"acdc: (size: is unknown|permissions)",
            id="an unknown field",
        ),
        pytest.param(
            TEXT.replace("lv-myocardium =", "lv-muscle ="),
            r"acdc: targets\[0\]\.objects: unknown name \(got 'lv-muscle', want lv-",
            id="an object that is not in the list",
        ),
        pytest.param(
            TEXT.replace('modality = "mr-cine"', 'modality = "mri"'),
            "modality: name: unknown name",
            id="a modality that is not in the list",
        ),
        pytest.param(
            TEXT.replace("show_thumbnails = false", "show_thumbnails = true", 1),
            "nobody has reviewed the licence",
            id="a flag without a review",
        ),
        pytest.param(
            TEXT.replace('use = "held-out"', 'use = "seen"', 1),
            r"contamination\[0\]\.use: is unknown \(got 'seen', want trained-on",
            id="an unknown use",
        ),
        pytest.param(
            TEXT.replace('layout = "general-knowledge"', 'layout = "checked against "', 1),
            r"certainty\.layout: is unknown \(got 'checked against '",
            id="checked against nothing",
        ),
        pytest.param(
            TEXT.replace("[acdc]\n", f"[acdc]\nshares_cases_with = {SHARED}\n"),
            r"acdc: shares_cases_with: is said of one of the two only \(got mnms, want acdc",
            id="shared cases in one entry only",
        ),
    ],
)  # fmt: skip
def test_an_entry_that_is_not_whole_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_datasets(text)


def test_an_unknown_dataset_is_met_with_the_nearest_names() -> None:
    with pytest.raises(UnknownNameError, match="want kits"):
        get_dataset("kits20")


def test_an_object_is_headed_in_the_language_asked_for() -> None:
    assert get_object_label("liver", "zh") == "肝脏"
    assert get_object_label("left-knob", "zh") == "Left knob"


def test_the_catalog_loads_without_the_heavy_libraries() -> None:
    """`data list` has 0.4 s in all."""
    code = (
        "import sys, cosmos_board.data.catalog.licence as licence\n"
        "licence.may('acdc', 'commercial')\n"
        "heavy = {'numpy', 'pyarrow', 'duckdb', 'torch', 'SimpleITK', 'PIL', 'nibabel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"
