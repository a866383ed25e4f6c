"""Tables as files: exactly the rows of the page, with the digits that boards are written in."""

from __future__ import annotations

import csv
import io
import json
from math import isfinite

from cosmos_board.board.export import DIGITS
from cosmos_board.site.components.table import Raw, Table

SCHEMA_VERSION = 1
"""Version of the JSON written beside every table."""


def table_files(table: Table, path: str, version: str) -> dict[str, bytes]:
    """Return the downloads of `table` by path from the root of the site.

    CSV for every table; JSON too where the table was made from records, as leaderboards are.

    Args:
        table: What is shown.
        path: Where the files go, without extension.
        version: The data version.
    """
    files = {f"{path}.csv": table_csv(table)}
    if table.records:
        files[f"{path}.json"] = table_json(table, version)
    return files


def table_csv(table: Table) -> bytes:
    """Return the rows as CSV, unknown values empty."""
    names, rows = table_rows(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_for_spreadsheet(value) for value in row] for row in rows)
    return out.getvalue().encode()


def table_json(table: Table, version: str) -> bytes:
    """Return the rows as JSON: what they are, the names of their columns, one list a row."""
    names, rows = table_rows(table)
    document = {
        "schema_version": SCHEMA_VERSION,
        "data_version": version,
        "caption": table.caption,
        "columns": names,
        "rows": [[_shorten(value) for value in row] for row in rows],
    }
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def table_rows(table: Table) -> tuple[list[str], list[list[Raw]]]:
    """Return column names and rows: what the table was made from, else its cells."""
    if table.records:
        return list(table.records[0]), [list(record.values()) for record in table.records]
    names = [column.key for column in table.columns]
    return names, [
        [cell.value if cell.value is not None or cell.muted else cell.text for cell in row.cells]
        for row in table.rows
    ]


def _shorten(value: Raw) -> Raw:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if isfinite(value) else None
    return value


def _for_spreadsheet(value: Raw) -> Raw:
    """Return `value` so that a spreadsheet takes for text what is text.

    Example:
        >>> _for_spreadsheet("=1+1"), _for_spreadsheet(-0.5), _for_spreadsheet(None)
        ("'=1+1", '-0.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value
