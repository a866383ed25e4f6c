"""TOML as plain data: what a stranger's file can make the parser do is bounded."""

from __future__ import annotations

import tomllib
from typing import Any

from cosmos_board.submissions.problems import make_ascii

LARGEST_BYTES = 64 << 10
_DEEPEST = 8
_MOST_VALUES = 10_000
_MOST_DOTS = 200
"""On one line: the parser takes quadratic time for a key of many parts."""


class TomlError(ValueError):
    """The document is refused; the text says where and why."""


def load_toml(
    data: bytes, largest_bytes: int = LARGEST_BYTES, most_values: int = _MOST_VALUES
) -> dict[str, Any]:
    """Return the table that `data` holds.

    Raises:
        TomlError: If it is no TOML, too large, too deep, or has integers of more than 64 bits; no
            other error leaves this function.

    Example:
        >>> load_toml(b"a = 'NO'")
        {'a': 'NO'}
    """
    if len(data) > largest_bytes:
        raise TomlError(f"{len(data)} bytes, limit {largest_bytes}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise TomlError(f"byte {error.start}: not UTF-8") from None
    if text.startswith("\ufeff"):
        raise TomlError("byte 0: has a byte-order mark")
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > _MOST_DOTS:
            raise TomlError(f"line {number}: more than {_MOST_DOTS} dots")
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise TomlError(f"nested deeper than {_DEEPEST}") from None
    except ValueError as error:  # also of a number with too many digits
        reason = make_ascii(str(error), 120)
        raise TomlError(f"no TOML: {reason[:1].lower()}{reason[1:]}") from None
    if _count_values(document, "", 0) > most_values:
        raise TomlError(f"more than {most_values} values")
    return document


def _count_values(value: Any, place: str, depth: int) -> int:  # noqa: ANN401 - any TOML value
    """Return how many values lie in `value`; refuse integers and depths that TOML need not have."""
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        raise TomlError(f"{place}: an integer of more than 64 bits")
    if depth > _DEEPEST:
        raise TomlError(f"{make_ascii(place, 60)}: nested deeper than {_DEEPEST}")
    if isinstance(value, dict):
        parts = [(f"{place}.{key}".removeprefix("."), part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{place}[{number}]", part) for number, part in enumerate(value)]
    else:
        return 1
    return 1 + sum(_count_values(part, name, depth + 1) for name, part in parts)
