"""Every replica of a published folder imports to the counts that its files hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.data.catalog.load import load_catalog
from tests.replicas.replica import Counts, Replica, count_import, load_replicas
from tests.shared import SHARED, needs_shared

REPLICAS = load_replicas()


def name_replica(replica: Replica) -> str:
    return f"{replica.dataset}: {replica.variant}"


@pytest.mark.parametrize("replica", REPLICAS, ids=name_replica)
def test_a_replica_imports_to_its_counts(replica: Replica, tmp_path: Path) -> None:
    replica.write(tmp_path)

    assert count_import(replica.dataset, tmp_path) == replica.counts


@pytest.mark.parametrize(
    "replica", [replica for replica in REPLICAS if replica.archives], ids=name_replica
)
def test_archives_as_published_give_the_same_with_or_without_what_was_unpacked(
    replica: Replica, tmp_path: Path
) -> None:
    if any(archive.endswith(".7z") for archive in replica.archives):
        pytest.importorskip("py7zr")
    replica.write_packed(tmp_path)
    assert count_import(replica.dataset, tmp_path) == replica.counts

    replica.write(tmp_path)
    assert count_import(replica.dataset, tmp_path) == replica.counts


@needs_shared
def test_real_pictures_import_by_the_entry_of_their_dataset() -> None:
    vessels = {"fundus/retinal-vessel": 3, "fundus/retinal-vessel by second": 3}
    drive = Counts(images=3, clusters=3, references=vessels)
    kvasir = Counts(images=1, clusters=1, references={"colonoscopy/polyp": 1})

    assert count_import("drive", SHARED / "data" / "drive") == drive
    assert count_import("kvasir-seg", SHARED / "data" / "kvasir_seg") == kvasir


def test_every_dataset_whose_layout_is_known_has_a_replica() -> None:
    """Nobody who wrote about LiVScar in public says how its files are named."""
    names = {dataset.name for dataset in load_catalog().cosmos}

    assert names - {replica.dataset for replica in REPLICAS} == {"livscar"}
