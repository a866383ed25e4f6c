"""Somebody who alters a volume and puts all file hashes right is caught by what rows mean."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.curation.curate import curate
from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.pack.volumes import VOLUME_TABLES, PackVolumes
from cosmos_board.store.parquet import iter_rows, make_table, write_batches
from tests.curation.units import INFO
from tests.curation.volume_units import ORGAN, ball, make_volume_unit, slice_volume
from tests.data.pack.test_check import refile

PART = "part-00000.parquet"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of two small volumes."""
    out = tmp_path_factory.mktemp("packs") / "pack"
    units = [
        make_volume_unit(str(seed), slice_volume({ORGAN: ball(4, 16, 16, 8)}, seed=seed))
        for seed in range(2)
    ]
    curate(units, INFO, out, workers=1)
    return out


@pytest.fixture
def pack(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "pack"))


def change_first(pack: Path, folder: str, change: dict[str, Any]) -> None:
    """Alter the first row of a table; row groups and file hashes stay right."""
    path, schema = pack / folder / PART, VOLUME_TABLES[folder]
    key = "volume_reference_id" if folder == "volume_prompts" else "volume_id"
    groups: dict[str, list[Any]] = {}
    for row in iter_rows(path, schema):
        groups.setdefault(row[key].partition(".")[0], []).append(row)
    next(iter(groups.values()))[0].update(change)
    write_batches(path, schema, (make_table(schema, rows) for rows in groups.values()))
    refile(pack, f"{folder}/{PART}", path.stat().st_size, hash_file(path))


FORGERIES: list[tuple[str, dict[str, Any], str]] = [
    ("volumes", {"spacing_mm": [2.0, 2.0, 1.0]}, "volumes: is not what the files hold"),
    ("volumes", {"spacing_mm": [2.0, -1.0, 1.0]}, "spacing_mm: is no distance"),
    ("volumes", {"cluster_id": "discs-00009"}, "volumes: is not what the files hold"),
    ("volumes", {"cluster_id": "other-00001"}, "names another dataset"),
    ("volumes", {"dataset": "other"}, "names another dataset"),
    ("volumes", {"slices": 8}, "has other slices"),
    ("volumes", {"slices": 10}, "is not the id of its slices"),
    ("volumes", {"slices": 1 << 30}, "size: is too large"),
    ("volumes", {"height": -1}, "rle: "),
    ("volumes", {"width": 31}, "rle: "),
    ("slices", {"slice_index": 3}, "has slices of another order"),
    ("slices", {"png": None}, "is no image of this pack"),
    ("slices", {"png": b"\x89PNG"}, "png: is cut off"),
    ("slices", {"sha256": "0" * 64}, "has other slices"),
    ("volume_references", {"instance": 3}, "has another id"),
    ("volume_references", {"object": "tube"}, "has another id"),
    ("volume_references", {"voxels": 1}, "has other voxels or another prompt slice"),
    ("volume_references", {"prompt_slice": 2}, "has other voxels or another prompt slice"),
    ("volume_references", {"slice_indices": [1, 2]}, "has not one mask a slice"),
    ("volume_references", {"slice_indices": [], "rles": []}, "has not one mask a slice"),
    ("volume_references", {"rles": [b"PPYo0"], "slice_indices": [4]}, "rle: "),
    ("volume_references", {"rles": [None], "slice_indices": [4]}, "a missing value"),
    ("volume_references", {"box_reference_ids": ["a"]}, "has other boxes of the 2-D study"),
    ("volume_prompts", {"points": [1, 1]}, "has other prompts than the protocol gives"),
    ("volume_prompts", {"points": [1]}, "slice-point: is malformed"),
    ("volume_prompts", {"slice_index": 2}, "has other prompts than the protocol gives"),
    ("volume_prompts", {"prompt": "slice-thing"}, "has other prompts than the protocol gives"),
]


@pytest.mark.parametrize(("folder", "change", "words"), FORGERIES)
def test_a_forged_row_is_noticed_even_when_the_files_agree(
    pack: Path, folder: str, change: dict[str, Any], words: str
) -> None:
    change_first(pack, folder, change)

    problems = check_pack(pack)

    assert any(words in problem for problem in problems), problems
    assert not any("\n" in problem or "sha256 than" in problem for problem in problems)


def test_a_bad_volume_is_left_out_and_named(pack: Path) -> None:
    change_first(pack, "slices", {"png": b"\x89PNG"})
    volumes = PackVolumes(open_pack(pack))
    first, second = (row["volume_id"] for row in volumes.iter_rows())
    bad: list[str] = []

    items = list(volumes.iter_items(on_bad=lambda volume_id, _: bad.append(volume_id)))

    assert (bad, [item.volume.volume_id for item in items]) == ([first], [second])
    with pytest.raises(InputError, match="png: is cut off"):
        list(volumes.iter_items())


def test_a_part_without_its_slices_is_refused(pack: Path) -> None:
    (pack / "slices" / PART).unlink()

    with pytest.raises(InputError, match="does not exist"):
        len(PackVolumes(open_pack(pack)))
