"""What is wrong with a submission: one line each, safe to print anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Disposition: TypeAlias = Literal["refused", "held", "noted"]

LONGEST_LINE = 200
_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    Example:
        >>> print(Problem("submissions/a/submission.toml", "slug", "does not match the folder"))
        submissions/a/submission.toml: slug: does not match the folder
    """

    path: str
    field: str
    """Field, column, row or empty where the file as a whole is meant."""

    text: str
    disposition: Disposition = "refused"
    """`refused`, `held` until a maintainer has looked at it, or only `noted`."""

    about: str = ""
    """Slug of the entry, or of the owner's entry, that it was compared with. Two requests can be
    checked at the same time, so such a hold may be seen only after the merge."""

    def __str__(self) -> str:
        path, field = make_ascii(self.path, LONGEST_LINE), make_ascii(self.field, _LONGEST_VALUE)
        line = ": ".join(part for part in (path, field, self.text) if part)
        # The log of a workflow reads lines that begin with two colons as commands.
        line = re.sub(":(?=:)", ": ", make_ascii(line, 2 * LONGEST_LINE))
        return make_ascii(line, LONGEST_LINE)


def make_ascii(text: str, longest: int) -> str:
    r"""Return `text` in ASCII on one line, cut at `longest` characters.

    Example:
        >>> make_ascii("a\u202eb", 60)
        'a\\u202eb'
    """
    text = _cut(text, longest)
    escaped = (
        sign if " " <= sign <= "~" else sign.encode("unicode_escape").decode() for sign in text
    )
    return _cut("".join(escaped), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def quote(value: object) -> str:
    """Return an untrusted value as it may stand in a message: quoted, ASCII, cut.

    Example:
        >>> quote("x" * 99)
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'"
    """
    if isinstance(value, str):
        return f"'{make_ascii(value, _LONGEST_VALUE)}'"
    return make_ascii(str(value)[:1000], _LONGEST_VALUE)


def is_refused(problems: Iterable[Problem]) -> bool:
    """Return whether any of `problems` refuses the submission."""
    return any(problem.disposition == "refused" for problem in problems)
