"""Published files: the same rows give the same bytes, and every digit is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import duckdb
import pytest

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.export import to_csv, to_json
from cosmos_board.board.types import BoardRow
from cosmos_board.board.verify import verify_files
from tests.boards import PlantedModel, PlantedTarget, planted_board

BOARD_COLUMNS = [field.name for field in fields(BoardRow)]
MODELS = [
    PlantedModel(name="a", gap=0.02),
    PlantedModel(name="b", dice=0.78, failed=1, training_data=None),
    PlantedModel(name="=c", dice=0.6, missing=1),
]
TARGETS = [
    PlantedTarget(name="ct.liver", dataset="one", clusters=15, references=3),
    PlantedTarget(name="ct.spleen", dataset="one", clusters=15, references=3),
    PlantedTarget(name="ct.liver", dataset="two", clusters=11),
]


def make(path: Path, *, shuffle: int | None = None, threads: int = 1) -> Boards:
    planted_board(path, MODELS, TARGETS, prompts=("everything", "box"), shuffle=shuffle)
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"SET threads = {threads}")
        return build_boards(connection)


def test_shuffled_rows_and_other_threads_give_the_same_bytes(tmp_path: Path) -> None:
    first = make(tmp_path / "1.duckdb")
    second = make(tmp_path / "2.duckdb", shuffle=1, threads=2)
    third = make(tmp_path / "3.duckdb", shuffle=2, threads=4)

    assert to_files(first) == to_files(second) == to_files(third)


def to_files(boards: Boards) -> dict[str, bytes]:
    """Return every board as JSON and CSV, and every table of pairs, by path."""
    files = {}
    for key, board in boards.items():
        files[f"data/{key.path}.json"] = to_json(board)
        rows = [list(asdict(row).values()) for row in board.rows]
        files[f"data/{key.path}.csv"] = to_csv(BOARD_COLUMNS, rows)
    for key, table in boards.pairs.items():
        assert table.family is not None
        names = ("difference", "low", "high", "verdict_codes", "detectable")
        document = {name: getattr(table.family, name).tolist() for name in names}
        files[f"data/{key.path}.pairs.json"] = to_json(document | {"models": table.models})
    return files


def publish(boards: Boards, site: Path) -> dict[str, bytes]:
    files = to_files(boards)
    for path, data in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    return files


def change_a_digit(data: bytes) -> bytes:
    place = data.rindex(b"0.7")
    return data[: place + 2] + b"8" + data[place + 3 :]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("dice.json", change_a_digit, "is not what the rows give (got 0."),
        ("dice.csv", change_a_digit, "is not what the rows give (got '"),
        ("dice.json", lambda _: b"{", "no JSON"),
        ("dice.json", lambda data: data + b" ", "line 2"),
        ("dice.csv", lambda data: data.replace(b"ranked", b"rankes", 1), "rankes"),
        ("dice.csv", lambda data: b"\n".join(data.split(b"\n")[:-2]), "line"),
    ],
)
def test_verify_finds_a_changed_digit(
    tmp_path: Path, name: str, change: Callable[[bytes], bytes], message: str
) -> None:
    files = publish(make(tmp_path / "b.duckdb"), tmp_path)
    assert verify_files(files, tmp_path) == []

    file = tmp_path / "data/full/overall/box/predicted" / name
    file.write_bytes(change(file.read_bytes()))

    (found,) = verify_files(files, tmp_path)
    assert found.path == f"data/full/overall/box/predicted/{name}"
    assert message in str(found)
    assert "\n" not in str(found)


def test_verify_misses_no_file(tmp_path: Path) -> None:
    files = publish(make(tmp_path / "b.duckdb"), tmp_path)
    gone = next(path for path in files if path.endswith(".pairs.json"))
    (tmp_path / gone).unlink()

    (found,) = verify_files(files, tmp_path)
    assert (found.path, found.published) == (gone, "nothing")
