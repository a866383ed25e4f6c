"""A board with planted cells that must not be recovered: few patients, and few by difference."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.queries.connection import Connection
from tests.study_boards import SIZE_PX, StudyBoard

OPEN_FLAGS = ("redistribute_images", "redistribute_masks", "publish_row_ids", "show_thumbnails")
WITHHELD = "north ct.spleen"
PART = "south ct.liver"
REST, SEEN, UNSTIRRED, NEW = "rest", "seen", "unstirred", "new"
"""The patients of `north ct.liver`: most, one in training, one without jitter, two that come."""

GROUPS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    WITHHELD: ("north", "spleen", tuple(range(5))),
    PART: ("south", "liver", tuple(range(4))),
    REST: ("north", "liver", tuple(range(10))),
    SEEN: ("north", "liver", (10,)),
    UNSTIRRED: ("north", "liver", (11,)),
    NEW: ("north", "liver", (12, 13)),
}
"""Dataset, object and clusters of each group; all CT."""

PLANTED = {WITHHELD: 0.53, PART: 0.47, REST: 0.51, SEEN: 0.36, UNSTIRRED: 0.61, NEW: 0.43}
"""Mean Dice of `alpha` with a box, chosen by predicted IoU: what an attacker is after."""


def make_world(path: Path) -> Path:
    """Write the board with every patient in it, later ones too, and return it."""
    board = StudyBoard(seed=7)
    for dataset, target, clusters in (
        ("north", "ct.liver", 14), ("north", "ct.spleen", 5), ("north", "ct.kidney", 12),
        ("south", "ct.liver", 4), ("west", "ct.liver", 12), ("west", "ct.kidney", 11),
        ("west", "ct.lung", 13),
    ):  # fmt: skip
        board.add_target(target, clusters=clusters, dataset=dataset)
    for name, facts in (
        ("alpha", {}), ("beta", {"family": "other"}),
        ("grabcut", {"family": "grabcut", "kind": "classical"}),
        ("tuned", {"base_model": "alpha", "training_data": ["north"]}),
    ):  # fmt: skip
        board.add_model(name, **facts)
        level = {"alpha": 0.5, "beta": 0.85, "grabcut": 0.2, "tuned": 0.75}[name]
        for prompt in ("box", "point") if name in ("alpha", "beta") else ("box",):
            board.add_scores(name, prompt, level + 0.02 * board.references["effect"].to_numpy())
    board.seen = [("tuned", "north", "c0010")]
    for name, level in (("alpha", 0.5), ("beta", 0.85)):
        for px in (0, 10):
            board.add_scores(
                name, "box", level - px / 100, study="jitter", level=px, mode="first",
                rows=lambda rows: ~is_in(rows, UNSTIRRED),
            )  # fmt: skip
    for name, level in (("alpha", 0.5), ("grabcut", 0.2)):
        for click in range(1, 11):
            board.add_scores(name, "point", level + click / 50, study="clicks", click=click)
    liver = board.references[board.references["target"] == "ct.liver"]["reference_id"].tolist()
    for arm, dice in (("unaided", 0.7), ("assisted", 0.8)):
        board.add_reading("ann", arm, dice, 60.0, references=liver)
        board.add_reading("ben", arm, dice, 50.0, references=liver[:24])
    board.write(path)
    with open_board_to_write(path) as connection:
        connection.execute(
            "UPDATE datasets SET permissions = ? WHERE dataset = 'west'", [list(OPEN_FLAGS)]
        )
    for group, dice in PLANTED.items():
        set_dice(path, group, dice)
    return path


def is_in(rows: pd.DataFrame, group: str) -> np.ndarray:
    """Return which references are of a group."""
    dataset, thing, clusters = GROUPS[group]
    names = [f"c{number:04}" for number in clusters]
    found = (rows["dataset"] == dataset) & (rows["object"] == thing)
    return np.asarray(found & rows["cluster_id"].isin(names))


def set_dice(path: Path, group: str, dice: float, *, by: bool = False) -> None:
    """Plant the mean Dice of a group, or change it by `dice`; spread around it is kept."""
    dataset, thing, clusters = GROUPS[group]
    names = [f"c{number:04}" for number in clusters]
    which = """model = 'alpha' AND prompt = 'box' AND selection = 'predicted' AND study = 'main'
        AND reference_id IN (SELECT reference_id FROM reference_masks JOIN images i USING (image_id)
            WHERE i.dataset = $dataset AND object = $thing AND list_contains($names, cluster_id))"""
    parameters = {"dataset": dataset, "thing": thing, "names": names}
    with open_board_to_write(path) as connection:
        (now,) = connection.execute(
            f"SELECT avg(tp) / {SIZE_PX} FROM scores WHERE {which}", parameters
        ).fetchone() or (0.0,)
        step = round((dice if by else dice - now) * SIZE_PX)
        connection.execute(
            f"UPDATE scores SET tp = tp + {step}, fp = fp - {step}, fn = fn - {step} WHERE {which}",
            parameters,
        )


def change_world(
    world: Path,
    path: Path,
    *,
    without: Collection[str] = (),
    raised: Mapping[str, float] | None = None,
) -> Path:
    """Copy a board, leave groups of patients out, raise the Dice of others, and return it."""
    shutil.copyfile(world, path)
    for group, step in (raised or {}).items():
        set_dice(path, group, step, by=True)
    with open_board_to_write(path) as connection:
        for group in without:
            dataset, thing, clusters = GROUPS[group]
            drop_clusters(connection, dataset, thing, clusters)
    return path


def drop_clusters(
    connection: Connection, dataset: str, thing: str, clusters: Collection[int]
) -> None:
    """Remove clusters of a target, with their scores and annotations."""
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE gone AS SELECT reference_id FROM reference_masks
        JOIN images i USING (image_id) WHERE i.dataset = $dataset AND object = $thing
        AND list_contains($names, cluster_id)""",
        {"dataset": dataset, "thing": thing, "names": [f"c{number:04}" for number in clusters]},
    )
    for table in ("scores", "annotations", "reference_masks"):
        connection.execute(f"DELETE FROM {table} WHERE reference_id IN (FROM gone)")
