"""Boards as files: the same rows give the same bytes, on any day and in any order of the data.

Numbers carry six significant digits: more than any difference that a reader may act on, fewer
than the last bits in which two machines may disagree.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite

DIGITS = 6


def to_json(document: object) -> bytes:
    """Return a document as one line of JSON: sorted keys, floats of six significant digits.

    Example:
        >>> to_json({"b": 1 / 3, "a": None}).decode().rstrip()
        '{"a":null,"b":0.333333}'
    """
    text = json.dumps(
        round_floats(document), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return f"{text}\n".encode()


def round_floats(value: object) -> object:
    """Return `value` with every float inside at six significant digits; NaN becomes None.

    Dataclasses become mappings of their fields.
    """
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: round_floats(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {name: round_floats(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(item) for item in value]
    return value


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    r"""Return a table as CSV, unknown values empty and floats of six significant digits.

    Text that a spreadsheet would run as a formula is quoted.

    Example:
        >>> to_csv(("a", "b", "c"), [("=1+1", -1 / 3, None)])
        b"a,b,c\n'=1+1,-0.333333,\n"
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_to_csv_value(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _to_csv_value(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}" if isfinite(value) else ""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value
