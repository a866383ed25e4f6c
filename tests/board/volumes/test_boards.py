"""Boards of volumes say of planted models what arithmetic says; a box a slice is summed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.board.build import build_boards
from cosmos_board.board.volumes.boards import VolumeBoard, rank_volumes
from cosmos_board.core.errors import InputError
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from cosmos_board.store.queries.connection import Connection
from tests.volume_boards import VOLUMES, run_boxes


@pytest.fixture
def database(planted_board: Path) -> Iterator[Connection]:
    with open_board(planted_board / "db") as connection:
        yield connection


def rank_one(connection: Connection, prompt: str) -> VolumeBoard:
    [board] = rank_volumes(connection, by="target", prompt=prompt)
    return board


def test_models_are_ranked_by_what_their_propagation_reaches(database: Connection) -> None:
    board = rank_one(database, "slice-mask").board

    scores = {row.model: (row.score, row.rank) for row in board.rows}
    assert scores == {
        "bright-in-box/chain": (1.0, 1),
        "perfect/native": (1.0, 1),
        "never-stops/native": (pytest.approx(2 / 3), 3),
        "stops-at-once/native": (pytest.approx(2 / 11), 4),
    }
    assert board.facts.cluster_units == ("patient",)
    assert all(row.low is not None and row.low <= row.score for row in board.rows)


def test_details_stand_beside_the_score(database: Connection) -> None:
    details = {row.model: row for row in rank_one(database, "slice-mask").details}

    never, once = details["never-stops/native"], details["stops-at-once/native"]
    assert (never.overrun_slices, never.missed_slices, never.volume_error) == (10, 0, 1)
    assert (once.overrun_slices, once.missed_slices) == (0, 9)
    assert once.volume_error == pytest.approx(-0.9)
    assert once.retention == (0.5, 0, 0, 0, 0)
    assert never.clicks is None
    assert never.first_slice_s is None
    assert never.volume_s is not None


def test_a_box_on_every_slice_is_summed_from_the_study_of_images(database: Connection) -> None:
    board = rank_one(database, "each-box")

    [row], [details] = board.board.rows, board.details
    assert (row.model, row.score, row.references) == ("fills-box/each", 1.0, VOLUMES)
    assert (details.clicks, details.volume_error, details.hd95_mm) == (20, 0, None)


def test_a_volume_of_which_a_slice_was_not_run_has_no_box_on_every_slice(
    planted_board: Path, tmp_path: Path
) -> None:
    run_boxes(planted_board / "pack", tmp_path / "boxes", limit=15)
    ingest([planted_board / "run", tmp_path / "boxes"], tmp_path / "db")
    with open_board(tmp_path / "db") as connection:
        board = rank_one(connection, "each-box").board

    assert [(row.references, row.status) for row in board.rows] == [(1, "incomplete")]


def test_a_database_of_images_alone_says_so(planted_board: Path, tmp_path: Path) -> None:
    ingest([planted_board / "boxes"], tmp_path / "db")

    with (
        open_board(tmp_path / "db") as connection,
        pytest.raises(InputError, match="--study volumes: has no scores"),
    ):
        rank_volumes(connection)


def test_volumes_change_no_board_of_images(planted_board: Path, tmp_path: Path) -> None:
    ingest([planted_board / "boxes"], tmp_path / "db")
    found = []
    for db in (planted_board / "db", tmp_path / "db"):
        with open_board(db) as connection:
            boards = build_boards(connection, ["dice"])
            found.append({key: replace(board, absent=()) for key, board in boards.items()})

    assert found[0] == found[1] != {}
