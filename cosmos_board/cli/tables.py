"""Tables in the terminal; plain text where there is no terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from cosmos_board.board.listing import ListedRow, Listing
from cosmos_board.runner.run import RunReport


def print_table(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1
) -> None:
    """Print a table to stdout; the first `left` columns are text, the others numbers."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(120, console.width), soft_wrap=True)
    table = Table(title=caption, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_run(report: RunReport) -> None:
    """Print what came of a run."""
    print_table(
        f"Run {report.out}",
        ["images", "evaluated now", "score rows", "quarantined"],
        [
            [
                str(report.images),
                str(report.evaluated),
                str(report.rows),
                str(len(report.quarantined)),
            ]
        ],
        left=0,
    )


def print_listing(listing: Listing) -> None:
    """Print leaderboard rows, one table for each slice and prompt."""
    headings = ("model", "rank", "score", "95 % interval", "references", "clusters", "status")
    boards: dict[tuple[str, str], list[ListedRow]] = {}
    for row in listing.rows:
        boards.setdefault((row.slice, row.prompt), []).append(row)
    if not boards:
        Console(stderr=True).print("no scores match", highlight=False)
    for (slice_name, prompt), rows in boards.items():
        print_table(
            f"{slice_name} · {prompt} · {listing.caption}",
            headings,
            [
                (
                    row.model,
                    format_rank(row),
                    f"{row.score:.3f}",
                    "–" if row.low is None else f"{row.low:.3f} … {row.high:.3f}",
                    str(row.references),
                    str(row.clusters),
                    row.status,
                )
                for row in rows
            ],
        )


def format_rank(row: ListedRow) -> str:
    """Return a rank with its interval, such as `2 (1–4)`; a dash where there is none."""
    if row.rank is None:
        return "–"
    if row.rank_low is None:
        return str(row.rank)
    return f"{row.rank} ({row.rank_low}–{row.rank_high})"
