"""Rows of boards as JSON and CSV have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosmos_board.board.types import Board, Share

COLUMNS = (
    *("model", "slice", "prompt", "metric", "selection", "score", "low", "high"),
    *("rank", "rank_low", "rank_high", "references", "clusters", "status"),
    *("letters", "lead_share", "low_elsewhere", "high_elsewhere", "failure", "failure_low"),
    *("failure_high", "empty", "failed", "hd95_px", "assd_px"),
)
"""What a row of JSON and CSV holds; other people's scripts rely on these."""


def flatten_share(name: str, share: Share | None) -> dict[str, float | None]:
    """Return a share and its interval as three fields."""
    if share is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}


def list_rows(boards: Sequence[Board]) -> list[dict[str, object]]:
    """Return the rows of several boards under `COLUMNS`, board by board."""
    from cosmos_board.site.language.messages import status_text

    rows = []
    for board in boards:
        key = {name: getattr(board.key, name) for name in ("prompt", "metric", "selection")}
        for row in board.rows:
            values = {name: getattr(row, name) for name in COLUMNS if hasattr(row, name)}
            values["status"] = status_text(row)
            values |= flatten_share("failure", row.failure)
            values["empty"] = None if row.empty is None else row.empty.value
            rows.append({**values, "slice": str(board.key.slice), **key})
    return rows
