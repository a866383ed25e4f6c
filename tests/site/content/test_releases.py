"""Ranks then and now: a change that the data left open is no move."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.board.types import Slice
from cosmos_board.site.content.releases import (
    Snapshot,
    Standing,
    find_moves,
    read_releases,
    snapshot_file,
    take_snapshot,
)
from tests.site.handmade import make_board, make_row, make_site_data


def at(version: str, **standings: Standing) -> Snapshot:
    return Snapshot(date="", version=version, ranks={"overall, box": dict(standings)})


@pytest.mark.parametrize(
    ("was", "now", "moved"),
    [
        (Standing(1, 0.9, 1, 3), Standing(3, 0.8, 3, 5), False),
        (Standing(1, 0.9, 1, 1), Standing(3, 0.8, 1, 4), False),
        (Standing(1, 0.9, 1, 2), Standing(4, 0.8, 3, 5), True),
        (Standing(2, 0.9, 1, 3), Standing(2, 0.9, 1, 3), False),
    ],
    ids=["within the old range", "within the new range", "beyond both", "the same"],
)
def test_only_a_rank_beyond_the_ranges_is_a_move(was: Standing, now: Standing, moved: bool) -> None:
    assert bool(find_moves(at("1", sam=was), at("2", sam=now))) is moved


def test_who_comes_and_who_leaves_is_listed() -> None:
    old, new = at("1", gone=Standing(1, 0.9, 1, 1)), at("2", came=Standing(1, 0.9, 1, 1))

    assert {(move.model, move.before is None) for move in find_moves(old, new)} == {
        ("came", True), ("gone", False),
    }  # fmt: skip


def test_a_release_is_read_as_it_was_written(tmp_path: Path) -> None:
    board = make_board([make_row("alpha", 0.9, 1), make_row("beta", 0.5, 2)])
    board = replace(board, key=replace(board.key, slice=Slice("overall")))
    taken = take_snapshot(make_site_data(board))
    (tmp_path / "2026-01-01.json").write_bytes(snapshot_file(taken))

    (read,) = read_releases(tmp_path)

    assert (
        read.ranks
        == taken.ranks
        == {"overall, box": {"alpha": Standing(1, 0.9, 1, 2), "beta": Standing(2, 0.5, 1, 2)}}
    )
