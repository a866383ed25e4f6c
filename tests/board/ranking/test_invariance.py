"""Whoever joins, leaves or declares something never changes how the others stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.ranking.pairs import pair_row
from cosmos_board.board.types import Board, BoardKey, Slice
from cosmos_board.site.language.messages import status_text
from cosmos_board.store.board import open_board
from tests.boards import PlantedModel, PlantedTarget, planted_board

DATASETS = ("one", "two", "three")
TARGETS = [
    PlantedTarget(name="ct.liver", dataset="one", clusters=12, references=1),
    PlantedTarget(name="ct.spleen", dataset="one", clusters=12, references=1),
    PlantedTarget(name="ct.liver", dataset="two", clusters=11, references=1),
    PlantedTarget(name="mr.brain", dataset="three", clusters=14, references=1),
    PlantedTarget(name="mr.heart", dataset="three", clusters=3, references=1),
]

NEW = PlantedTarget(name="mr.brain", dataset="four", clusters=10, references=1)
"""Of a dataset that one entry brings, to a target that the others have too."""

models = st.builds(
    PlantedModel,
    name=st.just("m"),
    datasets=st.just(DATASETS),
    dice=st.floats(0.2, 0.95),
    training_data=st.none() | st.sets(st.sampled_from(DATASETS), max_size=2).map(sorted),
    missing=st.sampled_from([0, 0, 0, 2]),
    failed=st.sampled_from([0, 0, 0, 3]),
)


def build(path: Path, datasets: Sequence[str]) -> Boards:
    with open_board(path, datasets) as connection:
        return build_boards(connection, ["dice"])


def declare(path: Path, entry: PlantedModel) -> None:
    with duckdb.connect(str(path)) as connection:
        data = None if entry.training_data is None else list(entry.training_data)
        connection.execute("UPDATE models SET training_data = ? WHERE model = 'entry'", [data])


def remove_entry(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        for table in ("scores", "runs", "models"):
            connection.execute(f"DELETE FROM {table} WHERE model = 'entry'")


def describe_others(board: Board, name: str) -> list[object]:
    """Return what must stay of every other row: score, interval, and the order of the ranked."""
    rows = [row for row in board.rows if row.model != name]
    kept = [(row.model, row.score, row.low, row.high, row.failure, row.status) for row in rows]
    order = [row.model for row in board.ranked if row.model != name]
    return [sorted(kept), order, board.facts.targets, board.facts.references]


@settings(max_examples=7)
@given(st.lists(models, min_size=2, max_size=4), models, models, st.booleans())
def test_an_entry_that_joins_leaves_or_declares_changes_nobody_else(
    others: list[PlantedModel], entry: PlantedModel, changed: PlantedModel, brings: bool
) -> None:
    """Nor does a dataset that it brings, where the datasets of the boards are named."""
    rest = [replace(model, name=f"other-{index}") for index, model in enumerate(others)]
    entry = replace(entry, name="entry", datasets=(*DATASETS, "four") if brings else DATASETS)
    named = DATASETS if brings else ()

    with TemporaryDirectory() as folder:
        path = planted_board(Path(folder) / "b.duckdb", [*rest, entry], [*TARGETS, NEW])
        present = build(path, named)
        declare(path, changed)
        redeclared = build(path, named)
        remove_entry(path)
        without = build(path, named)
    assert without
    for key, board in without.items():
        for found in (present, redeclared):
            assert describe_others(found[key], "entry") == describe_others(board, "entry")
            alone, crowd = without.pairs[key], found.pairs[key]
            for a, b in combinations(alone.models, 2):
                before, after = pair_row(alone, a, b), pair_row(crowd, a, b)
                assert after.difference == before.difference
                assert before.low is not None
                assert after.low is not None
                assert after.low <= before.low + 0.01 * (before.difference - before.low)


def test_a_dataset_that_an_entry_brings_is_named_where_it_costs_others_their_rank(
    tmp_path: Path,
) -> None:
    """No rule could help: datasets that follow from who is there change with who is there."""
    others = [PlantedModel(name="a", datasets=DATASETS), PlantedModel(name="b", datasets=DATASETS)]
    path = planted_board(
        tmp_path / "b.duckdb", [*others, PlantedModel(name="entry")], [*TARGETS, NEW]
    )

    key = BoardKey(Slice("overall"), "box", "predicted", "dice")
    rows = {row.model: row for row in build(path, ())[key].rows}
    assert {name: row.unanswered_datasets for name, row in rows.items()} == {
        "a": ("four",), "b": ("four",), "entry": (),
    }  # fmt: skip
    assert "none on four" in status_text(rows["a"])
    assert len(build(path, DATASETS)[key].ranked) == 3


def test_a_weak_third_model_does_not_turn_the_leaders_round() -> None:
    """The case that once did: B leads A on six targets, and C declares three of them."""
    names = [f"ct.organ{index}" for index in range(6)]
    targets = [
        PlantedTarget(name=name, dataset=f"d{index}", clusters=12)
        for index, name in enumerate(names)
    ]
    a = PlantedModel(name="a", dice=dict(zip(names, [0.75] * 3 + [0.69] * 3, strict=True)))
    b = PlantedModel(name="b", dice=dict(zip(names, [0.64] * 3 + [0.82] * 3, strict=True)))
    c = PlantedModel(name="c", dice=0.4, training_data=["d3", "d4", "d5"])
    orders = []
    for entries in ([a, b], [a, b, c]):
        with TemporaryDirectory() as folder:
            path = planted_board(Path(folder) / "b.duckdb", entries, targets, own_seeds=True)
            with duckdb.connect(str(path), read_only=True) as connection:
                boards = build_boards(connection, ["dice"])
        board = next(b for k, b in boards.items() if str(k.slice) == "overall")
        orders.append([(row.model, row.score) for row in board.ranked])

    assert [name for name, _ in orders[0]] == ["b", "a"]
    assert orders[0] == orders[1]


def test_complementary_declarations_leave_the_others_ranked() -> None:
    targets = [
        PlantedTarget(name="ct.liver", dataset="one"),
        PlantedTarget(name="mr.brain", dataset="two"),
    ]
    entries = [
        PlantedModel(name="clean"),
        PlantedModel(name="left", training_data=["one"]),
        PlantedModel(name="right", training_data=["two"]),
    ]
    with TemporaryDirectory() as folder:
        path = planted_board(Path(folder) / "b.duckdb", entries, targets)
        with duckdb.connect(str(path), read_only=True) as connection:
            boards = build_boards(connection, ["dice"])

    board = next(b for k, b in boards.items() if str(k.slice) == "overall")
    assert {row.model: row.status for row in board.rows} == {
        "clean": "ranked",
        "left": "trained-on",
        "right": "trained-on",
    }
    left = next(row for row in board.rows if row.model == "left")
    mean = next(b for k, b in boards.items() if str(k.slice) == "target:mr.brain")
    assert left.score == pytest.approx(next(r.score for r in mean.rows if r.model == "left"))
