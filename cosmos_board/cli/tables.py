"""Tables in the terminal; plain text where there is no terminal.

Libraries are imported where they are needed, so that listings start fast.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from cosmos_board.board.types import Board, BoardRow, Share

GAP = 3
"""Characters between two columns, the margin of a table included."""

FURTHER = (
    "the interval also allows for one more failed patient; the verdict rests on the interval "
    "without that"
)
"""Why an interval may reach further than the verdict beside it says."""

_UNLIMITED = 100_000
"""Characters of a line that nothing may be cut from."""


def print_table(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    keep: int = 1,
    whole: str = "--json",
) -> None:
    """Print a table to stdout; no cell is cut. A narrow terminal shows fewer columns and says so.

    Args:
        caption: What is shown.
        headings: One a column.
        rows: Cells of text; markup in them stays as it is.
        left: How many of the first columns are text; the others are numbers.
        keep: How many of the first columns are shown however narrow the terminal is.
        whole: The option that prints every column.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = terminal_width()
    shown = fit_columns(headings, rows, keep, width)
    console = Console(width=_UNLIMITED, soft_wrap=True, highlight=False)
    console.print(Text(caption, style="bold"))
    table = Table(box=box.SIMPLE_HEAD)
    for index, heading in enumerate(headings[:shown]):
        table.add_column(heading, justify="left" if index < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row[:shown]))
    console.print(table)
    if hidden := name_hidden(headings, shown, whole):
        console.print(Text(hidden, style="dim"))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values, one a line."""
    from rich.console import Console

    width = max(map(len, facts), default=0)
    console = Console(soft_wrap=True)
    for name, value in facts.items():
        console.print(f"{name:{width}}  {value}", highlight=False, markup=False)


def terminal_width() -> int | None:
    """Return how many characters a line of stdout has; None where it goes to a file or a pipe."""
    if not sys.stdout.isatty() and not os.environ.get("FORCE_COLOR"):
        return None
    return shutil.get_terminal_size().columns


def fit_columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], keep: int, width: int | None
) -> int:
    """Return how many of the first columns fit a line; the first `keep` are shown in any case.

    Example:
        >>> fit_columns(("name", "size"), [("a-very-long-name", "12")], keep=1, width=20)
        1
    """
    if width is None:
        return len(headings)
    used = 0
    for place, column in enumerate(zip(headings, *rows, strict=True)):
        used += max(map(measure, column)) + GAP
        if used > width and place >= keep:
            return place
    return len(headings)


def measure(text: str) -> int:
    """Return how many characters wide a text is in a terminal; Chinese characters are two.

    Example:
        >>> measure("box"), measure("肝")
        (3, 2)
    """
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def cut_text(text: str, width: int) -> str:
    """Return a text that takes at most `width` characters of a line; a cut one ends in a mark.

    Example:
        >>> cut_text("checked against a loader", 16), cut_text("none", 16)
        ('checked against…', 'none')
    """
    if measure(text) <= width:
        return text
    while measure(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def name_hidden(headings: Sequence[str], shown: int, whole: str = "--json") -> str:
    """Return the line under a table that says what did not fit; empty where all did."""
    hidden = ", ".join(headings[shown:])
    return f"not shown for want of width: {hidden}; {whole} has all" if hidden else ""


def count_nouns(number: int, noun: str) -> str:
    """Return a number with its noun: `1 image`, `2 images`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def describe_board(board: Board) -> str:
    """Return a caption that says metric, selection, prompt, n and what was left out."""
    from cosmos_board.metrics.table import METRICS

    metric, facts = METRICS[board.key.metric], board.facts
    return (
        f"{board.key.slice} · {metric.heading} · prompt {board.key.prompt} · "
        f"{board.key.selection} selection · {board.key.track} track · "
        f"{count_nouns(len(facts.targets), 'target')}, "
        f"{count_nouns(facts.references, 'reference')}, {count_nouns(facts.clusters, 'cluster')}"
        f"{' · synthetic' if facts.synthetic else ''}"
        f"{describe_certainty(board)}"
        f"{'' if board.ranked or not board.rows else f' · {explain_no_rank(board)}'}"
    )


def describe_certainty(board: Board) -> str:
    """Return what the intervals of a board speak of; empty where it has none."""
    facts = board.facts
    if all(row.low is None for row in board.rows):
        return ""
    text = f" · intervals for new {', '.join(f'{unit}s' for unit in facts.cluster_units)}"
    if facts.detectable is not None:
        text += f" · a true difference of {facts.detectable:.3f} would show in 80 % of samples"
    return text


