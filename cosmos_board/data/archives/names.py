"""Which files are archives, and which are the parts of one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

KINDS = {
    ".zip": "zip",
    ".7z": "7z",
    ".tar": "tar",
    ".tar.gz": "tar.gz",
    ".tgz": "tar.gz",
    ".tar.bz2": "tar.bz2",
    ".tbz2": "tar.bz2",
    ".tar.xz": "tar.xz",
    ".txz": "tar.xz",
}
"""Kind by ending."""

_PART = re.compile(r"(?P<name>.+)\.(?:part[-_.]?)?(?P<number>[0-9]{1,4}|[a-z]{2,3})", re.I)


def find_kind(path: str) -> str:
    """Return the kind of an archive by its name, "" where it is none.

    Example:
        >>> find_kind("a/x.TAR.gz"), find_kind("x.zip.001")
        ('tar.gz', '')
    """
    lower = path.lower()
    return next((kind for ending, kind in KINDS.items() if lower.endswith(ending)), "")


def strip_ending(path: str) -> str:
    """Return the path of an archive without its ending.

    Example:
        >>> strip_ending("a/x.v1.tar.gz")
        'a/x.v1'
    """
    lower = path.lower()
    longest = max((len(ending) for ending in KINDS if lower.endswith(ending)), default=0)
    return path[: len(path) - longest]


def group_parts(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the files of each archive in their order, by the path of the whole.

    Numbers of parts begin at 0 or 1, letters at `aa`; an archive that lacks one has no files.

    Example:
        >>> group_parts(["x.zip", "y.tar.part-ab", "y.tar.part-aa", "z.zip.002"])
        {'x.zip': ('x.zip',), 'y.tar': ('y.tar.part-aa', 'y.tar.part-ab'), 'z.zip': ()}
    """
    whole: dict[str, tuple[str, ...]] = {}
    parts: dict[str, dict[int, str]] = defaultdict(dict)
    for path in paths:
        if find_kind(path):
            whole[path] = (path,)
        elif (match := _PART.fullmatch(path)) and find_kind(match["name"]):
            parts[match["name"]][_read_number(match["number"].lower())] = path
    for name, by_number in parts.items():
        first = min(by_number)
        expected = range(first, first + len(by_number))
        complete = first in (0, 1) and sorted(by_number) == list(expected)
        whole.setdefault(name, tuple(by_number[number] for number in expected) if complete else ())
    return whole


def _read_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("a")
    return number
