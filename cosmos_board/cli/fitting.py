"""Which columns of a table fit into a terminal; needs no library, so that listings start fast."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from unicodedata import east_asian_width

GAP = 3
"""Characters between two columns, the margin of a table included."""


def terminal_width() -> int | None:
    """Return how many characters a line of stdout has; None where it goes to a file or a pipe."""
    if not sys.stdout.isatty() and not os.environ.get("FORCE_COLOR"):
        return None
    return shutil.get_terminal_size().columns


def fit_columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], keep: int, width: int | None
) -> int:
    """Return how many of the first columns are shown; the first `keep` always are, in full.

    Args:
        headings: One a column.
        rows: Cells of text.
        keep: Columns that a reader copies from, such as a name.
        width: Characters of a line; None shows all.

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


def name_hidden(headings: Sequence[str], shown: int, whole: str = "--json") -> str:
    """Return the line under a table that says what did not fit; empty where all did.

    Args:
        headings: One a column.
        shown: How many of the first columns are shown.
        whole: The option that prints everything.
    """
    hidden = ", ".join(headings[shown:])
    return f"not shown for want of width: {hidden}; {whole} has all" if hidden else ""
