"""Files that look like images or masks and fit no pattern of an import file, by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.files import ENDINGS

ARCHIVES = (".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip")
_DIGITS = re.compile("[0-9]+")
_SHOWN = 8
_COMPANIONS = {".img": ".hdr"}
"""Endings of files that the file of another ending stands for."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Files of one ending in folders that differ in numbers only."""

    folder: str
    """With `#` for each number; empty for the source folder itself."""

    ending: str
    """In small letters; empty where names have none, as those of DICOM files may."""

    example: str
    """The first of them, below the source folder."""

    count: int

    def __str__(self) -> str:
        """Return it as text."""
        where = f" in {show_path(self.folder)}/" if self.folder else ""
        named = self.ending if self.ending else "without an ending"
        return f"{self.count} {named}{where}, such as {show_path(self.example)}"


def find_unmatched(paths: Iterable[str], matched: Collection[str]) -> tuple[Kind, ...]:
    """Return the kinds of files among `paths` that may hold pixels and are not `matched`.

    The most frequent kind comes first. A file without an ending counts where its name holds a
    number, and an archive always: what is in one that was not opened is not read either.
    """
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for path in paths:
        if path in matched or (ending := _find_ending(path)) is None:
            continue
        companion = _COMPANIONS.get(ending)
        if companion and path[: -len(ending)] + companion in matched:
            continue
        key = (_DIGITS.sub("#", path.rpartition("/")[0]), ending)
        counts[key] += 1
        first.setdefault(key, path)
    return tuple(
        Kind(folder, ending, first[folder, ending], count)
        for (folder, ending), count in counts.most_common()
    )


def describe_unmatched(kinds: Collection[Kind]) -> list[str]:
    """Return kinds as lines, the rest of a long list in one."""
    if not kinds:
        return []
    shown, rest = list(kinds)[:_SHOWN], list(kinds)[_SHOWN:]
    total = sum(kind.count for kind in kinds)
    lines = [f"  {total} files that may be images or masks fit no pattern:"]
    lines += [f"    {kind}" for kind in shown]
    if rest:
        lines.append(f"    {sum(kind.count for kind in rest)} more of {len(rest)} kinds")
    return lines


def _find_ending(path: str) -> str | None:
    """Return the ending of a file that may hold pixels, or None."""
    name = path.rpartition("/")[2].lower()
    stem, dot, last = name.rpartition(".")
    if not dot:
        return "" if _DIGITS.search(name) else None
    ending = f".{last}"
    if ending == ".gz":
        before = f".{stem.rpartition('.')[2]}"
        return f"{before}.gz" if before in ENDINGS or before == ".tar" else None
    if ending in ENDINGS or ending in ARCHIVES:
        return ending
    # DICOM files without an ending are often named by UIDs, whose last part is a number.
    return "" if last.isdigit() else None
