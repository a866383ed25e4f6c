"""How much a slice ranks on."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.store.board import open_board
from cosmos_board.store.queries.targets import Amount, read_amounts
from tests.boards import PlantedModel, PlantedTarget, planted_board


def test_a_held_out_set_counts_its_own_datasets_and_a_shared_cluster_once(tmp_path: Path) -> None:
    targets = [
        PlantedTarget(name="ct.liver", dataset="one", clusters=3),
        PlantedTarget(name="ct.spleen", dataset="one", clusters=4, references=1),
        PlantedTarget(name="ct.liver", dataset="two", clusters=5),
    ]
    db = planted_board(tmp_path / "b.duckdb", [PlantedModel(name="a")], targets)

    with open_board(db) as connection:
        amounts = read_amounts(connection, {"kept": ("one",), "nothing": ("three",)})

    assert amounts["held-out", "kept", False] == Amount(references=10, images=7, clusters=4)
    assert amounts["overall", "", False] == Amount(references=20, images=17, clusters=9)
    assert ("held-out", "nothing", False) not in amounts