def print_boards(boards: Sequence[Board]) -> None:
    """Print leaderboards, one table each, and the targets that stand apart."""
    for board in boards:
        columns = _list_columns(board)
        standing = [row for row in board.rows if row.status != "trained-on"]
        rows = [tuple(text(row) for text in columns.values()) for row in standing]
        for absent in board.absent:
            cells = dict.fromkeys(columns, "–") | {"model": absent.model, "status": absent.reason}
            rows.append(tuple(cells.values()))
        print_table(describe_board(board), tuple(columns), rows, whole="rank --format json")
        _print_trained(board)
        _print_thin(board)


def _list_columns(board: Board) -> dict[str, Callable[[BoardRow], str]]:
    """Return the columns of a board by heading: those that have values there."""
    from cosmos_board.site.language.messages import status_text
    from cosmos_board.site.language.numbers import percent, percent_interval

    def share(of: Share | None) -> str:
        return "–" if of is None else percent_interval(of.value, of.low, of.high)

    def leads(row: BoardRow) -> str:
        return "< 1 %" if row.lead_share == 0 else percent(row.lead_share)

    columns: dict[str, Callable[[BoardRow], str]] = {"model": lambda row: row.model}
    if board.ranked:
        columns["rank"] = format_rank
    columns["score"] = lambda row: f"{row.score:.3f}"
    if any(row.low is not None for row in board.rows):
        columns["95 % interval"] = lambda row: format_interval(row.low, row.high)
    if board.ranked:
        columns["letters"] = lambda row: row.letters or "–"
    if board.facts.ranks:
        columns["Dice < 0.5"] = lambda row: share(row.failure)
        columns["nothing drawn"] = lambda row: share(row.empty)
    columns["status"] = status_text
    columns["clusters"] = lambda row: str(row.clusters)
    columns["references"] = lambda row: str(row.references)
    if any(row.low_elsewhere is not None for row in board.rows):
        columns["new datasets"] = lambda row: format_interval(row.low_elsewhere, row.high_elsewhere)
    if board.ranked:
        columns["leads in … of resamples"] = leads
    return columns


def _print_trained(board: Board) -> None:
    """Print what models reach that were trained on a part; nothing where there is none."""
    from cosmos_board.site.language.numbers import percent

    trained = [row for row in board.rows if row.status == "trained-on"]
    if not trained:
        return
    leader = board.ranked[0].model if board.ranked else "the first"
    targets = count_nouns(len(board.facts.targets) + len(board.facts.thin), "target")
    rows = []
    for row in trained:
        clean, behind = row.clean_targets, row.behind
        rows.append(
            (
                *(row.model, f"{percent(row.trained_on)} of {targets}", str(clean or "none")),
                f"{row.score:.3f}" if clean else "–",
                format_interval(row.low, row.high) if clean else "–",
                f"{behind.difference:+.3f}" if behind else "–",
                format_interval(behind.low, behind.high) if behind else "–",
            )
        )
    headings = ("model", "trained on", "clean targets", "score on these", "95 % interval")
    caption = "trained on this data, so not ranked"
    if any(row.clean_targets for row in trained):
        wide = " with at least 10 clusters" if board.facts.thin else ""
        caption += f": scores are those on its clean targets, the ones{wide} it was not trained on"
    differences = (f"minus {leader} on these", "95 % interval")
    print_table(caption, (*headings, *differences), rows, whole="rank --format json")


def _print_thin(board: Board) -> None:
    """Print the scores on targets with few clusters; nothing where there is none."""
    thin = board.facts.thin
    if not thin:
        return
    models = [row.model for row in board.rows]
    scores = [dict(target.scores) for target in thin]
    rows = [
        (
            *(target.target, str(target.clusters)),
            *(f"{own[model]:.3f}" if model in own else "–" for model in models),
        )
        for target, own in zip(thin, scores, strict=True)
    ]
    caption = "fewer than 10 clusters: scores alone, with no part in the table above"
    print_table(caption, ("target", "clusters", *models), rows, whole="rank --by target")


def explain_no_rank(board: Board) -> str:
    """Return why a board ranks nobody."""
    from cosmos_board.site.language.messages import status_text

    if not board.facts.ranks:
        return "too few clusters to rank: no target has 10, so these are scores alone"
    if any(row.status == "distance" for row in board.rows):
        return "the median over drawn masks, by which nobody is ranked"
    return "nobody is ranked yet: " + ", ".join(sorted({status_text(row) for row in board.rows}))


def format_rank(row: BoardRow) -> str:
    """Return a rank with its range, such as `2 (1–4)`; a dash where there is none."""
    if row.rank is None:
        return "–"
    if row.rank_low is None:
        return str(row.rank)
    return f"{row.rank} ({row.rank_low}–{row.rank_high})"


def format_interval(low: float | None, high: float | None) -> str:
    """Return an interval, or a dash where the data is too thin for one.

    Example:
        >>> format_interval(0.5, 0.75)
        '0.500 … 0.750'
    """
    return "–" if low is None or high is None else f"{low:.3f} … {high:.3f}"
