"""Slices: which clusters stand behind a held-out board."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.slices import plan_slices
from cosmos_board.board.types import Slice
from cosmos_board.store.board import open_board
from tests.boards import PlantedModel, PlantedTarget, planted_board

TARGETS = [
    PlantedTarget(name="ct.liver", dataset="han-seg"),
    PlantedTarget(name="ct.liver", dataset="somewhere-else", difficulty=0.2),
    PlantedTarget(name="mr-cine.left-ventricle", dataset="livscar"),
    PlantedTarget(name="fundus.optic-disc", dataset="drawn"),
]
MODELS = [PlantedModel(name="sam"), PlantedModel(name="tuned", training_data=("somewhere-else",))]


def make(path: Path) -> Path:
    return planted_board(path / "b.duckdb", MODELS, TARGETS, synthetic=("drawn",))


def find_parts(
    path: Path, held_out: Mapping[str, Collection[str]]
) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return the targets of each held-out slice, with the datasets that each pools."""
    with open_board(path) as connection:
        cube = Cube(connection)
        plan = plan_slices(cube.units("full"), cube.datasets, held_out)
    return {
        part.slice.name: [
            (plan.pools[pool].target, plan.pools[pool].dataset_of_stratum) for pool in part.pools
        ]
        for part in plan.slices
        if part.slice.kind == "held-out"
    }


def test_a_held_out_slice_pools_the_datasets_of_its_set_alone(tmp_path: Path) -> None:
    sets = {"a": ("livscar", "han-seg", "not-here"), "b": ("somewhere-else",), "c": ("not-here",)}

    assert find_parts(make(tmp_path), sets) == {
        "a": [("ct.liver", ("han-seg",)), ("mr-cine.left-ventricle", ("livscar",))],
        "b": [("ct.liver", ("somewhere-else",))],
    }


def test_synthetic_data_has_no_part_in_a_held_out_slice(tmp_path: Path) -> None:
    assert find_parts(make(tmp_path), {"a": ("drawn",)}) == {}


def test_a_model_that_was_adapted_elsewhere_is_ranked_on_the_held_out_board(
    tmp_path: Path,
) -> None:
    with open_board(make(tmp_path)) as connection:
        boards = build_boards(connection, ("dice",))
        dice = connection.execute(
            """SELECT avg(2 * tp / (2 * tp + fp + fn)) FROM scores
            JOIN reference_masks USING (reference_id) JOIN images USING (image_id)
            WHERE selection = 'predicted' AND scores.model = 'sam'
                AND dataset IN ('livscar', 'han-seg')
            GROUP BY dataset"""
        ).fetchall()
    rows = {
        (str(key.slice), row.model): row
        for key, board in boards.items()
        if key.selection == "predicted" and key.slice in (Slice("overall"), HELD_OUT)
        for row in board.rows
    }

    assert rows["overall", "tuned"].status == "trained-on"
    assert rows["held-out:volumes", "tuned"].status == "ranked"
    assert rows["held-out:volumes", "sam"].score == pytest.approx(np.mean(dice), abs=1e-9)


HELD_OUT = Slice("held-out", "volumes")


def test_a_held_out_board_of_one_target_shows_the_distances_of_its_own_dataset(
    tmp_path: Path,
) -> None:
    db = planted_board(tmp_path / "b.duckdb", MODELS[:1], TARGETS[:2])
    with open_board(db) as connection:
        boards = build_boards(connection, ("dice",))
        (median,) = connection.execute(
            """SELECT median(hd95_px) FROM scores JOIN reference_masks USING (reference_id)
            JOIN images USING (image_id)
            WHERE selection = 'predicted' AND status = 'ok' AND dataset = 'han-seg'"""
        ).fetchone() or (None,)
    (row,) = next(
        board.rows
        for key, board in boards.items()
        if key.slice == HELD_OUT and key.selection == "predicted"
    )

    assert row.hd95_px == pytest.approx(median)
