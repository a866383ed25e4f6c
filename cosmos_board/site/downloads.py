"""Tables as files: exactly the rows of the page, with the digits that boards are written in."""

from __future__ import annotations

import csv
import io

from cosmos_board.board.export import DIGITS, to_json
from cosmos_board.site.table import Raw, Table

SCHEMA_VERSION = 1
"""Version of the JSON written beside every table."""


def table_files(table: Table, path: str, version: str) -> dict[str, bytes]:
    """Return the downloads of `table` by path from the root of the site.

    Args:
        table: What is shown.
        path: Where the files go, without extension.
        version: The data version.
    """
    return {f"{path}.csv": table_csv(table), f"{path}.json": table_json(table, version)}


def table_csv(table: Table) -> bytes:
    """Return the rows as CSV, unknown values empty."""
    records = table_records(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(records[0]) if records else [column.key for column in table.columns]
    writer.writerow(names)
    for record in records:
        writer.writerow([_for_spreadsheet(record[name]) for name in names])
    return out.getvalue().encode()


def table_json(table: Table, version: str) -> bytes:
    """Return the rows as JSON with the caption that says what they are."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "data_version": version,
        "caption": table.caption,
        "rows": table_records(table),
    }
    return to_json(document)


def table_records(table: Table) -> list[dict[str, Raw]]:
    """Return one mapping a row: what the table was made from, else its cells."""
    if table.records:
        return list(table.records)
    return [
        {
            column.key: cell.value if cell.value is not None or cell.muted else cell.text
            for column, cell in zip(table.columns, row.cells, strict=True)
        }
        for row in table.rows
    ]


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
