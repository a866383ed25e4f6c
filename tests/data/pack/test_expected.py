"""A pack keeps what the catalog expected of it, and a check counts it again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cosmos_board.cli.data import command
from cosmos_board.core.expected import ExpectedCount
from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.info import dump_info, is_unaltered, read_info
from cosmos_board.data.pack.totals import PackTotals
from tests.curation.units import build_discs
from tests.data.raw_files import draw_noise, draw_square, save_picture


def run(*arguments: object) -> str:
    result = CliRunner().invoke(command, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three radiographs with both lungs; of the third one lung is too small to count."""
    folder = tmp_path_factory.mktemp("montgomery")
    for seed, name in enumerate(("MCUCXR_0001_0", "MCUCXR_0002_0", "MCUCXR_0003_0")):
        save_picture(folder / f"in/CXR_png/{name}.png", draw_noise(seed=seed))
        for side, low in (("leftMask", 2), ("rightMask", 20)):
            high = low + (3 if (seed, low) == (2, 20) else 10)
            mask = draw_square(low=low, high=high) * np.uint8(255)
            save_picture(folder / f"in/ManualMask/{side}/{name}.png", mask)
    run("import", "montgomery-cxr", "--source", folder / "in", "--out", folder / "pack",
        "--workers", 1)  # fmt: skip
    return folder / "pack"


def test_what_was_found_is_what_the_rows_hold(pack: Path) -> None:
    items = list(open_pack(pack).iter_items())
    lungs = [[each.object for each in item.references].count("lung") for item in items]
    found = {count.unit: count.found for count in read_info(pack).expected}

    assert found == {
        "cases": len({item.image.cluster_id for item in items}),
        "pictures": sum(number > 0 for number in lungs),
        "references": sum(lungs),
    }
    assert found == {"cases": 3, "pictures": 3, "references": 5}


def test_show_and_check_tell_it(pack: Path) -> None:
    assert "expected by the catalog: all: 3 of 138 cases" in run("check", pack)
    assert "of a complete copy: this pack holds something else" in run("show", pack)
    shown = json.loads(run("show", pack, "--json"))["expected"]
    assert [(row["unit"], row["found"], row["expected"]) for row in shown] == [
        ("cases", 3, 138), ("pictures", 3, 138), ("references", 5, 276),
    ]  # fmt: skip


def test_a_pack_that_claims_to_be_complete_and_is_not_is_found_out(pack: Path) -> None:
    honest = (pack / "pack.json").read_bytes()
    info = read_info(pack)
    claimed = tuple(replace(count, found=count.expected) for count in info.expected)
    try:
        (pack / "pack.json").write_bytes(dump_info(replace(info, expected=claimed)))
        problems = check_pack(pack)
    finally:
        (pack / "pack.json").write_bytes(honest)

    assert [problem for problem in problems if "expected: is not what the files hold" in problem]
    assert check_pack(pack) == []


def test_a_pack_of_an_unknown_dataset_is_written_as_before(tmp_path: Path) -> None:
    folder = build_discs(tmp_path / "pack", range(2))

    assert b'"expected"' not in (folder / "pack.json").read_bytes()
    assert is_unaltered(folder)
    assert "expected" not in run("check", folder)


def test_cases_and_images_count_once_whatever_targets_they_show() -> None:
    """Against counts by hand of five images of three patients in two modalities."""
    totals = PackTotals()
    for number, (cluster, modality, objects) in enumerate(
        (
            ("a", "ct", ("liver", "spleen")),
            ("a", "ct", ("liver", "liver")),
            ("b", "ct", ("spleen",)),
            ("b", "mr-t1", ("liver",)),
            ("c", "mr-t1", ("liver", "spleen")),
        )
    ):
        row = {"image_id": str(number), "cluster_id": cluster, "modality": modality,
               "height": 1, "width": 1, "sha256": ""}  # fmt: skip
        totals.add_image(row, objects)

    def find(unit: str, modality: str = "", object_name: str = "") -> int:
        row = ExpectedCount(
            part="all", modality=modality, object=object_name, unit=unit, expected=1, source="x",  # type: ignore[arg-type]
        )  # fmt: skip
        return totals.find_expected([row])[0].found

    assert [find("cases"), find("pictures")] == [3, 5]
    assert [find("cases", "ct"), find("cases", "mr-t1")] == [2, 2]
    assert [find(unit, "", "liver") for unit in ("cases", "pictures", "references")] == [3, 4, 5]
    assert [find(unit, "ct", "liver") for unit in ("cases", "pictures", "references")] == [1, 2, 3]
    assert find("cases", "ct", "kidney") == 0
