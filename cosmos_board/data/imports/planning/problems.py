"""Files that cannot be used, in few lines: those that share a reason stand together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.planning.archived import Problem

_EXAMPLES = 3
_SHOWN = 12
_PARTICULAR = re.compile(r"\S*[/.][^\s:,]*|[0-9]+")
"""What a reason says of one file: paths and numbers."""


def describe_problems(problems: Iterable[Problem]) -> list[str]:
    """Return a line for each file, and one of a count for more than three with equal reasons.

    Reasons that differ in paths and numbers are equal. Beyond twelve reasons only counts are told.

    Example:
        >>> describe_problems([(f"{n}.png", f"is in both {n}.zip and b.zip") for n in range(9)])[-1]
        '  and 6 more like these'
    """
    alike: dict[str, list[Problem]] = defaultdict(list)
    for path, reason in problems:
        alike[_PARTICULAR.sub("#", reason)].append((path, reason))
    lines = []
    for group in list(alike.values())[:_SHOWN]:
        shown = group[:_EXAMPLES]
        lines += [f"  not used: {show_path(path)}: {reason}" for path, reason in shown]
        if len(group) > len(shown):
            lines.append(f"  and {len(group) - len(shown)} more like these")
    rest = list(alike.values())[_SHOWN:]
    if rest:
        lines.append(f"  not used: {sum(map(len, rest))} more, for {len(rest)} further reasons")
    return lines
