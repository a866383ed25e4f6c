"""Derives every published file again from the rows, and compares it with what was published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Difference:
    """A published value that does not follow from the rows."""

    path: str
    """File, from the root of the site."""

    where: str
    """Which value: a path of keys in JSON, a line in anything else; empty for the whole file."""

    published: str
    derived: str

    def __str__(self) -> str:
        values = f"(got {self.published}, want {self.derived})"
        return f"{self.path}: {self.where}: is not what the rows give {values}"


def verify_files(derived: Mapping[str, bytes], site: Path) -> list[Difference]:
    """Return the first difference of every published file that is not what the rows give.

    Args:
        derived: What should be there, by path from the root of the site.
        site: The published folder.
    """
    differences = []
    for path in sorted(derived):
        file = site / path
        if not file.is_file():
            differences.append(Difference(path, "file", "nothing", f"{len(derived[path])} bytes"))
        elif (published := file.read_bytes()) != derived[path]:
            differences.append(_locate(path, published, derived[path]))
    return differences


def _locate(path: str, published: bytes, derived: bytes) -> Difference:
    if path.endswith(".json"):
        try:
            where = _walk(json.loads(published), json.loads(derived), ())
        except ValueError:
            return Difference(path, "file", "no JSON", "JSON")
        if where is not None:
            return Difference(path, *where)
    lines = zip_longest(published.split(b"\n"), derived.split(b"\n"), fillvalue=b"")
    for number, (old, new) in enumerate(lines, 1):
        if old != new:
            return Difference(path, f"line {number}", *_excerpts(old, new))
    raise AssertionError("equal files are not located")


def _excerpts(old: bytes, new: bytes) -> tuple[str, str]:
    """Return both lines from shortly before the first byte in which they differ."""
    pairs = enumerate(zip_longest(old, new))
    first = next(index for index, (a, b) in pairs if a != b)
    start = max(0, first - 20)
    texts = (line[start : start + 60].decode(errors="replace") for line in (old, new))
    return repr(next(texts)), repr(next(texts))


def _walk(old: object, new: object, place: tuple[str, ...]) -> tuple[str, str, str] | None:
    """Return the first place in which a published document differs from the derived one."""
    for key, first, second in _members(old, new):
        if (difference := _walk(first, second, (*place, key))) is not None:
            return difference
    if type(old) is type(new) and old == new:
        return None
    return "/".join(place), _short(old), _short(new)


def _members(old: object, new: object) -> list[tuple[str, object, object]]:
    """Return what two documents of one shape are made of, side by side."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [(key, old.get(key, ...), new.get(key, ...)) for key in keys]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [(_name(row, i), old[i], row) for i, row in enumerate(new)]
    return []


def _name(row: object, index: int) -> str:
    """Return a row's model where it has one: easier to find than its number."""
    if isinstance(row, dict) and isinstance(row.get("model"), str):
        return str(row["model"])
    return str(index)


def _short(value: object) -> str:
    return "nothing" if value is ... else json.dumps(value, ensure_ascii=False)[:80]
