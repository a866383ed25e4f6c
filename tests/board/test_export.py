"""Published files: the same rows give the same bytes, and every digit is checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.export import (
    RANK_COLUMNS,
    board_files,
    boards_to_json,
    challenge_csv,
    rank_csv,
    rank_document,
    to_json,
)
from cosmos_board.board.ranking.leaderboard import rank_boards, write_caption
from cosmos_board.board.verify import verify_files
from cosmos_board.core.errors import InputError
from tests.boards import PlantedModel, PlantedTarget, planted_board

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

    assert boards_to_json(first) == boards_to_json(second) == boards_to_json(third)
    assert board_files(first) == board_files(second) == board_files(third)


def publish(boards: Boards, site: Path) -> dict[str, bytes]:
    files = board_files(boards, version="v")
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
    gone = next(path for path in files if path.endswith(".pairs.csv"))
    (tmp_path / gone).unlink()

    (found,) = verify_files(files, tmp_path)
    assert (found.path, found.published) == (gone, "nothing")


def test_rank_document_keeps_its_contract(tmp_path: Path) -> None:
    planted_board(tmp_path / "b.duckdb", MODELS, TARGETS)
    with duckdb.connect(str(tmp_path / "b.duckdb"), read_only=True) as connection:
        cube = Cube(connection, ["dice"])
        overall = rank_boards(cube)
        by_target = rank_boards(cube, by="target", selection="oracle")

    document = json.loads(to_json(rank_document(overall, write_caption(overall))))
    assert set(document) == {"caption", "rows"}
    assert "95 %" in document["caption"]
    assert [set(row) for row in document["rows"]] == [set(RANK_COLUMNS)] * 3
    assert document["rows"][0]["slice"] == "overall"
    assert [str(board.key.slice) for board in by_target] == [
        "target:ct.liver",
        "target:ct.spleen",
    ]
    assert {board.key.selection for board in by_target} == {"oracle"}
    assert rank_csv(overall).decode().splitlines()[0] == ",".join(RANK_COLUMNS)


def test_a_model_name_cannot_become_a_formula(tmp_path: Path) -> None:
    files = board_files(make(tmp_path / "b.duckdb"))

    text = files["data/full/overall/box/predicted/dice.csv"].decode()
    assert "\n'=c," in text


def test_what_cannot_be_ranked_is_refused_in_one_line(tmp_path: Path) -> None:
    planted_board(tmp_path / "b.duckdb", MODELS, TARGETS)
    with duckdb.connect(str(tmp_path / "b.duckdb"), read_only=True) as connection:
        cube = Cube(connection, ["dice"])
        with pytest.raises(InputError, match="has no scores"):
            rank_boards(cube, prompt="point")
        with pytest.raises(InputError, match="unknown name"):
            rank_boards(cube, track="half")


def test_challenge_file_holds_the_cluster_means_of_ranked_models(tmp_path: Path) -> None:
    planted_board(tmp_path / "b.duckdb", MODELS, TARGETS)
    with duckdb.connect(str(tmp_path / "b.duckdb"), read_only=True) as connection:
        cube = Cube(connection, ["dice"])
        board = rank_boards(cube)[0]
        lines = challenge_csv(cube, board).decode().splitlines()

    assert lines[0] == "task,case,algorithm,value"
    assert lines[1].startswith("ct.liver,one/c00000,a,0.")
    assert len(lines) == 1 + len(board.ranked) * (15 + 11 + 15)
    liver = [float(line.split(",")[3]) for line in lines if ",a," in line and "liver" in line]
    spleen = [float(line.split(",")[3]) for line in lines if ",a," in line and "spleen" in line]
    macro = (sum(liver) / len(liver) + sum(spleen) / len(spleen)) / 2
    assert next(row.score for row in board.rows if row.model == "a") == pytest.approx(
        macro, abs=1e-6
    )
