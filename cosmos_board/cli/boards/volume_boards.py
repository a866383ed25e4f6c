"""What `rank --study volumes` prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.boards.board_rows import COLUMNS, list_rows

if TYPE_CHECKING:
    from cosmos_board.board.volumes.boards import VolumeBoard, VolumeDetails

DETAILS = (
    *("clicks", "volume_error", "overrun_slices", "missed_slices", "retention", "hd95_mm"),
    *("first_slice_s", "volume_s", "peak_bytes"),
)
"""What a row of JSON and CSV holds beside `COLUMNS`; other people's scripts rely on these."""


def print_volume_boards(boards: Sequence[VolumeBoard], form: str) -> None:
    """Print boards of volumes as `table`, `json` or `csv`."""
    from cosmos_board.board.export import round_floats, to_csv
    from cosmos_board.cli.tables import describe_board, print_boards

    rows = [row for board in boards for row in _list_rows(board)]
    if form == "json":
        document = {"caption": describe_board(boards[0].board), "rows": rows}
        click.echo(json.dumps(round_floats(document), ensure_ascii=False))
    elif form == "csv":
        parts = [name for name in DETAILS if name != "retention"]
        names = (*COLUMNS, *parts, *(f"retention_{part}" for part in range(1, 6)))
        flat = [row | _number_parts(row["retention"]) for row in rows]
        click.echo(
            to_csv(names, ([row[name] for name in names] for row in flat)).decode(), nl=False
        )
    else:
        for board in boards:
            print_boards([board.board])
            _print_details(board)


def _list_rows(board: VolumeBoard) -> list[dict[str, object]]:
    rows = list_rows([board.board])
    for row, details in zip(rows, board.details, strict=True):
        row |= {name: value for name, value in asdict(details).items() if name in DETAILS}
    return rows


def _number_parts(retention: object) -> dict[str, object]:
    assert isinstance(retention, tuple), "it is a field of `VolumeDetails`"
    return {f"retention_{number}": dice for number, dice in enumerate(retention, start=1)}


def _print_details(board: VolumeBoard) -> None:
    from cosmos_board.cli.tables import print_table

    columns: dict[str, Callable[[VolumeDetails], str]] = {
        "model": lambda row: row.model,
        "clicks": lambda row: _show(row.clicks, ".0f"),
        "Dice near → far": lambda row: " ".join(_show(dice, ".2f") for dice in row.retention),
        "overrun slices": lambda row: _show(row.overrun_slices, ".1f"),
        "missed slices": lambda row: _show(row.missed_slices, ".1f"),
        "volume error": lambda row: _show(row.volume_error, "+.1%"),
        "HD95 (mm)": lambda row: _show(row.hd95_mm, ".1f"),
        "first slice (s)": lambda row: _show(row.first_slice_s, ".3f"),
        "volume (s)": lambda row: _show(row.volume_s, ".2f"),
        "peak (MiB)": lambda row: _show(
            None if row.peak_bytes is None else row.peak_bytes / 2**20, ".0f"
        ),
    }
    print_table(
        f"{board.board.key.slice} · prompt {board.board.key.prompt} · beside the score",
        tuple(columns),
        [tuple(text(row) for text in columns.values()) for row in board.details],
        whole="rank --format json",
    )


def _show(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
