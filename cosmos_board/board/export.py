"""Boards as files: the same rows give the same bytes, on any day and in any order of the data.

Numbers carry six significant digits: more than any difference that a reader may act on, fewer
than the last bits in which two machines may disagree.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from math import isfinite

from cosmos_board.board.build import Boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.pairs import pair_rows
from cosmos_board.board.types import Board, BoardRow, PairRow, PairTable, Slice

DIGITS = 6
BOARD_COLUMNS = tuple(field.name for field in fields(BoardRow))
PAIR_COLUMNS = tuple(field.name for field in fields(PairRow) if field.name != "slice")

RANK_COLUMNS = (
    *("model", "slice", "prompt", "metric", "selection", "score", "low", "high"),
    *("rank", "rank_low", "rank_high", "references", "clusters", "status"),
)
"""What a row of `rank` holds; other people's scripts rely on these."""


def board_files(boards: Boards, *, version: str = "") -> dict[str, bytes]:
    """Return every board as CSV and JSON, and every table of pairs as CSV, by path.

    Args:
        boards: What to write.
        version: Name of the data, written into each JSON document.
    """
    files: dict[str, bytes] = {}
    for key, board in boards.items():
        files[f"data/{key.path}.csv"] = board_csv(board)
        files[f"data/{key.path}.json"] = board_json(board, version=version)
    for key, table in boards.pairs.items():
        files[f"data/{key.path}.pairs.csv"] = pairs_csv(table)
    return files


def board_csv(board: Board) -> bytes:
    """Return the rows of a board, unknown values empty."""
    return _csv(BOARD_COLUMNS, (asdict(row) for row in board.rows))


def board_json(board: Board, *, version: str = "") -> bytes:
    """Return a board: what it is, its facts, its rows, and the models without a row."""
    return to_json({"schema_version": 1, "data_version": version, **asdict(board)})


def pairs_csv(table: PairTable) -> bytes:
    """Return every two ranked models of a board, the better-ranked first."""
    return _csv(PAIR_COLUMNS, (asdict(row) for row in pair_rows(table)))


def challenge_csv(cube: Cube, board: Board) -> bytes:
    """Return the cluster means behind a board as challengeR takes them, one line each.

    Columns `task` (the target), `case` (dataset and cluster), `algorithm`, `value`; ranked models
    only, over the targets that the board ranks on.
    """
    key = board.key
    scores = cube.load(key.track, key.prompt, key.selection)
    units, means = scores.units, scores.means(key.metric)
    names = sorted(row.model for row in board.ranked)
    wanted = {
        index for index, target in enumerate(units.targets) if target.name in board.facts.targets
    }
    return _csv(
        ("task", "case", "algorithm", "value"),
        (
            {
                "task": units.targets[units.target[unit]].name,
                "case": "/".join(units.cluster_names[units.cluster[unit]]),
                "algorithm": name,
                "value": float(means[unit, scores.models.index(name)]),
            }
            for unit in range(len(units))
            if units.target[unit] in wanted
            and units.datasets[units.dataset[unit]] in board.facts.datasets
            for name in names
        ),
    )


def boards_to_json(boards: Boards, *, version: str = "") -> bytes:
    """Return every board in one document, in the order of their keys."""
    return to_json(
        {
            "schema_version": 1,
            "data_version": version,
            "boards": [asdict(board) for board in boards.values()],
            "exposures": [asdict(cell) for cell in boards.exposures],
        }
    )


def rank_document(boards: Sequence[Board], caption: str) -> dict[str, object]:
    """Return what `rank --format json` prints."""
    return {"caption": caption, "rows": [round_floats(row) for row in rank_rows(boards)]}


def rank_rows(boards: Sequence[Board]) -> list[dict[str, object]]:
    """Return the rows of several boards under the columns of `rank`, board by board."""
    return [
        {
            **{name: getattr(row, name) for name in RANK_COLUMNS if hasattr(row, name)},
            "slice": str(board.key.slice),
            "prompt": board.key.prompt,
            "metric": board.key.metric,
            "selection": board.key.selection,
        }
        for board in boards
        for row in board.rows
    ]


def rank_csv(boards: Sequence[Board]) -> bytes:
    """Return what `rank --format csv` prints."""
    return _csv(RANK_COLUMNS, rank_rows(boards))


def to_json(document: object) -> bytes:
    """Return a document as one line of JSON: sorted keys, floats of six significant digits.

    Example:
        >>> to_json({"b": 1 / 3, "a": None}).decode().rstrip()
        '{"a":null,"b":0.333333}'
    """
    text = json.dumps(
        round_floats(document), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return f"{text}\n".encode()


def round_floats(value: object) -> object:
    """Return `value` with every float inside at six significant digits; NaN becomes None."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if isfinite(value) else None
    if isinstance(value, Slice):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return round_floats(asdict(value))
    if isinstance(value, Mapping):
        return {name: round_floats(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(item) for item in value]
    return value


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue().encode()


def _cell(value: object) -> object:
    """Return one cell; text that a spreadsheet would run as a formula is quoted."""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}" if isfinite(value) else ""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return "" if value is None else value
