"""The boards of volumes that pages show: one for each target and prompt."""

from __future__ import annotations

from collections.abc import Collection

from cosmos_board.board.volumes.boards import VolumeBoard, rank_volumes
from cosmos_board.board.volumes.cube import VolumeCube
from cosmos_board.core.tracks import FULL
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.volumes.answers import has_volumes


def read_volumes(connection: Connection, closed: Collection[str]) -> tuple[VolumeBoard, ...]:
    """Return the Dice board of each target and volume prompt, in the protocol's order of prompts.

    Nothing that rests on one of the `closed` datasets is among them: their terms permit numbers of
    enough patients alone.
    """
    if not has_volumes(connection):
        return ()
    cube = VolumeCube(connection, ("dice",))
    track = FULL if FULL in cube.tracks else cube.tracks[0]
    boards = (
        board
        for prompt in cube.prompts(track)
        for board in rank_volumes(connection, by="target", prompt=prompt)
    )
    return tuple(board for board in boards if not set(board.board.facts.datasets) & set(closed))
