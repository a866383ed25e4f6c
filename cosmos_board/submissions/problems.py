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
        >>> print(Problem("submissions/a/submission.yaml", "slug", "does not match the folder"))
        submissions/a/submission.yaml: slug: does not match the folder
    """

    path: str
    field: str
    """Field, column, row or empty where the file as a whole is meant."""

    text: str
    disposition: Disposition = "refused"
    """`refused`, `held` until a maintainer has looked at it, or only `noted`."""

    about: str = ""
    """What else it was compared with: the slug of another entry, or of an owner's. Two requests
    can be checked at once, so such a hold may be seen only after the merge."""

    def __str__(self) -> str:
        parts = (
            make_ascii(self.path, LONGEST_LINE),
            make_ascii(self.field, _LONGEST_VALUE),
            self.text,
        )
        line = make_ascii(": ".join(part for part in parts if part), 2 * LONGEST_LINE)
        # A log of a workflow reads lines that begin so as commands.
        return make_ascii(re.sub(":(?=:)", ": ", line), LONGEST_LINE)


def make_ascii(text: str, longest: int) -> str:
    r"""Return `text` in ASCII on one line, cut at `longest` characters.

    Example:
        >>> make_ascii("a\u202eb", 60)
        'a\\u202eb'
    """
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    plain = "".join(
        sign if " " <= sign <= "~" else sign.encode("unicode_escape").decode() for sign in cut
    )
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."


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


def find_refusal(problems: Iterable[Problem]) -> Problem:
    """Return the first of `problems` that refuses the submission; there must be one."""
    return next(problem for problem in problems if problem.disposition == "refused")
