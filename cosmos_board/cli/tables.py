"""Tables in the terminal; plain text where there is no terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

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
